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
    [["--contxt", "x.js"], /unknown option '--contxt'/],
    [
      ["--address", "h:1", "--context", "/no/such/context.ts"],
      /--context: there is no file \/no\/such\/context\.ts/,
    ],
    [["--address", "h:1", "--service", "/"], /--service: \/ is not a file/],
    [["--address", "h:1", "--setup-limit", "soon"], /--setup-limit: "soon"/],
    [["--address", "h:1", "--teardown-limit", "-1"], /--teardown-limit: /],
    [["--cpus"], /argument missing; expected: how many cores/],
    [["extra"], /too many arguments: "extra" is not expected/],
    [["--address", "h:1", "--name="], /--name: ""/],
    [["--address", "h:1", "--walltime", "0"], /--walltime: "0" leaves no time/],
    [["--address", "h:1", "--cpus", "0", "--mem", "0", "--gpus", "0"], /would offer nothing/],
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
      "--context",
      "--service",
    ]) {
      expect(output).toContain(flag);
    }
  });
});
