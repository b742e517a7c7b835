/** Heads that are killed at once and started again by the same command: programs and workers go on as if nothing had been. */

import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Running, Stage } from "../kit/daemons.js";
import { LastingHead } from "../kit/lasting-head.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(async () => {
  await stage.close();
});

const HEADER = `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { cores, currentTask, delayed, each, run } from "grain-scheduler";
const { LOG, GATE } = process.env as Record<string, string>;
const hold = delayed(async function hold(n: number, log: string, gate: string) {
  appendFileSync(log, "start " + n + " " + currentTask().attempt + "\\n");
  while (!existsSync(gate)) await pause(5);
  appendFileSync(log, "end " + n + "\\n");
  return n;
});
`;

function program(source: string, address: string, env: Record<string, string> = {}): Running {
  const file = stage.program(`program-${Math.random().toString(36).slice(2)}.ts`, HEADER + source);
  const files = { LOG: `${stage.directory}/log`, GATE: `${stage.directory}/gate` };
  return stage.run(["--import", "tsx", file], { GRAIN_ADDRESS: address, ...files, ...env }, stage.project);
}

function log(): string[] {
  try {
    return readFileSync(`${stage.directory}/log`, "utf8").split("\n").slice(0, -1);
  } catch {
    return [];
  }
}

/** Resolves when the log has so many lines, or the program has ended. */
async function logged(lines: number, running?: Running): Promise<void> {
  let over = false;
  void running?.ended.then(() => {
    over = true;
  });
  while (log().length < lines && !over) await new Promise((resolve) => setTimeout(resolve, 2));
}

const openGate = () => writeFileSync(`${stage.directory}/gate`, "");

describe("a head that is killed again and again", () => {
  it("loses none of many short tasks, and none runs twice", async () => {
    const head = await LastingHead.start(stage);
    await stage.worker(head.address, ["--cpus", "2"]);
    await stage.worker(head.address, ["--cpus", "2"]);
    const running = program(
      `
const double = delayed(function double(n: number, log: string) { appendFileSync(log, n + "\\n"); return 2 * n; });
await run(async () => {
  let sum = 0;
  for (let round = 0; round < 10; round += 1)
    for (const twice of await each(Array.from({ length: 300 }, (_, n) => double.with(cores(1))(300 * round + n, LOG!)))) sum += twice;
  console.log(sum);
});
`,
      head.address,
    );
    // Different moments of a round: just begun, in its middle, nearly over, between two.
    for (const lines of [5, 450, 890, 1_199, 1_501, 2_100, 2_700]) {
      await logged(lines, running);
      await head.restart();
    }
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(running.stdout.trim()).toBe(String(3000 * 2999));
    expect(head.lives).toBe(8);
    const lines = log();
    expect(new Set(lines).size).toBe(3000);
    expect(lines.length).toBe(3000);
  }, 180_000);

  it("loses no large argument and no large result", async () => {
    for (const env of [{}, { GRAIN_SHARED_DIR: "" }] as Record<string, string>[]) {
      stage = await renewed();
      const head = await LastingHead.start(stage);
      const worker = stage.start("grain-worker", ["--address", head.address, "--cpus", "2"], env);
      await worker.until(/Joined the head/);
      const running = program(
        `
const turn = delayed(function turn(bytes: Uint8Array, log: string) { appendFileSync(log, "ran\\n"); return bytes.map((byte) => byte ^ 255); });
await run(async () => {
  const inputs = Array.from({ length: 24 }, (_, n) => new Uint8Array(1_000_000).fill(n));
  const outputs = await each(inputs.map((input) => turn.with(cores(1))(input, LOG!)));
  console.log(outputs.every((output, n) => output.length === 1_000_000 && output.every((byte) => byte === (n ^ 255))));
});
`,
        head.address,
        env,
      );
      for (const lines of [1, 8, 16]) {
        await logged(lines, running);
        await head.restart();
      }
      expect((await running.ended).code, running.stderr).toBe(0);
      expect(running.stdout.trim()).toBe("true");
    }
  }, 180_000);
});

/** Another stage for the same test. */
async function renewed(): Promise<Stage> {
  await stage.close();
  return new Stage();
}

describe("a head that is killed", () => {
  it("twice while tasks run finds them running, and they are not run again", async () => {
    const head = await LastingHead.start(stage);
    await stage.worker(head.address, ["--name", "w1", "--cpus", "2"]);
    await stage.worker(head.address, ["--name", "w2", "--cpus", "2"]);
    const running = program(
      `await run(async () => { console.log(JSON.stringify(await each(Array.from({ length: 6 }, (_, n) => hold.with(cores(1))(n, LOG!, GATE!))))); });`,
      head.address,
    );
    await logged(4);
    for (let life = 0; life < 2; life += 1) {
      await head.restart();
      await head.running.until(/recovered 1 session/);
      await head.running.until(/client .* is back/);
      for (const name of ["w1", "w2"]) await head.running.until(new RegExp(`"${name}" is back`));
      expect(log()).toHaveLength(4);
    }
    openGate();
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(running.stdout.trim()).toBe("[0,1,2,3,4,5]");
    const starts = log().filter((line) => line.startsWith("start"));
    expect(starts.sort()).toEqual([0, 1, 2, 3, 4, 5].map((n) => `start ${n} 1`));
  }, 120_000);

  it("with results that their program has not taken gives each of them once", async () => {
    const head = await LastingHead.start(stage);
    await stage.worker(head.address, ["--cpus", "2"]);
    const running = program(
      `
await run(async () => {
  let ends = 0;
  const held = Array.from({ length: 40 }, (_, n) => hold.with(cores(1))(n, LOG!, GATE!));
  for (const call of held) call.then(() => { ends += 1; });
  console.log(JSON.stringify(await each(held)), ends);
});
`,
      head.address,
    );
    await logged(2);
    running.kill("SIGSTOP");
    openGate();
    await logged(80);
    await head.restart();
    await head.restart();
    running.kill("SIGCONT");
    expect((await running.ended).code, running.stderr).toBe(0);
    const all = Array.from({ length: 40 }, (_, n) => n);
    expect(running.stdout.trim()).toBe(`${JSON.stringify(all)} 40`);
    expect(log()).toHaveLength(80);
  }, 120_000);
});
