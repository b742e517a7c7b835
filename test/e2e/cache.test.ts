/** Results that outlive a crash: programs and heads are killed, and what had finished is not computed again. */

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
import { cores, delayed, each, run } from "grain-scheduler";
const { LOG, GATE } = process.env as Record<string, string>;
/** Up to LIMIT they end, the others wait for the gate. */
const square = delayed(async function square(n: number, limit: number, log: string, gate: string) {
  appendFileSync(log, "start " + n + "\\n");
  while (n >= limit && !existsSync(gate)) await pause(5);
  return n * n;
}, { cacheKey: (n: number) => n });
const energy = square.with(cores(1));
`;

/** Eight squares, of which the first five end. */
const SQUARES = `
await run(async () => {
  const limit = Number(process.env.LIMIT);
  const all = Array.from({ length: 8 }, (_, n) => energy(n, limit, LOG!, GATE!));
  for (const [n, one] of all.entries()) { const value = await one; console.log("got " + n + " " + value); }
});
`;

function play(source: string, env: Record<string, string> = {}, name = "program.ts"): Running {
  const file = stage.program(name, HEADER + source);
  const files = { LOG: `${stage.directory}/log`, GATE: `${stage.directory}/gate` };
  return stage.run(["--import", "tsx", file], { ...files, ...env }, stage.project);
}

function started(): string[] {
  try {
    return readFileSync(`${stage.directory}/log`, "utf8").split("\n").slice(0, -1);
  } catch {
    return [];
  }
}

function times(n: number): number {
  return started().filter((line) => line === `start ${n}`).length;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const openGate = () => writeFileSync(`${stage.directory}/gate`, "");

async function grain(
  args: string[],
  env: Record<string, string> = {},
): Promise<Running & { code: number | null }> {
  const running = stage.start("grain", args, env);
  const { code } = await running.ended;
  return Object.assign(running, { code });
}

describe("a program with cacheKey that is killed and run again", () => {
  it.each([false, true])(
    "computes only what had not finished (head killed as well: %s)",
    async (withHead) => {
      const head = await LastingHead.start(stage);
      await stage.worker(head.address, ["--cpus", "2"]);
      const env = { GRAIN_ADDRESS: head.address, LIMIT: "5" };
      const first = play(SQUARES, env);
      await first.until(/got 4 16/);
      await until(() => times(5) === 1 && times(6) === 1);
      first.kill("SIGKILL");
      await first.ended;
      if (withHead) await head.restart();
      openGate();
      const second = play(SQUARES, env);
      expect((await second.ended).code, second.stderr).toBe(0);
      expect(second.stdout.match(/got \d \d+/g)).toEqual(
        [0, 1, 2, 3, 4, 5, 6, 7].map((n) => `got ${n} ${n * n}`),
      );
      // What still ran for the killed program was waited for.
      for (const n of [0, 1, 2, 3, 4, 5, 6, 7]) expect(times(n)).toBe(1);

      const listed = await grain(["cache", "ls", "--json", "--address", head.address]);
      expect(JSON.parse(listed.stdout)).toHaveLength(8);
      const removed = await grain(["cache", "rm", "squ*", "--address", head.address]);
      expect(removed.stdout).toMatch(/^Removed 8 results, /);
      const third = play(SQUARES, env);
      expect((await third.ended).code, third.stderr).toBe(0);
      expect(times(0)).toBe(2);
    },
    120_000,
  );

  it("runs without a head too, from a store of its user", async () => {
    const env = { LIMIT: "5" };
    const first = play(SQUARES, env);
    await first.until(/got 4 16/);
    await until(() => times(5) === 1);
    first.kill("SIGKILL");
    await first.ended;
    openGate();
    const second = play(SQUARES, env);
    expect((await second.ended).code, second.stderr).toBe(0);
    expect(second.stdout).toContain("got 7 49");
    for (const n of [0, 1, 2, 3, 4]) expect(times(n)).toBe(1);
    const listed = await grain(["cache", "ls"]);
    expect(listed.stdout).toContain("square");
    expect((await grain(["cache", "rm"])).code).toBe(2);
    expect((await grain(["cache", "rm", "--all"])).stdout).toMatch(/^Removed 8 results/);
  }, 120_000);
});

describe("a stored result", () => {
  it("is found when other parts of the program have changed, and not when the function has", async () => {
    openGate();
    const tail = (grid: string) =>
      `await run(async () => console.log("sum", (await each(${grid}.map((n) => triple.with(cores(1))(n, LOG!)))).join()));`;
    const triple = (factor: number) => `
