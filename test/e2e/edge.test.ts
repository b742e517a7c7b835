/** A head, workers and programs that find each other through a file, in any order, also after the head has died. */

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EdgeRecord, formatRecord, readRecord } from "../../proto/edge/record.js";
import { marked, type Running, Stage } from "../kit/daemons.js";

let stage: Stage;
let file: string;
let address: string;
beforeEach(() => {
  stage = new Stage();
  file = join(stage.directory, "grain.edge");
  address = `edge://${file}`;
});
afterEach(async () => {
  // The head that a program has started is nobody's child.
  const record = await readRecord(file).catch(() => undefined);
  const pid = record?.process.pid ?? 0;
  if (marked(stage.marker).includes(pid)) {
    process.kill(pid, "SIGTERM");
    // A second signal would end it without a goodbye.
    await until(() => (marked(stage.marker).includes(pid) ? undefined : true));
  }
  await stage.close();
});

const PROGRAM = `
import { cores, delayed, run } from "grain-scheduler";
const double = delayed(async function double(x: number) { return 2 * x; });
const values = await run(() => Promise.all([1, 2, 3].map((x) => double.with(cores(1))(x))), {
  address: process.env.AT,
});
console.log(values.join(" "));
`;

/** Two calls, one after the other, with large values; each waits until it may end. */
const WAITS = `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { cores, delayed, run } from "grain-scheduler";
const waits = delayed(async function waits(call: number, text: string) {
  appendFileSync(process.env.GATE + ".started", "call " + call + "\\n");
  console.log("started", call);
  while (!existsSync(process.env.GATE!)) await setTimeout(20);
  return text;
});
const text = "x".repeat(1_000_000);
await run(async () => {
  const first = await waits.with(cores(1))(1, text);
  const second = await waits.with(cores(1))(2, first);
  console.log(first.length, second.length);
});
`;

/** Waits as long as it takes. */
async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Heads that run, by their command lines. */
function heads(): number[] {
  return marked(stage.marker).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("grain-head");
    } catch {
      return false;
    }
  });
}

const startHead = (...args: string[]) => stage.start("grain-head", ["--edge", file, ...args]);
const startWorker = () =>
  stage.start("grain-worker", ["--address", address, "--cpus", "2"], { GATE: `${stage.directory}/gate` });

describe("through an edge file", () => {
  it("a worker that starts first waits; of heads that start together one serves", async () => {
    const worker = startWorker();
    await worker.until(/No head answers at edge:.*yet; still trying/);
    const started = [startHead(), startHead(), stage.start("grain-head", ["--listen", address])];
    await worker.until(/Joined the head/);
    const program = await stage.play(stage.program("double.ts", PROGRAM), { GRAIN_ADDRESS: address });
    expect(program.stdout, program.stderr).toBe("2 4 6\n");
    const record = (await readRecord(file))!;
    const server = started.find(({ child }) => child.pid === record.process.pid)!;
    for (const other of started.filter((each) => each !== server)) {
      expect(await other.ended).toMatchObject({ code: 0 });
      expect(other.stdout).toMatch(/^grain-head: a head of .* runs already, on .*\(pid \d+\)/);
    }
    expect(server.stdout).toMatch(/ listening on /);
    const ls = stage.start("grain", ["ls", "--address", address]);
    expect(await ls.ended).toMatchObject({ code: 0 });
    expect(ls.stdout).toMatch(/ready/);
    server.kill();
    await server.ended;
    // Nothing is left beside what the test itself has.
    expect(readdirSync(stage.directory).filter((name) => name.startsWith("grain.edge"))).toEqual([]);
  });

  it("who was connected follows the head that takes over from one that died", async () => {
    const first = startHead("--listen", "127.0.0.1:0");
    const worker = startWorker();
    await worker.until(/Joined the head at (\S+)\./);
    const waits = stage.run(
      ["--import", "tsx", stage.program("waits.ts", WAITS)],
      { GRAIN_ADDRESS: address, GATE: `${stage.directory}/gate` },
      stage.project,
    );
    await waits.until(/started 1/);
    const before = (await readRecord(file)) as EdgeRecord;
    first.kill("SIGKILL");
    await first.ended;
    const second = startHead("--listen", "127.0.0.1:0");
    await second.until(/listening on/);
    const after = (await readRecord(file))!;
    expect(after.generation).toBe(before.generation + 1);
    expect(after.addresses).not.toEqual(before.addresses);
    // With what the first one had written down the second goes on; values that are large move as well.
    writeFileSync(`${stage.directory}/gate`, "");
    await waits.ended;
    expect(waits.stdout, waits.stderr).toMatch(/^1000000 1000000\n$/m);
    // What it printed at that moment may be shown twice; it ran once.
    expect(readFileSync(`${stage.directory}/gate.started`, "utf8")).toBe("call 1\ncall 2\n");
    const program = await stage.play(stage.program("double.ts", PROGRAM), { AT: address });
    expect(program.stdout, program.stderr).toBe("2 4 6\n");
  });

  it("that is something else everybody is told so, and nothing is started", async () => {
    writeFileSync(file, "notes of mine\n");
    const head = startHead();
    expect(await head.ended).toMatchObject({ code: 2 });
    expect(head.stderr).toMatch(/^grain-head: .*grain\.edge is no edge file.*name another file/m);
    const program = await stage.play(stage.program("double.ts", PROGRAM), { GRAIN_ADDRESS: address });
    expect(program.code).toBe(1);
    expect(program.stderr).toMatch(/ConfigError.*is no edge file/);
    expect(readFileSync(file, "utf8")).toBe("notes of mine\n");
  });
});

