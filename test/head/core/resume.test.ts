import { describe, expect, it } from "vitest";
import type { Held } from "../../../head/core/event.js";
import { explanationText } from "../../../head/core/explain-text.js";
import { cores, limit, nodes } from "../../../proto/resource/resource.js";
import { CoreDriver, placements, poolOf } from "../../kit/core.js";

/** One worker of one core with task 1 granted and tasks sent ahead of it. */
function busy(tasks = 3): CoreDriver {
  const driver = new CoreDriver();
  driver.session(1);
  driver.spec(1, 1, cores(1));
  driver.worker(1, poolOf(1));
  driver.submit(1, 1, tasks);
  driver.settle();
  return driver;
}

function held(tasks: number[], started: boolean[], more: Partial<Held> = {}): Held {
  return { session: 1, tasks, attempts: tasks.map(() => 1), alternatives: [], started, ...more };
}

const suspect = { type: "workerSuspect", worker: 1 } as const;
const resumed = (...executions: Held[]) => ({ type: "workerResumed", worker: 1, executions }) as const;

/** Where each task is: "type attempt". */
function places(driver: CoreDriver, ...tasks: number[]): string[] {
  return tasks.map((task) => {
    const seen = driver.core.view.explain(1, task);
    return seen.type === "unknown" ? "unknown" : `${seen.type} ${seen.attempt}`;
  });
}

describe("a worker that is suspect", () => {
  it("keeps its tasks and gets nothing new", () => {
    const driver = busy();
    const before = places(driver, 1, 2, 3);
    expect(driver.step(suspect)).toEqual([]);
    driver.spec(1, 2, cores(0.5));
    driver.submit(1, 2, 1);
    expect(driver.settle()).toEqual([]);
    expect(places(driver, 1, 2, 3)).toEqual(before);
    expect([...driver.core.view.workers()]).toMatchObject([{ state: "suspect", running: 1 }]);
  });

  it("is named where somebody asks for a task that is there, or that waits for it", () => {
    const driver = busy(1);
    driver.step(suspect);
    driver.submit(1, 1, 1);
    driver.settle();
    expect(explanationText(driver.core.view.explain(1, 1))).toMatch(/The connection to that worker was lost/);
    expect(explanationText(driver.core.view.explain(1, 2))).toMatch(/Cut off, may come back: w1/);
  });

  it("may report, and what ends there is delivered once", () => {
    const driver = busy();
    driver.step(suspect);
    expect(driver.finish(1, 1, [1])).toMatchObject([{ type: "deliver", tasks: [1] }]);
    expect(driver.finish(1, 1, [1])).toEqual([]);
    expect(driver.core.view.lateResults).toBe(1);
  });

  it("that is lost in the end loses its tasks to others, in another attempt", () => {
    const driver = busy(1);
    driver.step(suspect);
    driver.worker(2, poolOf(1));
    expect(placements(driver.settle())).toEqual([]);
    driver.step({ type: "workerLost", worker: 1, planned: false });
    const [assign] = driver.settle();
    expect(assign).toMatchObject({ type: "assign", worker: 2, tasks: [1], attempts: [2] });
    expect(driver.finish(1, 1, [1])).toEqual([]);
  });

  it("leaves as soon as it is back, if it had said so", () => {
    const driver = busy(1);
    driver.step(suspect);
    driver.step({ type: "workerLeaving", worker: 1 });
    expect([...driver.core.view.workers()]).toMatchObject([{ state: "suspect" }]);
    driver.step(resumed(held([1], [true])));
    expect([...driver.core.view.workers()]).toMatchObject([{ state: "leaving", running: 1 }]);
  });
});

