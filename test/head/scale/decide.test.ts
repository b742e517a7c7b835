/** What the swarm decides, case by case. */

import { describe, expect, it } from "vitest";
import { decide } from "../../../head/scale/decide.js";
import type { Goal } from "../../../head/scale/goal.js";
import type { Observations, SeenWorker } from "../../../head/scale/observation.js";
import {
  aimed,
  foundAgain,
  newState,
  refused,
  resumed,
  type ScaleState,
  submitted,
} from "../../../head/scale/state.js";
import type { JobState } from "../../../provider/provider.js";
import { MINUTE_MS, World } from "./world.js";

const NOW = 10_000_000;
const HOUR_MS = 60 * MINUTE_MS;
const DEMAND: Goal = { type: "demand", min: 0, max: 4, idleMs: 5 * MINUTE_MS };
const FIXED: Goal = { type: "fixed", workers: 3 };
const QUEUED: JobState = { type: "queued", reason: "" };
const RUNNING: JobState = { type: "running", host: "n1" };
const FAILED: JobState = { type: "failed", reason: "FAILED", exitCode: 7 };

function swarm(goal: Goal, jobs: readonly string[] = [], backlog = 2): ScaleState {
  const state = aimed(newState({ backlog, lifetimeMs: HOUR_MS }, NOW), goal, NOW);
  return submitted(
    state,
    jobs.map((id) => ({ id, logFile: `/l/${id}.log`, submittedAtMs: NOW })),
  );
}

function worker(number: number, more: Partial<SeenWorker> = {}): SeenWorker {
  return {
    worker: number,
    name: `w${number}`,
    job: String(number),
    isIdle: false,
    finished: 0,
    isLeaving: false,
    remainingMs: HOUR_MS,
    ...more,
  };
}

function saw(more: Partial<Observations> & { states?: Record<string, JobState> } = {}): Observations {
  const { states, ...rest } = more;
  return {
    jobs: states === undefined ? undefined : new Map(Object.entries(states)),
    problem: undefined,
    workers: [],
    joined: new Set(),
    cancelled: new Set(),
    otherJobs: 0,
    demand: 0,
    ...rest,
  };
}

const submits = (count: number) => [{ type: "submit", count }];

describe("a fixed number", () => {
  it.each<[string, ScaleState, Observations, unknown[]]>([
    ["is submitted at once", swarm(FIXED), saw(), submits(3)],
    [
      "counts workers, however they came",
      swarm(FIXED),
      saw({ workers: [worker(9, { job: undefined })] }),
      submits(2),
    ],
    [
      "counts jobs that wait and start",
      swarm(FIXED, ["1", "2"]),
      saw({ states: { 1: QUEUED, 2: RUNNING } }),
      submits(1),
    ],
    ["counts jobs of grain up", swarm(FIXED), saw({ otherJobs: 2 }), submits(1)],
    [
      "does not count who leaves",
      swarm(FIXED),
      saw({ workers: [worker(1, { isLeaving: true })] }),
      submits(3),
    ],
    [
      "does not count who ends soon",
      swarm(FIXED),
      saw({ workers: [worker(1, { remainingMs: MINUTE_MS })] }),
      submits(3),
    ],
    ["is left alone when it is there", swarm(FIXED, ["1", "2", "3"]), saw(), []],
    [
      "that is too high has jobs cancelled first, the last ones first",
      swarm({ type: "fixed", workers: 1 }, ["1", "2", "3"]),
      saw({ workers: [worker(1)], states: { 1: RUNNING, 2: QUEUED, 3: QUEUED } }),
      [{ type: "cancel", jobs: ["3", "2"] }],
    ],
    [
      "that is too high has workers leave, those with the least walltime left first",
      swarm({ type: "fixed", workers: 1 }, ["1", "2", "3"]),
      saw({
        workers: [worker(1), worker(2, { remainingMs: HOUR_MS / 2 }), worker(3, { remainingMs: undefined })],
      }),
      [{ type: "leave", workers: ["w2", "w1"] }],
    ],
    [
      "that is too high leaves those that others started",
      swarm({ type: "fixed", workers: 0 }, ["1"]),
      saw({ workers: [worker(1), worker(2, { job: undefined })] }),
      [{ type: "leave", workers: ["w1"] }],
    ],
  ])("%s", (_, state, seen, actions) => {
    expect(decide(state, seen, NOW).actions).toEqual(actions);
  });
});

