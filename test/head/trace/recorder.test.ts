import { describe, expect, it } from "vitest";
import { Core } from "../../../head/core/core.js";
import { parsePoolSpec } from "../../../head/simulation/pool-spec.js";
import { recordingOf, replay } from "../../../head/simulation/replay.js";
import type { TraceLine } from "../../../head/trace/line.js";
import { parseTrace } from "../../../head/trace/read.js";
import { Recorder, watched } from "../../../head/trace/recorder.js";
import { cores, toRequest } from "../../../proto/resource/resource.js";

const ABOUT = { head: "1.2.3", startedAt: new Date(0) };

/** A watched core with one worker of four cores, one client, and a spec of one core. */
function begin() {
  const lines: TraceLine[] = [];
  const recorder = new Recorder((line) => lines.push(line), ABOUT);
  const core = watched(new Core<string, string, { runMs: number }>(), recorder);
  const { pool } = parsePoolSpec("4c,16G");
  core.step({ type: "workerJoined", worker: 1, name: "one", pool }, 500);
  core.step({ type: "sessionOpened", session: 1, name: "ann", prioritized: false, priority: 2 }, 600);
  core.step(
    {
      type: "specDefined",
      session: 1,
      spec: 1,
      request: toRequest(cores(1)),
      priority: 0,
      retries: { max: 1, backoffMs: 0, on: [] },
      failInfeasible: false,
    },
    600,
  );
  const submit = (count: number, atMs: number) =>
    core.step({ type: "submitted", session: 1, spec: 1, first: 1, count, source: "" }, atMs);
  const plan = (atMs: number) => core.step({ type: "planDue" }, atMs);
  return { lines, core, submit, plan };
}

const on = { worker: 1, session: 1 };

describe("Recorder", () => {
  it("writes one line for a worker, a spec, a submission, and for what ended together", () => {
    const { lines, core, submit, plan } = begin();
    submit(3, 700);
    plan(700);
    core.step(
      {
        type: "finished",
        ...on,
        tasks: [1, 2, 3],
        attempts: [],
        runUs: [100_000, 200_000, 300_000.4],
        result: "",
      },
      1_000.1234,
    );
    core.step({ type: "workerLost", worker: 1, planned: true }, 2_000);
    expect(lines).toEqual([
      { type: "trace", version: 1, head: "1.2.3", startedAt: "1970-01-01T00:00:00.000Z" },
      {
        type: "worker",
        atMs: 0,
        worker: 1,
        name: "one",
        pool: { cores: 4, gpus: 0, memoryBytes: 16 * 1024 ** 3, others: [], tokens: [] },
      },
      { type: "session", atMs: 100, session: 1, name: "ann", prioritized: false, priority: 2 },
      { type: "spec", atMs: 100, session: 1, spec: 1, request: "1 core", priority: 0 },
      { type: "submit", atMs: 200, session: 1, spec: 1, first: 1, count: 3 },
      {
        type: "end",
        atMs: 500.123,
        session: 1,
        worker: 1,
        spec: 1,
        tasks: [1, 2, 3],
        attempts: [1, 1, 1],
        runUs: [100_000, 200_000, 300_000],
      },
      { type: "workerLeft", atMs: 1_500, worker: 1, planned: true },
    ]);
  });

  it("tells failures that are repeated from those that are final, and leaves out what came late", () => {
    const { lines, core, submit, plan } = begin();
    submit(1, 700);
    plan(700);
    const failed = (attempt: number) =>
      core.step(
        { type: "failed", ...on, task: 1, attempt, cause: "function", labels: [], failure: { runMs: 5 } },
        700 + attempt,
      );
    failed(1);
    plan(702);
    failed(2);
    failed(2);
    expect(lines.filter(({ type }) => type === "fail")).toMatchObject([
      { task: 1, attempt: 1, runUs: 5_000, final: false },
      { task: 1, attempt: 2, final: true },
    ]);
    core.step({ type: "finished", ...on, tasks: [1], attempts: [2], runUs: [1], result: "" }, 800);
    expect(lines.filter(({ type }) => type === "end")).toEqual([]);
  });

  it("notes what the head itself ended", () => {
    const { lines, core, submit } = begin();
    submit(2, 700);
    core.step({ type: "cancelRequested", session: 1, tasks: [1, 2] }, 800);
    expect(lines.at(-1)).toEqual({
      type: "conclude",
      atMs: 300,
      session: 1,
      tasks: [1, 2],
      why: "cancelled",
    });
  });
});

describe("replay", () => {
  it("gives back what was recorded, and what would have been", async () => {
    const { lines, core, submit, plan } = begin();
    submit(5, 1_000);
    plan(1_000);
    const finish = (tasks: number[], atMs: number) =>
      core.step(
        { type: "finished", ...on, tasks, attempts: [], runUs: tasks.map(() => 1_000_000), result: "" },
        atMs,
      );
    finish([1, 2, 3, 4], 2_000);
    plan(2_000);
    core.step({ type: "started", ...on, tasks: [5], attempts: [] }, 2_000);
    finish([5], 3_000);
    core.step({ type: "submitted", session: 1, spec: 1, first: 6, count: 1, source: "" }, 3_000);
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const recording = recordingOf(await parseTrace([text], "test"));
    expect(recording.run).toMatchObject({ tasks: 5, leftOut: 1, makespanMs: 2_000 });
    expect(recording.run.waitMs).toMatchObject({ median: 0, longest: 1_000 });
    expect(recording.run.utilisation.cores).toBeCloseTo(5 / 8);
    const { simulated, bound } = replay(recording, { workers: [parsePoolSpec("8c,16G")] });
    expect(Math.round(simulated.makespanMs / 100)).toBe(10);
    expect(bound.makespanMs).toBe(1_000);
    // On the recorded worker it takes as long as it did.
    expect(Math.round(replay(recording).simulated.makespanMs / 100)).toBe(20);
  });
});