describe("a worker that is back", () => {
  it("goes on with what it has, and gets new work", () => {
    const driver = busy(3);
    const ahead = driver.core.view.internals.aheadCount;
    driver.step(suspect);
    const tasks = Array.from({ length: 1 + ahead }, (_, i) => i + 1);
    expect(
      driver.step(
        resumed(
          held(
            tasks,
            tasks.map((task) => task === 1),
          ),
        ),
      ),
    ).toEqual([]);
    expect(places(driver, 1)).toEqual(["running 1"]);
    expect(driver.core.view.internals.aheadCount).toBe(ahead);
    expect(driver.finish(1, 1, [1])).toMatchObject([{ type: "deliver" }]);
  });

  it("that never received its tasks gets them again", () => {
    const driver = busy(1);
    driver.step(suspect);
    expect(driver.step(resumed())).toMatchObject([{ type: "remember", task: 1, attempt: 2, queued: true }]);
    expect(driver.settle()).toMatchObject([{ type: "assign", worker: 1, tasks: [1], attempts: [2] }]);
  });

  it.each([
    ["of another attempt", held([1], [true], { attempts: [2] })],
    ["that has ended", held([9], [true])],
    ["of a session that is gone", held([1], [true], { session: 7 })],
  ])("is told to stop a task %s", (_, execution) => {
    const driver = busy(1);
    driver.step(suspect);
    const { session, tasks } = execution;
    expect(driver.step(resumed(held([1], [true]), execution))).toEqual([
      { type: "stop", worker: 1, session, tasks },
    ]);
    expect(places(driver, 1)).toEqual(["running 1"]);
  });

  it("is told again what was cancelled meanwhile", () => {
    const driver = busy(1);
    driver.step(suspect);
    driver.step({ type: "cancelRequested", session: 1, tasks: [1] });
    expect(driver.step(resumed(held([1], [true])))).toEqual([
      { type: "stop", worker: 1, session: 1, tasks: [1] },
    ]);
    expect(driver.fail(1, 1, 1, 1, "cancelled")).toMatchObject([{ type: "conclude", tasks: [1] }]);
  });

  it("that does not have what was cancelled has nothing to confirm", () => {
    const driver = busy(1);
    driver.step(suspect);
    driver.step({ type: "cancelRequested", session: 1, tasks: [1] });
    expect(driver.step(resumed())).toMatchObject([
      { type: "conclude", tasks: [1], verdict: { type: "cancelled" } },
    ]);
  });

  it("is told again which of its tasks own resources", () => {
    const driver = busy(1);
    driver.step(suspect);
    expect(driver.step(resumed(held([1], [false])))).toEqual([
      { type: "promote", worker: 1, session: 1, tasks: [1] },
    ]);
  });
});

describe("a worker that comes back to a head that has forgotten where tasks were", () => {
  function forgetful(): CoreDriver {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.submit(1, 1, 4);
    driver.step({ type: "workerJoined", worker: 1, name: "w1", pool: poolOf(1), returning: true });
    return driver;
  }

  it("gets nothing before it has said what it has", () => {
    const driver = forgetful();
    expect(driver.settle()).toEqual([]);
    expect([...driver.core.view.workers()]).toMatchObject([{ state: "suspect" }]);
  });

  it("goes on with it, so that nothing runs twice", () => {
    const driver = forgetful();
    driver.settle();
    expect(driver.finish(1, 1, [3])).toMatchObject([{ type: "deliver", tasks: [3] }]);
    expect(driver.step(resumed(held([2, 4], [true, false])))).toEqual([]);
    expect(places(driver, 1, 2, 3, 4)).toEqual(["queued 1", "running 1", "unknown", "ahead 1"]);
    expect(driver.finish(1, 1, [2])).toMatchObject([{ type: "deliver", tasks: [2] }]);
  });

  it("is told to stop what there is no room for, and keeps what is of a later attempt", () => {
    const driver = forgetful();
    driver.settle();
    const more = held([1, 2, 3], [true, true, false], { attempts: [1, 1, 2] });
    expect(driver.step(resumed(more))).toMatchObject([
      { type: "remember", task: 2, attempt: 2 },
      { type: "stop", worker: 1, session: 1, tasks: [2] },
    ]);
    // What is told of the one that is stopped is never taken for the next execution.
    expect(places(driver, 1, 2, 3)).toEqual(["running 1", "queued 2", "ahead 2"]);
  });

  const stopped = (task: number) =>
    ({ type: "returned", worker: 1, session: 1, tasks: [task], attempts: [1] }) as const;

  it("gets nothing new until all that it stops has ended", () => {
    const driver = forgetful();
    driver.step(resumed(held([8, 9], [true, false])));
    expect(driver.settle()).toEqual([]);
    driver.fail(1, 1, 8, 1, "cancelled");
    expect(driver.settle()).toEqual([]);
    driver.step(stopped(9));
    expect(placements(driver.settle())).toEqual(["w1: 1", "w1+: 2"]);
  });
});