describe("by demand", () => {
  it.each<[string, ScaleState, Observations, unknown[]]>([
    ["nothing is asked for without work", swarm(DEMAND), saw(), []],
    ["work asks for as many as it fills", swarm(DEMAND), saw({ demand: 1 }), submits(1)],
    ["no more than the backlog wait", swarm(DEMAND), saw({ demand: 4 }), submits(2)],
    ["the backlog counts what waits", swarm(DEMAND, ["1"]), saw({ demand: 4 }), submits(1)],
    [
      "what has started waits no more",
      swarm(DEMAND, ["1"]),
      saw({ demand: 4, states: { 1: RUNNING } }),
      submits(2),
    ],
    ["what is on its way is not asked for again", swarm(DEMAND, ["1", "2"]), saw({ demand: 2 }), []],
    [
      "there are never more than allowed",
      swarm(DEMAND),
      saw({ demand: 4, workers: [worker(1), worker(2), worker(3)] }),
      submits(1),
    ],
    ["the least number is asked for without work", swarm({ ...DEMAND, min: 3 }), saw(), submits(3)],
    [
      "a worker that ends soon and has work gets a successor",
      swarm(DEMAND, ["1"]),
      saw({ workers: [worker(1, { remainingMs: 4 * MINUTE_MS })] }),
      submits(1),
    ],
    [
      "one without work gets none",
      swarm(DEMAND, ["1"]),
      saw({ workers: [worker(1, { remainingMs: 4 * MINUTE_MS, isIdle: true })] }),
      [],
    ],
    [
      "nor one from which an idle one can take over",
      swarm(DEMAND, ["1"]),
      saw({ workers: [worker(1, { remainingMs: 4 * MINUTE_MS }), worker(2, { isIdle: true })] }),
      [],
    ],
    [
      "too many leave when fewer are allowed",
      swarm({ ...DEMAND, max: 1 }, ["1", "2"]),
      saw({ workers: [worker(1), worker(2)], demand: 3 }),
      [{ type: "leave", workers: ["w2"] }],
    ],
  ])("%s", (_, state, seen, actions) => {
    expect(decide(state, seen, NOW).actions).toEqual(actions);
  });

  it("a successor is asked for once", () => {
    const seen = saw({ workers: [worker(1, { remainingMs: 4 * MINUTE_MS })] });
    const { state, actions } = decide(swarm(DEMAND, ["1"]), seen, NOW);
    expect(actions).toEqual(submits(1));
    const next = submitted(state, [{ id: "2", logFile: "/l/2.log", submittedAtMs: NOW }]);
    const later = { ...seen, workers: [...seen.workers, worker(2)] };
    expect(decide(next, later, NOW + 1).actions).toEqual([]);
  });

  it("idle workers leave after a while, but not below the least number, nor those of others", () => {
    const goal: Goal = { ...DEMAND, min: 2 };
    const workers = [1, 2, 3, 4].map((number) =>
      worker(number, { isIdle: true, remainingMs: number * HOUR_MS }),
    );
    const others = worker(5, { isIdle: true, job: undefined, remainingMs: undefined });
    const seen = saw({ workers: [...workers, others] });
    let { state, actions } = decide(swarm(goal, ["1", "2", "3", "4"]), seen, NOW);
    // Five are more than four.
    expect(actions).toEqual([{ type: "leave", workers: ["w1"] }]);
    const left = saw({ workers: [...workers.slice(1), others] });
    ({ state, actions } = decide(state, left, NOW + goal.idleMs - 1));
    expect(actions).toEqual([]);
    ({ state, actions } = decide(state, left, NOW + goal.idleMs));
    expect(actions).toEqual([{ type: "leave", workers: ["w2", "w3"] }]);
  });

  it("one that has done something since is not idle", () => {
    const seen = (finished: number) => saw({ workers: [worker(1, { isIdle: true, finished })] });
    const first = decide(swarm(DEMAND, ["1"]), seen(0), NOW).state;
    const second = decide(first, seen(1), NOW + DEMAND.idleMs);
    expect(second.actions).toEqual([]);
    expect(decide(second.state, seen(1), NOW + 2 * DEMAND.idleMs).actions).toEqual([
      { type: "leave", workers: ["w1"] },
    ]);
  });

  it("jobs that nobody wants any more are cancelled after a while", () => {
    const { state, actions } = decide(
      swarm(DEMAND, ["1", "2"]),
      saw({ demand: 1, states: { 1: QUEUED, 2: QUEUED } }),
      NOW,
    );
    expect(actions).toEqual([]);
    const later = decide(state, saw({ demand: 1 }), NOW + DEMAND.idleMs);
    expect(later.actions).toEqual([{ type: "cancel", jobs: ["2"] }]);
    expect(
      decide(
        later.state,
        saw({ demand: 1, states: { 1: QUEUED, 2: { type: "ended", reason: "" } } }),
        NOW + DEMAND.idleMs,
      ).state.jobs.size,
    ).toBe(1);
  });
});

