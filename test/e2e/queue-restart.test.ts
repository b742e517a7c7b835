/** A head that is killed while tasks wait: they start in the order in which they would have started. */

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, Stage } from "../kit/daemons.js";
import { LastingHead } from "../kit/lasting-head.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

/** Two functions, so that one queue has tasks of several kinds; every call has a priority of its own. */
const PROGRAM = `
import { appendFileSync } from "node:fs";
import { cores, delayed, each, run } from "grain-scheduler";
const { LOG, NAME, PRIORITIES, URGENT } = process.env as Record<string, string>;
const note = delayed(async function note(log: string, line: string) { appendFileSync(log, line + "\\n"); });
const mark = delayed(async function mark(log: string, line: string) { appendFileSync(log, line + "\\n"); });
await run(async () => {
  const all = PRIORITIES!.split(",").map((priority, n) =>
    (n % 3 === 2 ? mark : note).with(cores(2)).options({ priority: Number(priority) })(LOG!, NAME + " " + priority + " " + n),
  );
  console.log("submitted");
  await each(all);
}, { name: NAME, prioritized: URGENT === "true" });
`;

const PRIORITIES = {
  plain: [0, 2, 0, -1, 2, 0, 5, -1, 1, 0, 2, 1],
  urgent: [-3, 0, 7, 0, -3, 1],
} as const;

/** As in a line of the log: the program, the priority, and which of its calls it was. */
interface Start {
  readonly name: string;
  readonly priority: number;
  readonly n: number;
}

interface Queued {
  readonly sessions: readonly { readonly queued: number; readonly state: string }[];
  readonly workers: readonly { readonly name: string }[];
}

async function statusOf(address: string): Promise<Queued> {
  const ask = async () => {
    const asked = stage.start("grain", ["ls", "--json", "--address", address]);
    await asked.ended;
    return asked;
  };
  return JSON.parse(await answerOf(ask)) as Queued;
}

/** Resolves when all tasks wait, and programs and the small worker are there. */
async function allWait(address: string): Promise<void> {
  const count = PRIORITIES.plain.length + PRIORITIES.urgent.length;
  for (;;) {
    const { sessions, workers } = await statusOf(address);
    const queued = sessions.reduce((sum, session) => sum + session.queued, 0);
    const here = sessions.every(({ state }) => state === "connected") && workers.length === 1;
    if (queued === count && here) return;
  }
}

/** In which order tasks start when the head is killed so often while they wait. */
async function orderAfter(kills: number): Promise<Start[]> {
  const head = await LastingHead.start(stage);
  // None of the tasks fits it.
  await stage.worker(head.address, ["--name", "small", "--cpus", "1"]);
  const file = stage.program("program.ts", PROGRAM);
  const LOG = `${stage.directory}/log`;
  const start = async (NAME: keyof typeof PRIORITIES, URGENT: boolean) => {
    const env = { GRAIN_ADDRESS: head.address, LOG, NAME, URGENT: String(URGENT) };
    const own = { ...env, PRIORITIES: PRIORITIES[NAME].join() };
    const program = stage.run(["--import", "tsx", file], own, stage.project);
    await program.until(/submitted/);
    return program;
  };
  const programs = [await start("plain", false), await start("urgent", true)];
  await allWait(head.address);
  for (let kill = 0; kill < kills; kill += 1) {
    await head.restart();
    await allWait(head.address);
  }
  await stage.worker(head.address, ["--name", "large", "--cpus", "2"]);
  for (const program of programs) expect((await program.ended).code, program.stderr).toBe(0);
  return readFileSync(LOG, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [name, priority, n] = line.split(" ");
      return { name: name!, priority: Number(priority), n: Number(n) };
    });
}

describe("the queue", () => {
  it("is in the same order after a head was killed and started again, twice", async () => {
    const undisturbed = await orderAfter(0);
    await stage.close();
    stage = new Stage();
    const order = await orderAfter(2);
    expect(order).toEqual(undisturbed);
    for (const name of ["urgent", "plain"] as const) {
      const own = order.filter((start) => start.name === name);
      expect(own.map(({ priority }) => priority)).toEqual([...PRIORITIES[name]].sort((a, b) => b - a));
      // Of one function and priority as they were submitted.
      for (const [i, { priority, n }] of own.entries()) {
        const after = own.slice(i + 1).filter((other) => other.priority === priority);
        for (const other of after)
          if ((other.n % 3 === 2) === (n % 3 === 2)) expect(other.n).toBeGreaterThan(n);
      }
    }
    expect(order.slice(0, PRIORITIES.urgent.length).every(({ name }) => name === "urgent")).toBe(true);
  });
});
