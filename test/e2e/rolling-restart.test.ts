/** All workers are replaced while a program runs: nothing is lost, and only what was killed runs twice. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Running, Stage } from "../kit/daemons.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

/** The first of those that wait for the gate. */
const LONG = 1_000_000;
/** Short calls until there are enough, then three that wait for the gate. It prints how many they were. */
const PROGRAM = `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { cores, currentTask, delayed, each, run } from "grain-scheduler";
const { LOG, GATE, ENOUGH } = process.env as Record<string, string>;
const work = delayed(async function work(n: number, log: string, gate: string) {
  appendFileSync(log, "start " + n + " " + currentTask().worker + "\\n");
  if (n < ${LONG}) await pause(15);
  else while (!existsSync(gate)) await pause(5);
  appendFileSync(log, "end " + n + " " + currentTask().worker + "\\n");
  return 2 * n;
});
await run(async () => {
  const values: number[] = [];
  const call = (n: number) => work.with(cores(1))(n, LOG!, GATE!);
  while (!existsSync(ENOUGH!)) {
    const from = values.length;
    values.push(...(await each(Array.from({ length: 30 }, (_, n) => call(from + n)))));
  }
  const last = await each([0, 1, 2].map((n) => call(${LONG} + n)));
  console.log(JSON.stringify({ values, last }));
});
`;

const file = () => `${stage.directory}/log`;
const log = () => (existsSync(file()) ? readFileSync(file(), "utf8").trim().split("\n") : []);
/** Whether a call has ended on this worker. */
const hasEndedOne = (worker: string) =>
  log().some((line) => line.startsWith("end") && line.endsWith(` ${worker}`));
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("a rolling restart of all workers", () => {
  it("loses nothing, and repeats only what was killed", async () => {
    const { address } = await stage.head();
    const worker = (name: string) => stage.worker(address, ["--name", name, "--cpus", "1"]);
    const workers = new Map<string, Running>();
    for (const name of ["a1", "b1", "c1"]) workers.set(name, await worker(name));
    const files = { LOG: file(), GATE: `${stage.directory}/gate`, ENOUGH: `${stage.directory}/enough` };
    const env = { GRAIN_ADDRESS: address, ...files };
    const program = stage.run(["--import", "tsx", stage.program("program.ts", PROGRAM)], env, stage.project);
    // Each is told to leave while it is at work, and its successor comes.
    for (const [old, next] of [
      ["a1", "a2"],
      ["b1", "b2"],
      ["c1", "c2"],
    ] as const) {
      await until(() => hasEndedOne(old));
      workers.get(old)!.kill();
      workers.set(next, await worker(next));
      expect((await workers.get(old)!.ended).code).toBe(0);
    }
    await until(() => ["a2", "b2", "c2"].every(hasEndedOne));
    writeFileSync(env.ENOUGH, "");
    const holds = () => log().filter((line) => Number(line.split(" ")[1]) >= LONG);
    await until(() => holds().length === 3);
    // What runs on one of them is killed with it, and its successor has its name.
    workers.get("b2")!.kill("SIGKILL");
    await workers.get("b2")!.ended;
    await worker("b2");
    await until(() => holds().length === 4);
    writeFileSync(env.GATE, "");
    expect((await program.ended).code, program.stderr).toBe(0);
    const { values, last } = JSON.parse(program.stdout) as { values: number[]; last: number[] };
    expect(values).toEqual(values.map((_, n) => 2 * n));
    expect(last).toEqual([0, 1, 2].map((n) => 2 * (LONG + n)));

    const count = new Map<string, number>();
    for (const line of log()) {
      const [what, n] = line.split(" ");
      count.set(`${what} ${n}`, (count.get(`${what} ${n}`) ?? 0) + 1);
    }
    const [killed] = holds().filter((line) => line.startsWith("start") && line.endsWith(" b2"));
    const [, again] = killed!.split(" ");
    for (const n of [...values.keys(), LONG, LONG + 1, LONG + 2]) {
      expect(count.get(`end ${n}`), `end ${n}`).toBe(1);
      expect(count.get(`start ${n}`), `start ${n}`).toBe(String(n) === again ? 2 : 1);
    }
    expect(["a1", "b1", "c1", "a2", "b2", "c2"].filter((name) => !hasEndedOne(name))).toEqual([]);
  });
});
