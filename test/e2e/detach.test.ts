/** Sessions that outlive their program: its tasks go on at the head, and a later program of the name finds them. */

import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Running, Stage } from "../kit/daemons.js";
import { LastingHead } from "../kit/lasting-head.js";

let stage: Stage;
let head: LastingHead;
beforeEach(async () => {
  stage = new Stage();
  head = await LastingHead.start(stage, ["--lease", "1s"]);
  await stage.worker(head.address, ["--cpus", "2"]);
});
afterEach(async () => {
  await stage.close();
});

const HEADER = `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { cores, delayed, each, run } from "grain-scheduler";
const { LOG, GATE, DETACH = "true" } = process.env as Record<string, string>;
const draw = delayed(async function draw(n: number, log: string, gate: string) {
  appendFileSync(log, "start " + n + "\\n");
  while (!existsSync(gate)) await pause(5);
  appendFileSync(log, "end " + n + "\\n");
  return n * n;
});
const options = { name: "sweep", detach: DETACH === "true" };
`;

/** Two calls are alike: both are made. */
const SWEEP = `
await run(async () => {
  const all = [1, 2, 2, 3].map((n) => draw.with(cores(1))(n, LOG!, GATE!));
  console.log("submitted");
  console.log("got", (await each(all)).join());
}, options);
`;

function play(source = SWEEP, env: Record<string, string> = {}): Running {
  const file = stage.program(`program-${Math.random().toString(36).slice(2)}.ts`, HEADER + source);
  const files = {
    LOG: `${stage.directory}/log`,
    GATE: `${stage.directory}/gate`,
    GRAIN_ADDRESS: head.address,
  };
  return stage.run(["--import", "tsx", file], { ...files, ...env }, stage.project);
}

function log(): string[] {
  try {
    return readFileSync(`${stage.directory}/log`, "utf8").split("\n").slice(0, -1).sort();
  } catch {
    return [];
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const openGate = () => writeFileSync(`${stage.directory}/gate`, "");
const starts = () => log().filter((line) => line.startsWith("start")).length;
const ends = () => log().filter((line) => line.startsWith("end")).length;
const ONCE = ["end 1", "end 2", "end 2", "end 3", "start 1", "start 2", "start 2", "start 3"];

async function gotAll(program: Running): Promise<void> {
  expect((await program.ended).code, program.stderr).toBe(0);
  expect(program.stdout).toContain("got 1,4,4,9");
}

describe("a detached program", () => {
  it("that is killed has its tasks go on beyond the lease, and its successor has the results", async () => {
    const first = play();
    await until(() => starts() === 2);
    first.kill("SIGKILL");
    await head.running.until(/has left its tasks here/);
    openGate();
    // Without any program.
    await until(() => ends() === 4);
    await gotAll(play());
    expect(log()).toEqual(ONCE);
    // The work is done: another program of the name begins anew.
    await gotAll(play());
    expect(starts()).toBe(8);
  }, 120_000);

  it("loses nothing when the head is killed while it is gone", async () => {
    const first = play();
    await until(() => starts() === 2);
    first.kill("SIGKILL");
    await head.running.until(/has left its tasks here/);
    await head.restart();
    openGate();
    await until(() => ends() === 4);
    await head.restart();
    await gotAll(play());
    expect(log()).toEqual(ONCE);
  }, 120_000);

  it("that is run again at once takes up what still runs", async () => {
    const first = play();
    await until(() => starts() === 2);
    first.kill("SIGKILL");
    await first.ended;
    const second = play();
    await second.until(/submitted/);
    openGate();
    await gotAll(second);
    expect(log()).toEqual(ONCE);
  }, 120_000);

  it("leaves its tasks at the first Ctrl-C", async () => {
    const first = play();
    await until(() => starts() === 2);
    first.kill("SIGINT");
    expect((await first.ended).code).not.toBe(0);
    expect(first.stderr).toMatch(/interrupted \(SIGINT\); 4 calls go on at the head/);
    openGate();
    await until(() => ends() === 4);
    await gotAll(play());
    expect(log()).toEqual(ONCE);
  }, 120_000);

  it("has its name for itself", async () => {
    const first = play();
    await until(() => starts() === 2);
    const second = play();
    expect((await second.ended).code).not.toBe(0);
    expect(second.stderr).toMatch(/a program named "sweep" is connected \(.*, pid \d+\)/);
    openGate();
    await gotAll(first);
  }, 120_000);

  it("ends what earlier ones of its name have left, when it has done its work", async () => {
    const first = play();
    await until(() => starts() === 2);
    first.kill("SIGKILL");
    await first.ended;
    const nothing = play("await run(async () => {}, options);");
    expect((await nothing.ended).code, nothing.stderr).toBe(0);
    const status = stage.start("grain", ["ls", "--json", "--address", head.address]);
    await status.ended;
    const { sessions } = JSON.parse(status.stdout) as { sessions: { queued: number }[] };
    for (const { queued } of sessions) expect(queued).toBe(0);
  }, 120_000);

  it("is told when its results could not outlive it", async () => {
    const bare = await stage.head(["--no-journal"]);
    const refused = play(SWEEP, { GRAIN_ADDRESS: bare.address });
    expect((await refused.ended).code).not.toBe(0);
    expect(refused.stderr).toMatch(
      /without a journal; start it with --journal DIR, or leave the option detach out/,
    );
    const embedded = play(SWEEP, { GRAIN_ADDRESS: "" });
    expect((await embedded.ended).code).not.toBe(0);
    expect(embedded.stderr).toMatch(/detach needs a head that outlives this program/);
  }, 120_000);
});

describe("a program that is not detached", () => {
  it("and is killed has its tasks cancelled after the lease", async () => {
    const first = play(SWEEP, { DETACH: "false" });
    await until(() => starts() === 2);
    first.kill("SIGKILL");
    await head.running.until(/left \(cut off for 1 s\)/);
    const second = play(SWEEP, { DETACH: "false" });
    // There is room again: what had run has been ended.
    await until(() => starts() === 4);
    expect(ends()).toBe(0);
    openGate();
    await gotAll(second);
    expect(starts()).toBe(6);
  }, 120_000);
});
