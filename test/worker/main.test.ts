import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VERSION } from "../../proto/version.js";
import { main } from "../../worker/main.js";

let errors: string;
let output: string;

beforeEach(() => {
  errors = "";
  output = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    errors += text;
    return true;
  });
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    output += text;
    return true;
  });
  vi.stubEnv("GRAIN_ADDRESS", undefined);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe("grain-worker", () => {
  it.each([
    [[], /No head is named.*--address/],
    [["--address", "nowhere"], /"nowhere" is not an address/],
    [["--address", "h:1", "--cpus", "many"], /--cpus/],
    [["--address", "h:1", "--mem", "-3"], /--mem/],
    [["--address", "h:1", "--res", "{"], /--res/],
    [["--address", "h:1", "--import", "/no/such/file.js"], /no file \/no\/such\/file\.js/],
    [["--context", "x.js"], /unknown option '--context'/],
    [["--cpus"], /argument missing/],
    [["extra"], /too many arguments|argument/],
  ])("answers bad usage %j with one line and 2", async (argv, message) => {
    expect(await main(argv as string[])).toBe(2);
    expect(errors).toMatch(message);
    expect(errors).toMatch(/^grain-worker: [^\n]*\n$/);
  });

  it("tells its version and its flags", async () => {
    expect(await main(["--version"])).toBe(0);
    expect(output).toBe(`${VERSION}\n`);
    expect(await main(["--help"])).toBe(0);
    for (const flag of [
      "--cpus",
      "--mem",
      "--gpus",
      "--res",
      "--walltime",
      "--name",
      "--address",
      "--import",
    ]) {
      expect(output).toContain(flag);
    }
  });
});