describe("jobs that give no worker", () => {
  it("are waited after, and pause it with the log of the last", () => {
    let state = swarm(FIXED, ["1", "2", "3"]);
    let decision = decide(state, saw({ states: { 1: FAILED, 2: QUEUED, 3: QUEUED } }), NOW);
    expect(decision.reasons).toEqual([
      "3 workers; there: 0 workers, 2 jobs waiting",
      "job 1 gave no worker (FAILED, exit code 7); read its log /l/1.log",
      "more are wanted, but it waits after jobs that gave no worker",
    ]);
    state = decision.state;
    decision = decide(state, saw(), NOW + MINUTE_MS);
    expect(decision.actions).toEqual(submits(1));
    decision = decide(decision.state, saw({ states: { 2: FAILED, 3: FAILED } }), NOW + MINUTE_MS);
    expect(decision.actions).toEqual([]);
    expect(decision.state.pause).toEqual({
      why: "3 jobs in a row gave no worker",
      logFile: "/l/3.log",
      sinceMs: NOW + MINUTE_MS,
    });
    const later = decide(decision.state, saw(), NOW + 24 * HOUR_MS);
    expect(later.actions).toEqual([]);
    expect(later.reasons.at(-1)).toBe("more are wanted, but it is paused: 3 jobs in a row gave no worker");
    expect(decide(resumed(later.state, NOW), saw(), NOW).actions).toEqual(submits(3));
    expect(decide(aimed(later.state, FIXED, NOW), saw(), NOW).actions).toEqual(submits(3));
  });

  it("count no more once one has given a worker", () => {
    const { state } = decide(swarm(FIXED, ["1", "2", "3"]), saw({ states: { 1: FAILED, 2: FAILED } }), NOW);
    const next = decide(state, saw({ joined: new Set(["3"]), states: { 3: RUNNING } }), NOW);
    expect(next.state).toMatchObject({ failedJobs: 0, notBeforeMs: 0, pause: undefined });
    // Of six that could be submitted three were, and two have cost another one.
    expect(next.actions).toEqual(submits(1));
  });

  it("are not held against it when they were submitted before it was taken up again", () => {
    const before = swarm(FIXED, ["1", "2", "3"]);
    const failed = saw({ states: { 1: FAILED, 2: FAILED, 3: FAILED } });
    const decision = decide(resumed(before, NOW + 1), failed, NOW + 1);
    expect(decision.state).toMatchObject({ failedJobs: 0, pause: undefined });
    expect(decision.actions).toEqual(submits(3));
  });

  it.each<[string, JobState]>([
    ["cancelled", { type: "ended", reason: "CANCELLED" }],
    ["preempted", { type: "ended", reason: "PREEMPTED" }],
    ["on a node that failed", { type: "failed", reason: "NODE_FAIL" }],
  ])("are not held against it when %s", (_, state) => {
    const decision = decide(swarm(FIXED, ["1"]), saw({ states: { 1: state } }), NOW);
    expect(decision.actions).toEqual(submits(3));
    expect(decision.state.failedJobs).toBe(0);
  });

  it("are not held against it when somebody has cancelled them", () => {
    const decision = decide(swarm(FIXED, ["1"]), saw({ cancelled: new Set(["1"]) }), NOW);
    expect(decision.state).toMatchObject({ failedJobs: 0, jobs: new Map() });
  });

  it("may vanish", () => {
    const seen = saw({ states: { 1: { type: "unknown" } } });
    const { state } = decide(swarm(FIXED, ["1"]), seen, NOW);
    expect(state.jobs.size).toBe(1);
    const later = decide(state, seen, NOW + 2 * MINUTE_MS);
    expect(later.reasons).toContainEqual(
      "job 1 gave no worker (the batch system does not know it any more); read its log /l/1.log",
    );
    expect(later.state.jobs.size).toBe(0);
  });

  it("may run for ever", () => {
    const seen = saw({ states: { 1: RUNNING } });
    const { state } = decide(swarm(FIXED, ["1"]), seen, NOW);
    const later = decide(state, seen, NOW + 10 * MINUTE_MS);
    expect(later.actions[0]).toEqual({ type: "cancel", jobs: ["1"] });
    expect(later.state.failedJobs).toBe(1);
  });

  it("may be of an earlier life of the head, whose end nobody has seen", () => {
    const about = { logFile: "/l/1.log", submittedAtMs: NOW };
    const state = foundAgain(swarm(FIXED), [
      { ...about, id: "1" },
      { ...about, id: "2" },
    ]);
    const decision = decide(state, saw({ states: { 1: FAILED, 2: RUNNING } }), NOW);
    expect(decision.state).toMatchObject({ failedJobs: 0 });
    expect(decision.actions).toEqual(submits(2));
    // One that the batch system has long forgotten is no more than one that has ended.
    const unknown = saw({ states: { 1: { type: "unknown" }, 2: { type: "unknown" } } });
    expect(decide(state, unknown, NOW + MINUTE_MS).actions).toEqual(submits(1));
    expect(decide(state, unknown, NOW + 2 * MINUTE_MS).actions).toEqual(submits(3));
  });
});

