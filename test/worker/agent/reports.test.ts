import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { WorkerMessage } from "../../../proto/grain.js";
import { Outbox } from "../../../proto/link/outbox.js";
import { emptyDemand } from "../../../proto/resource/demand.js";
import type { Task } from "../../../worker/agent/core/task.js";
import { Reports } from "../../../worker/agent/reports.js";

const NOTHING = new Uint8Array(0);
const ANY = emptyDemand();

const known = new Map<string, Task>();

/** The same object for the same task. */
function taskOf(task: number, session = 1): Task {
  const key = `${session}.${task}`;
  const found = known.get(key) ?? ({ session, task, attempt: 1, plan: { class: { demand: ANY } } } as Task);
  known.set(key, found);
  return found;
}

/** Messages as text: what is told, of which session, and the tasks. */
function show({ body }: WorkerMessage): string {
  switch (body?.$case) {
    case "finished":
      return `finished ${body.finished.session}: ${body.finished.tasks.join()}`;
    case "started":
      return `started ${body.started.session}: ${body.started.tasks.join()}`;
    case "returned":
      return `returned ${body.returned.session}: ${body.returned.tasks.join()}`;
    default:
      return String(body?.$case);
  }
}

let sent: string[];
let reports: Reports;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  reports = new Reports({ send: (message) => sent.push(show(message)) }, "w");
});

afterEach(() => {
  reports.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A task has ended, and the next has started in its place. */
function turn(task: number, waiting: number): void {
  reports.finished(taskOf(task), NOTHING, 2_000);
  reports.started(taskOf(task + 1));
  reports.settle(waiting);
}

describe("reports", () => {
  it("tell each end at once when nothing waits", () => {
    for (const task of [1, 2, 3]) {
      reports.finished(taskOf(task), NOTHING, 2_000);
      reports.settle(0);
    }
    expect(sent).toEqual(["finished 1: 1", "finished 1: 2", "finished 1: 3"]);
  });

  it("tell ends that follow closely together, and of starts those that have not ended", () => {
    turn(1, 20);
    expect(sent).toEqual(["finished 1: 1", "started 1: 2"]);
    turn(2, 20);
    turn(3, 20);
    expect(sent).toHaveLength(2);
    vi.advanceTimersByTime(15);
    expect(sent).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(sent.slice(2)).toEqual(["finished 1: 2,3", "started 1: 4"]);
  });

  it("tell thirty-two at once", () => {
    turn(1, 100);
    for (let task = 2; task <= 33; task++) turn(task, 100);
    const tasks = Array.from({ length: 32 }, (_, i) => i + 2).join();
    expect(sent.slice(2)).toEqual([`finished 1: ${tasks}`, "started 1: 34"]);
  });

  it("tell as seldom as the head wants while enough waits, and as it suits when it wants nothing", () => {
    reports.pace(50);
    for (let task = 1; task <= 20; task++) turn(task, 100);
    vi.advanceTimersByTime(49);
    // It has just sent these, so it need not hear of the first end at once.
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(sent).toHaveLength(2);
    reports.pace(50);
    turn(21, 1);
    expect(sent.slice(2)).toEqual(["finished 1: 21", "started 1: 22"]);
    reports.pace(undefined);
    turn(22, 20);
    vi.advanceTimersByTime(16);
    expect(sent.slice(4)).toEqual(["finished 1: 22", "started 1: 23"]);
  });

  it("tell when half of what waits has ended, so that more can come in time", () => {
    turn(1, 4);
    turn(2, 4);
    expect(sent).toHaveLength(2);
    turn(3, 4);
    expect(sent.slice(2)).toEqual(["finished 1: 2,3", "started 1: 4"]);
  });

  it("tell a head that wants to hear seldom when as many have ended as wait", () => {
    reports.pace(50);
    for (let task = 1; task <= 3; task++) turn(task, 8 - task);
    expect(sent).toEqual([]);
    turn(4, 4);
    expect(sent).toEqual(["finished 1: 1,2,3,4", "started 1: 5"]);
  });

  it("tell a head that has nothing more to send no more of what is left, but at once of a place that is free", () => {
    reports.pace(50);
    for (let task = 1; task <= 4; task++) turn(task, 8 - task);
    expect(sent).toHaveLength(2);
    for (let task = 5; task <= 8; task++) turn(task, 8 - task);
    expect(sent).toHaveLength(2);
    reports.finished(taskOf(9), NOTHING, 2_000);
    reports.settle(0);
    expect(sent.slice(2)).toEqual(["finished 1: 5,6,7,8,9"]);
  });

  it("tell it in time all the same", () => {
    reports.pace(50);
    for (let task = 1; task <= 5; task++) turn(task, 8 - task);
    expect(sent).toHaveLength(2);
    vi.advanceTimersByTime(50);
    expect(sent.slice(2)).toEqual(["finished 1: 5", "started 1: 6"]);
  });

  it("tell ends before what is given back, each session's together", () => {
    reports.finished(taskOf(1, 1), NOTHING, 10);
    reports.finished(taskOf(1, 2), NOTHING, 10);
    reports.finished(taskOf(2, 1), NOTHING, 10);
    reports.returned(taskOf(3, 1));
    reports.settle(100);
    expect(sent).toEqual(["finished 1: 1,2", "finished 2: 1", "returned 1: 3"]);
  });

  it("tell in one batch what has ended and what started in its place, however large results are", () => {
    const outbox = new Outbox<WorkerMessage>();
    const large = new Reports({ send: (message) => outbox.push(message) }, "w");
    for (const session of [1, 2]) large.finished(taskOf(1, session), new Uint8Array(700_000), 2_000);
    large.started(taskOf(2, 2));
    // They are too much to be gathered further.
    large.settle(1_000);
    expect(outbox.take().map(show)).toEqual(["finished 1: 1", "finished 2: 1", "started 2: 2"]);
    expect(outbox.empty).toBe(true);
  });

  it("keep order with a failure", () => {
    turn(1, 20);
    turn(2, 20);
    const how = { kind: 1, exitCode: 0, signal: "", runUs: 0 } as const;
    const what = { message: "", error: NOTHING, errorName: undefined };
    const remains = { stderrTail: "", memory: undefined };
    reports.failed({ type: "failed", task: taskOf(3), ...how, ...what }, remains);
    // Its room is another's at once, which the head is told with it, however many wait.
    reports.started(taskOf(4));
    turn(5, 20);
    expect(sent.slice(2)).toEqual([
      "finished 1: 2",
      "started 1: 3",
      "failure",
      "finished 1: 5",
      "started 1: 4,6",
    ]);
  });
});