describe("a task of which the journal is behind", () => {
  const known = { failures: 0, memoryFailures: 0, lostWorkers: [], again: false, delayMs: 0 };

  /** A head whose journal has task 1 in attempt 1 with this worker of two, both of which are to come back. */
  function behind(worker: number, granted: boolean, gang?: number[]): CoreDriver {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, gang === undefined ? cores(1) : nodes(2));
    driver.spec(1, 2, cores(1));
    for (const number of [1, 2])
      driver.step({
        type: "workerJoined",
        worker: number,
        name: `w${number}`,
        pool: poolOf(1),
        returning: true,
      });
    const where = { worker, alternative: 0, granted, gang, stopping: undefined };
    const placed = [{ task: 1, attempt: 1, ...known, ...where }];
    const about = { session: 1, spec: 1, source: "from 1", base: 1, waiting: [], putBack: [] };
    driver.step({ type: "recovered", ...about, placed });
    return driver;
  }
  const gaveBack = { type: "returned", worker: 2, session: 1, tasks: [1], attempts: [1] } as const;
  const nothing = { type: "workerResumed", worker: 2, executions: [] } as const;
  const waits = { type: "remember", task: 1, attempt: 1, queued: true };

  it.each([true, false])("goes on where it has moved to, owning before: %s", (granted) => {
    const driver = behind(2, granted);
    expect(driver.step(resumed(held([1], [true])))).toMatchObject([waits]);
    driver.step(gaveBack);
    driver.step(nothing);
    expect(driver.settle()).toEqual([]);
    expect(places(driver, 1)).toEqual(["running 1"]);
    expect(driver.finish(1, 1, [1])).toMatchObject([{ type: "deliver", tasks: [1] }]);
  });

  it("that has ended where it had moved to is delivered", () => {
    const driver = behind(2, false);
    expect(driver.finish(1, 1, [1])).toMatchObject([waits, { type: "deliver", tasks: [1] }]);
    driver.step(gaveBack);
    expect(driver.step(nothing)).toEqual([]);
    expect(places(driver, 1)).toEqual(["unknown"]);
  });

  it.each([1, 2])("goes on in the later attempt that a worker has, known to be with worker %i", (worker) => {
    const driver = behind(worker, true);
    driver.step(resumed(held([1], [true], { attempts: [3] })));
    driver.step(nothing);
    expect(driver.settle()).toEqual([]);
    expect(places(driver, 1)).toEqual(["running 3"]);
  });

  it("ends on a gang's worker that has been given other work since", () => {
    const driver = behind(2, true, [2, 1]);
    driver.step({ type: "submitted", session: 1, spec: 2, first: 2, count: 2, source: "from 2" });
    expect(driver.step(resumed(held([2, 3], [true, false])))).toMatchObject([
      { type: "remember", task: 1, queued: false },
      { type: "stop", worker: 2, tasks: [1] },
    ]);
    expect(places(driver, 1, 2, 3)).toEqual(["stopping 1", "running 1", "ahead 1"]);
    driver.finish(1, 1, [2]);
    expect(driver.step({ type: "started", worker: 1, session: 1, tasks: [3], attempts: [1] })).toEqual([]);
    driver.step({ type: "workerLost", worker: 2, planned: false });
    expect(places(driver, 1, 3)).toEqual(["queued 2", "running 1"]);
  });

  it("stays where it is if that worker has been heard", () => {
    const driver = behind(2, true);
    driver.step({ ...nothing, executions: [held([1], [true])] });
    expect(driver.finish(1, 1, [1])).toEqual([]);
    expect(places(driver, 1)).toEqual(["running 1"]);
  });
});

describe("a gang that an earlier life of the head began", () => {
  const gangs = [{ index: 0, nodes: [{ worker: "w1" }, { worker: "w2" }] }];

  /** A head that has come to know of a gang on workers 1 and 2, of which it had heard nothing. */
  function found(): CoreDriver {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1).and(limit("never-ahead", 9)));
    driver.submit(1, 1, 4);
    driver.step({ type: "workerJoined", worker: 1, name: "w1", pool: poolOf(1), returning: true });
    driver.step({ type: "workerJoined", worker: 2, name: "w2", pool: poolOf(1), returning: true });
    return driver;
  }
  const alone = (worker: number) => ({ type: "workerResumed", worker, executions: [] }) as const;
  const begun = resumed(held([9], [true], { gangs }));

  it.each([
    ["before", [begun, alone(2)]],
    ["after", [alone(2), begun]],
  ])("keeps its workers until it has ended, if the first came back %s the other", (_, events) => {
    const driver = found();
    for (const event of events) driver.step(event);
    expect(driver.settle()).toEqual([]);
    driver.fail(1, 1, 9, 1, "cancelled");
    expect(placements(driver.settle())).toEqual(["w1: 1", "w2: 2"]);
  });

  it("keeps one of its workers that joins later, under another number", () => {
    const driver = found();
    driver.step({ type: "workerLost", worker: 2, planned: false });
    driver.step(begun);
    driver.step({ type: "workerJoined", worker: 3, name: "w2", pool: poolOf(1) });
    expect(driver.settle()).toEqual([]);
    driver.fail(1, 1, 9, 1, "cancelled");
    expect(placements(driver.settle())).toEqual(["w1: 1", "w3: 2"]);
  });

  it("keeps none when the first of its workers is lost", () => {
    const driver = found();
    driver.step(begun);
    driver.step(alone(2));
    driver.step({ type: "workerLost", worker: 1, planned: false });
    expect(placements(driver.settle())).toEqual(["w2: 1"]);
  });
});