const FACTOR = ${factor};
const unrelated = () => ${factor * 0};
function multiply(n: number) { return FACTOR * n; }
const triple = delayed(function triple(n: number, log: string) { appendFileSync(log, "start " + n + "\\n"); return multiply(n); }, { cacheKey: true });
`;
    const run = async (source: string) => {
      const running = play(source);
      expect((await running.ended).code, running.stderr).toBe(0);
      return running.stdout.trim();
    };
    expect(await run(triple(3) + tail("[1, 2]"))).toBe("sum 3,6");
    expect(await run(`${triple(3)}const more = 17;\n${tail("[1, 2, 3].concat(more - 17 ? [4] : [])")}`)).toBe(
      "sum 3,6,9",
    );
    expect([times(1), times(2), times(3)]).toEqual([1, 1, 1]);
    expect(await run(triple(4) + tail("[1, 2]"))).toBe("sum 4,8");
    expect([times(1), times(2)]).toEqual([2, 2]);
  }, 120_000);

  it.each(["no head", "a head"])(
    "may be large, and is computed again when it went missing or was changed (%s)",
    async (where) => {
      const source = `
const fill = delayed(function fill(n: number, log: string) { appendFileSync(log, "start " + n + "\\n"); return new Uint8Array(300_000).fill(n); }, { cacheKey: true });
await run(async () => console.log((await fill.with(cores(1))(7, LOG!)).every((byte) => byte === 7)));
`;
      const env: Record<string, string> = {};
      let values = `${stage.directory}/state/grain/cache/values`;
      if (where === "a head") {
        const head = await LastingHead.start(stage);
        await stage.worker(head.address, ["--cpus", "1"]);
        env.GRAIN_ADDRESS = head.address;
        values = `${stage.directory}/journal/cache/values`;
      }
      const files = () => readdirSync(values).map((name) => `${values}/${name}`);
      const changes: (() => void)[] = [
        () => {},
        () => {},
        () => files().forEach((file) => void rmSync(file)),
        () =>
          files().forEach((file) => void writeFileSync(file, readFileSync(file).fill(9, 200_000, 200_001))),
        () => {},
      ];
      const expected = [1, 1, 2, 3, 3];
      for (const [turn, change] of changes.entries()) {
        change();
        const running = play(source, env);
        expect((await running.ended).code, running.stderr).toBe(0);
        expect(running.stdout.trim()).toBe("true");
        expect(times(7)).toBe(expected[turn]);
      }
      expect(files()).toHaveLength(1);
    },
    120_000,
  );

  it("is found among very many, more than fit one message", async () => {
    const head = await LastingHead.start(stage);
    await stage.worker(head.address, ["--cpus", "2"]);
    const source = `
const fill = delayed(function fill(n: number, log: string) { appendFileSync(log, "start\\n"); return new Uint8Array(60_000).fill(n); }, { cacheKey: (n: number) => n });
await run(async () => {
  const all = await each(Array.from({ length: 1_200 }, (_, n) => fill.with(cores(1))(n, LOG!)));
  console.log(all.every((bytes, n) => bytes.length === 60_000 && bytes.every((byte) => byte === n % 256)));
});
`;
    for (let round = 0; round < 2; round += 1) {
      const running = play(source, { GRAIN_ADDRESS: head.address });
      expect((await running.ended).code, running.stderr).toBe(0);
      expect(running.stdout.trim(), running.stderr).toBe("true");
      expect(started()).toHaveLength(1_200);
    }
    const listed = await grain(["cache", "ls", "--address", head.address]);
    expect(listed.stdout).toMatch(/^… and 200 more\n1200 results, /m);
    const removed = await grain(["cache", "rm", "--all", "--address", head.address]);
    expect(removed.stdout).toMatch(/^Removed 1200 results, /);
  }, 120_000);

  it("is not made of a failure", async () => {
    const source = `
