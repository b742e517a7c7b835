/** The embedded mode as a program has it: nothing listens, `local` holds, and no memory is shared. */

import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { marked, Stage } from "../kit/daemons.js";

const stage = new Stage();
afterAll(() => stage.close());

async function play(name: string, source: string): Promise<string> {
  const { stdout, stderr, code } = await stage.play(stage.program(name, source));
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Inodes of the sockets that listen, of those that this process can see. */
function listening(): Set<string> {
  const table = (name: string) =>
    readFileSync(`/proc/self/net/${name}`, "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/));
  const LISTEN = "0A";
  const ACCEPTS = 0x10000;
  const tcp = ["tcp", "tcp6"].flatMap(table).filter((row) => row[3] === LISTEN);
  const unix = table("unix").filter((row) => (Number.parseInt(row[3]!, 16) & ACCEPTS) !== 0);
  return new Set([...tcp.map((row) => row[9]!), ...unix.map((row) => row[6]!)]);
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return []; // It has ended meanwhile.
  }
}

/** Processes with the marker that hold a listening socket. */
function listeners(marker: string): number[] {
  const inodes = listening();
  return marked(marker).filter((pid) => {
    return openFiles(pid).some((fd) => {
      try {
        const target = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`));
        return target !== null && inodes.has(target[1]!);
      } catch {
        return false; // Closed meanwhile.
      }
    });
  });
}

describe("an embedded head", () => {
  it.skipIf(process.platform !== "linux")("opens no port and no socket", async () => {
    const program = stage.run(
      [
        "--import",
        "tsx",
        stage.program(
          "quiet.ts",
          `
import { existsSync } from "node:fs";
import { cores, delayed, run } from "grain-scheduler";
const wait = delayed(async function wait(file: string) {
  console.log("running");
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5));
  return "done";
});
await run(async () => console.log(await wait.with(cores(1))(process.argv[2]!)));
`,
        ),
        join(stage.directory, "go"),
      ],
      {},
      stage.project,
    );
    await program.until(/running/);
    // The program, its launcher or bundler, and the executor that runs the task.
    expect(marked(stage.marker).length).toBeGreaterThanOrEqual(2);
    expect(listeners(stage.marker)).toEqual([]);
    // The same look finds a head that does listen.
    const { head } = await stage.head();
    const socket = stage.start("grain-head", ["--listen", `unix://${stage.directory}/head.sock`]);
    await socket.until(/listening on/);
    expect(listeners(stage.marker).sort()).toEqual([head.child.pid!, socket.child.pid!].sort());
    writeFileSync(join(stage.directory, "go"), "");
    await program.ended;
    expect(program.stdout).toContain("done\n");
  });

  it("owns what local says: its cores, each in one task's hands at a time", async () => {
    const stdout = await play(
      "two-cores.ts",
      `
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cores, currentTask, delayed, each, run } from "grain-scheduler";
const take = delayed(async function take(n: number, directory: string) {
  // Of one clock for all processes.
  const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
  const fromMs = nowMs();
  writeFileSync(join(directory, String(n)), "");
  // The first two wait for each other: both cores are used.
  while (n < 2 && !existsSync(join(directory, String(1 - n)))) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { cores: ids } = currentTask().resources;
  return { ids: [...ids], fromMs, toMs: nowMs() };
});
const directory = mkdtempSync(join(tmpdir(), "grain-test-"));
try {
  const tasks = await run(async () => each(Array.from({ length: 12 }, (_, n) => take.with(cores(1))(n, directory))), { local: { cores: 2 } });
  console.log(JSON.stringify(tasks));
} finally {
  rmSync(directory, { recursive: true });
}
`,
    );
    const tasks = JSON.parse(stdout) as { ids: number[]; fromMs: number; toMs: number }[];
    for (const { ids } of tasks) expect(ids).toHaveLength(1);
    expect(new Set(tasks.flatMap(({ ids }) => ids)).size).toBe(2);
    for (const task of tasks) {
      const atOnce = tasks.filter(({ fromMs, toMs }) => fromMs <= task.fromMs && task.fromMs <= toMs);
      expect(atOnce.length).toBeLessThanOrEqual(2);
      expect(new Set(atOnce.flatMap(({ ids }) => ids)).size).toBe(atOnce.length);
    }
  });

  it("shares no memory with the program: neither of arguments nor of results", async () => {
    const stdout = await play(
      "memory.ts",
      `
import { cores, delayed, each, run } from "grain-scheduler";
const copy = delayed(function copy(bytes: Uint8Array) { return bytes; });
const same = delayed(function same(length: number) { return new Uint8Array(length).fill(7); });
const are = (bytes: Uint8Array, value: number) => bytes.every((byte) => byte === value);
await run(async () => {
  for (const length of [16, 5_000, 100_000, 3_000_000]) {
    const argument = new Uint8Array(length).fill(1);
    const first = copy.with(cores(1))(argument);
    argument.fill(2);
    const second = copy.with(cores(1))(argument);
    argument.fill(3);
    const [one, two] = await each(first, second);
    console.log(length, "arguments", are(one, 1) && are(two, 2));
    one.fill(9);
    // Equal results, of one batch and of later ones: whoever changes one changes that one.
    const results = await each([1, 2, 3].map(() => same.with(cores(1))(length)));
    results[0]!.fill(8);
    const later = await same.with(cores(1))(length);
    console.log(length, "results", are(results[1]!, 7) && are(results[2]!, 7) && are(later, 7) && are(two, 2));
    const buffers = new Set([...results, later, one, two, argument].map(({ buffer }) => buffer));
    console.log(length, "buffers", buffers.size, [...buffers].every(({ byteLength }) => byteLength === length));
  }
});
`,
    );
    expect(stdout.trim().split("\n")).toEqual(
      [16, 5_000, 100_000, 3_000_000].flatMap((length) => [
        `${length} arguments true`,
        `${length} results true`,
        `${length} buffers 7 true`,
      ]),
    );
  });
});