describe("submissions that are refused", () => {
  it("are repeated after 1, 15, 30, 60 minutes, and pause it after ten", () => {
    let state = swarm(FIXED);
    const waits: number[] = [];
    let nowMs = NOW;
    for (let i = 0; i < 10; i += 1) {
      expect(decide(state, saw(), nowMs).actions).toEqual(submits(3));
      state = refused(state, "invalid partition", nowMs);
      expect(decide(state, saw(), state.notBeforeMs - 1).actions).toEqual([]);
      waits.push((state.notBeforeMs - nowMs) / MINUTE_MS);
      nowMs = state.notBeforeMs;
    }
    expect(waits).toEqual([1, 15, 30, 60, 60, 60, 60, 60, 60, 60]);
    expect(state.pause?.why).toBe("10 submissions in a row were refused, the last: invalid partition");
    expect(decide(state, saw(), nowMs).actions).toEqual([]);
  });

  it("are not tried while the batch system cannot be asked", () => {
    const { actions, reasons } = decide(swarm(FIXED), saw({ problem: "Slurm does not answer" }), NOW);
    expect(actions).toEqual([]);
    expect(reasons.at(-1)).toBe(
      "more are wanted, but the batch system cannot be asked: Slurm does not answer",
    );
  });
});

describe("the quota", () => {
  it("bounds jobs whose workers leave early again and again", () => {
    const world = new World({ type: "fixed", workers: 2 });
    for (let i = 0; i < 200; i += 1) {
      world.pass(1);
      for (const { job } of [...world.workers.values()]) world.cancel(job!);
    }
    const unkind = new World({ type: "fixed", workers: 2 });
    for (let i = 0; i < 200; i += 1) {
      unkind.pass(1);
      for (const job of unkind.jobs.values())
        if (job.state.type === "running") job.state = { type: "failed", reason: "FAILED", exitCode: 1 };
      unkind.workers.clear();
    }
    // Four at first, then two an hour, and each early end costs another one.
    expect(unkind.jobs.size).toBeLessThanOrEqual(4 + (200 / 60) * 2);
    expect(unkind.jobs.size).toBeGreaterThanOrEqual(2);
    expect(unkind.decisions.at(-1)!.reasons.at(-1)).toMatch(/the quota is spent/);
    // What ends well, or is cancelled, costs no more than its submission.
    expect(world.jobs.size).toBeGreaterThan(unkind.jobs.size);
  });

  it("does not hinder workers that come and go with the work", () => {
    const world = new World({ ...DEMAND, max: 1 });
    world.taskMs = MINUTE_MS;
    for (let i = 0; i < 30; i += 1) {
      world.tasks = 1;
      world.pass(10);
      expect(world.tasks).toBe(0);
    }
    expect(world.submissions).toBeGreaterThan(25);
  });
});