const fail = delayed(function fail(log: string) { appendFileSync(log, "start 1\\n"); throw new Error("no"); }, { cacheKey: true });
await run(async () => { for (const _ of [1, 2]) await fail.with(cores(1))(LOG!).catch((error) => console.log(error.cause.message)); });
`;
    const running = play(source);
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(running.stdout).toBe("no\nno\n");
    expect(times(1)).toBe(2);
  }, 120_000);

  it("is waited for by a second call of its key, in another program too", async () => {
    const head = await LastingHead.start(stage);
    await stage.worker(head.address, ["--cpus", "4"]);
    const source = `
await run(async () => { const both = [energy(9, 0, LOG!, GATE!), energy(9, 0, LOG!, GATE!)]; console.log("asked"); console.log("got", await each(both)); });
`;
    const env = { GRAIN_ADDRESS: head.address };
    const first = play(source, env, "first.ts");
    await until(() => times(9) === 1);
    const second = play(source, env, "second.ts");
    await second.until(/asked/);
    openGate();
    for (const running of [first, second]) {
      expect((await running.ended).code, running.stderr).toBe(0);
      expect(running.stdout).toContain("got [ 81, 81 ]");
    }
    expect(times(9)).toBe(1);
  }, 120_000);

  it("passes the turn on when who computes it is killed", async () => {
    const head = await LastingHead.start(stage, ["--lease", "1s"]);
    await stage.worker(head.address, ["--cpus", "4"]);
    const source = `
await run(async () => { const one = energy(9, 0, LOG!, GATE!); console.log("asked"); console.log("got", await one); });
`;
    const env = { GRAIN_ADDRESS: head.address };
    const first = play(source, env, "first.ts");
    await until(() => times(9) === 1);
    const second = play(source, env, "second.ts");
    await second.until(/asked/);
    first.kill("SIGKILL");
    await until(() => times(9) === 2);
    openGate();
    expect((await second.ended).code, second.stderr).toBe(0);
    expect(second.stdout).toContain("got 81");
  }, 120_000);

  it("is not for a head without a journal, which is said once", async () => {
    const { address } = await stage.head(["--no-journal"]);
    await stage.worker(address, ["--cpus", "1"]);
    openGate();
    const running = play(SQUARES, { GRAIN_ADDRESS: address, LIMIT: "5" });
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(running.stdout).toContain("got 7 49");
    expect(running.stderr.match(/cacheKey has no effect: .* without a journal/g)).toHaveLength(1);
    expect((await grain(["cache", "ls", "--address", address])).stdout).toMatch(/stores no results/);
  }, 120_000);
});

describe("grain cache", () => {
  it("says what was wrong in one line", async () => {
    const wrong: [string[], RegExp, number][] = [
      [[], /^grain: no command is given; expected ls or rm .*\n$/, 2],
      [["purge"], /^grain: unknown command 'purge'.*\n$/, 2],
      [["rm"], /^grain: Which results are to be removed\? .*\n$/, 2],
      [["rm", "--all", "square"], /^grain: Give a pattern or --all, not both\.\n$/, 2],
      [["rm", "nosuch"], /^grain: No stored result is like nosuch: `grain cache ls` .*\n$/, 1],
    ];
    for (const [args, message, code] of wrong) {
      const said = await grain(["cache", ...args]);
      expect(said.stderr).toMatch(message);
      expect([said.code, said.stdout]).toEqual([code, ""]);
    }
    expect((await grain(["cache", "ls", "nosuch"])).stdout).toBe("No stored result is like nosuch.\n");
    expect((await grain(["cache", "rm", "--all"])).stdout).toBe("No results are stored.\n");
  }, 120_000);
});
