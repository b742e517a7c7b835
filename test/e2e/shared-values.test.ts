/** Large values of real processes: where they are, how much, and what is left when somebody is killed or stops. */

import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Running, Stage } from "../kit/daemons.js";

const KIB = 1024;

let stage: Stage;
let shared: string;
beforeEach(() => {
  stage = new Stage();
  shared = join(stage.directory, "shared");
  mkdirSync(shared, { mode: 0o700 });
  vi.stubEnv("GRAIN_SHARED_DIR", shared);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stage.close();
});

/** The files in shared memory, with their sizes. */
function files(directory = shared): { path: string; byteLength: number }[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? files(path) : [{ path, byteLength: statSync(path).size }];
    });
  } catch (error) {
    // Removed while it was looked at.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** What of it are values. */
function valueBytes(): number {
  return files()
    .filter(({ path }) => !path.endsWith("/proof"))
    .reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function start(name: string, source: string, address: string): Running {
  const file = stage.program(
    name,
    `import { cores, delayed, each, run, token } from "grain-scheduler";\n${source}`,
  );
  return stage.run(["--import", "tsx", file], { GRAIN_ADDRESS: address }, stage.project);
}

const ECHO = `
const echo = delayed(function echo(value: Uint8Array) { return value; });
await run(async () => {
  for (let i = 0; i < 8; i += 1) {
    const back = await echo.with(cores(1))(new Uint8Array(200 * 1024).fill(i));
    if (back.length !== 200 * 1024 || back[7] !== i) throw new Error("changed");
  }
  console.log("fine");
}, { progress: false });
`;

describe("large values", () => {
  it("leave nothing behind, whoever is killed", async () => {
    const { head, address } = await stage.head();
    const worker = await stage.worker(address, ["--cpus", "2"]);
    const program = start(
      "killed.ts",
      `
const hold = delayed(async function hold(value: Uint8Array) { await new Promise(() => setInterval(() => {}, 1000)); return value; });
const give = delayed(function give() { return new Uint8Array(300_000); });
await run(async () => {
  hold.with(cores(1))(new Uint8Array(300_000)).catch(() => {});
  await give.with(cores(1))();
  console.log("under way");
}, { progress: false });
`,
      address,
    );
    await program.until(/under way/);
    expect(valueBytes()).toBeGreaterThan(0);
    program.kill("SIGKILL");
    await program.ended;
    worker.kill("SIGKILL");
    await worker.ended;
    const directories = () => readdirSync(shared);
    const peers = () =>
      readdirSync(join(shared, directories().find((name) => name.includes("head"))!, "peers"));
    await vi.waitFor(() => expect(peers()).toEqual([]), { timeout: 20_000 });
    head.kill("SIGKILL");
    await head.ended;
    const next = await stage.head();
    expect(directories()).toHaveLength(1);
    next.head.kill();
    await next.head.ended;
    expect(files()).toEqual([]);
    expect(directories()).toEqual([]);
  });

  it("of a client that does not read, or a worker that has stopped, stay within the head's memory", async () => {
    const { address } = await stage.head(["--memory", "1M"]);
    const stopped = await stage.worker(address, [
      "--name",
      "stopped",
      "--cpus",
      "1",
      "--res",
      '{"token":"stopped"}',
    ]);
    await stage.worker(address, ["--name", "w", "--cpus", "2"]);
    const program = start(
      "slow.ts",
      `
import { kill } from "node:process";
const give = delayed(function give(i: number) { return new Uint8Array(200 * 1024).fill(i); });
const size = delayed(function size(value: Uint8Array) { return value.length; });
await run(async () => {
  await give.with(cores(1))(0);
  const results = Array.from({ length: 30 }, (_, i) => give.with(cores(1))(i));
  const sizes = Array.from({ length: 10 }, (_, i) => size.with(cores(1), token("stopped"))(new Uint8Array(200 * 1024).fill(i)));
  console.log("asleep");
  setTimeout(() => kill(process.pid, "SIGSTOP"), 30);
  const back = await each(results);
  console.log("results", (back as Uint8Array[]).every((value, i) => value.length === 200 * 1024 && value[9] === i));
  console.log("sizes", (await each(sizes)).every((n) => n === 200 * 1024));
}, { progress: false });
`,
      address,
    );
    await program.until(/asleep/);
    stopped.kill("SIGSTOP");
    // Everybody else goes on, and what waits is within bounds: what the head keeps, and what is being handed over.
    for (const name of ["one.ts", "two.ts"]) {
      const other = start(name, ECHO, address);
      const { code } = await other.ended;
      expect(code, other.stderr).toBe(0);
      expect(other.stdout).toBe("fine\n");
      const kept = files().filter(({ path }) => path.includes("/values/"));
      expect(kept.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThanOrEqual(1024 * KIB);
    }
    program.kill("SIGCONT");
    await program.until(/results true/);
    stopped.kill("SIGCONT");
    await program.until(/sizes true/);
    expect((await program.ended).code).toBe(0);
    // The program gets its results when the head has given up the stopped worker: after 24 s of silence and 30 s more.
  }, 240_000);

  it("pass without shared memory as well", async () => {
    vi.stubEnv("GRAIN_SHARED_DIR", "");
    const { address } = await stage.head();
    await stage.worker(address, ["--cpus", "2"]);
    const program = start("streamed.ts", ECHO, address);
    expect((await program.ended).code, program.stderr).toBe(0);
    expect(program.stdout).toBe("fine\n");
    expect(readdirSync(shared)).toEqual([]);
  });
});