describe("a program whose edge file has no head", () => {
  it("starts one; ten programs at once start one together", async () => {
    const program = stage.program("double.ts", PROGRAM);
    const worker = startWorker();
    const programs = await Promise.all(
      Array.from({ length: 10 }, () => stage.play(program, { GRAIN_ADDRESS: address })),
    );
    for (const { stdout, stderr, code } of programs)
      expect({ stdout, code }, stderr).toEqual({ stdout: "2 4 6\n", code: 0 });
    const { pid } = (await readRecord(file))!.process;
    await until(() => (heads().length === 1 ? true : undefined));
    expect(heads()).toEqual([pid]);
    // It is nobody's child, and keeps a log for its user.
    const log = `${file}.log`;
    expect(statSync(log).mode & 0o777).toBe(0o600);
    expect(readFileSync(log, "utf8").match(/INFO listening on /g)).toHaveLength(1);
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toContain("--idle-quit\0" + "30m");
    const { stdout } = await stage.play(program, { GRAIN_ADDRESS: address });
    expect(stdout).toBe("2 4 6\n");
    process.kill(pid, "SIGTERM");
    await worker.ended;
    await until(() => (heads().length === 0 ? true : undefined));
    expect(existsSync(file)).toBe(false);
  }, 120_000);

  it("starts one when that of another machine has left its file, and been silent for its lease", async () => {
    const dead: EdgeRecord = {
      ...{ id: "dead", generation: 7, beat: 3, addresses: ["127.0.0.1:1"] },
      ...{
        process: { machine: "another", pid: 1, started: "1" },
        host: "node7",
        version: "0.1.0",
        access: "",
      },
    };
    writeFileSync(file, formatRecord(dead));
    const worker = startWorker();
    const program = await stage.play(stage.program("double.ts", PROGRAM), { GRAIN_ADDRESS: address });
    expect(program.stdout, program.stderr).toBe("2 4 6\n");
    const { generation, process: owner } = (await readRecord(file))!;
    expect(generation).toBe(8);
    process.kill(owner.pid, "SIGTERM");
    await worker.ended;
    await until(() => (heads().length === 0 ? true : undefined));
    // The lease alone is 15 s.
  }, 120_000);

  it("is told when none can be started", async () => {
    const program: Running & { code: number | null } = await stage.play(stage.program("double.ts", PROGRAM), {
      GRAIN_ADDRESS: address,
      GRAIN_ACCESS_DIR: stage.program("credential.pem", ""),
    });
    expect(program.code).toBe(1);
    expect(program.stderr).toMatch(
      /ConnectionError.*none could be started here: it ended with exit code \d.*the end of its log .*grain-head: /,
    );
  });
});
