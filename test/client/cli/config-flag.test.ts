/** Commands that take one entry of the configuration: the file that -c names, where no flag or variable goes before it. */

import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { TRACE } from "./recorded.js";
import { grain } from "./spoken.js";

vi.mock("grain-scheduler/head", () => import("../../../head/index.js"));

let directory: string;

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "grain-config-flag-")));
  vi.stubEnv("GRAIN_ACCESS_DIR", "");
  vi.stubEnv("GRAIN_CONFIG", "");
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  });
});

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe("the configuration's access", () => {
  it("is where grain access has credentials", async () => {
    const config = file("grain.toml", 'access = "keys"\n');
    expect((await grain("access", "new", "--role", "worker", "-c", config)).code).toBe(0);
    expect(existsSync(join(directory, "keys"))).toBe(true);
    const { stdout } = await grain("access", "ls", "--json", "-c", config);
    const [issued] = (JSON.parse(stdout) as { id: string; role: string }[]).filter(
      ({ role }) => role === "worker",
    );
    expect((await grain("access", "revoke", issued!.id, "-c", config)).stdout).toBe(
      `Revoked ${issued!.id} (worker).\n`,
    );
  });

  it("gives way to the variable and the flag", async () => {
    const config = file("grain.toml", 'access = "keys"\n');
    vi.stubEnv("GRAIN_ACCESS_DIR", join(directory, "variable"));
    await grain("access", "new", "--role", "worker", "-c", config);
    await grain("access", "new", "--role", "worker", "-c", config, "--access", join(directory, "flag"));
    expect(["keys", "variable", "flag"].map((name) => existsSync(join(directory, name)))).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe("the configuration's scheduling policy", () => {
  it("is what grain simulate takes", async () => {
    const config = file("grain.toml", '[head.scheduling]\npolicy = "spread"\n');
    const trace = file("head.trace", TRACE);
    expect((await grain("simulate", trace, "-c", config)).stdout).toContain('Simulated with "spread"');
    expect((await grain("simulate", trace, "-c", config, "--policy", "fifo")).stdout).toContain(
      'with "fifo"',
    );
    expect((await grain("simulate", trace, "-c", file("none.toml", ""))).stdout).toContain('with "fit"');
  });
});

describe("the configuration of a completion script", () => {
  it("is in what it asks for names", async () => {
    const config = file("site.toml", 'address = "127.0.0.1:1"\n');
    const { stdout } = await grain("completion", "bash", "-c", config);
    expect(stdout).toContain(`'grain' '__complete' '-c' '${config}' "$names" "\${words[@]:1}"`);
  });
});
