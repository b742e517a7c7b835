/** Why tasks wait, in a word; and what state a worker is said to be in. */

import { describe, expect, it } from "vitest";
import {
  cores,
  limit,
  memory,
  nodes,
  type ResourceLike,
  token,
  wtime,
} from "../../../proto/resource/index.js";
import { anyOf } from "../../../proto/resource/resource.js";
import { CoreDriver, poolOf } from "../../kit/core.js";
import { world } from "./explaining.js";

const whys = (driver: CoreDriver) => [...driver.core.view.queues(driver.nowMs)].map(({ why }) => why);

describe("why tasks wait", () => {
  it.each<[string, ResourceLike, number, string]>([
    ["the kind that is in use", cores(1), 40, "cores"],
    ["memory, when it is that", memory(40), 5, "memory"],
    ["of a token the kind that its workers lack", token("x").and(cores(1)), 40, "cores"],
    ["the limit", limit("db", 2), 5, "limit db"],
    ["what no worker could ever give", cores(100), 1, "never fits"],
    ["the walltime that nobody has", wtime(7_200), 1, "never fits"],
    ["of alternatives the first that is possible", anyOf(cores(100), cores(4)), 20, "cores"],
    ["the gang's other workers", nodes(2), 3, "nodes"],
  ])("is %s", (_, demand, count, why) => {
    const pools = [
      poolOf(4, 64, { tokens: ["x"], remainingMs: 3_600_000 }),
      poolOf(4, 64, { remainingMs: 3_600_000 }),
    ];
    expect(whys(world(demand, pools, count))).toEqual([why]);
  });

  it("is that there are no workers, or that they leave, are cut off or short of memory", () => {
    const driver = world(cores(1), [], 3);
    expect(whys(driver)).toEqual(["no workers"]);
    driver.worker(1, poolOf(1));
    expect(whys(driver)).toEqual(["its turn"]);
    driver.settle();
    driver.submit(1, 1, 5);
    driver.step({ type: "workerPressed", worker: 1, pressed: true });
    expect(whys(driver)).toEqual(["pressed"]);
    driver.step({ type: "workerLeaving", worker: 1 });
    expect(whys(driver)).toEqual(["draining"]);
    driver.step({ type: "workerSuspect", worker: 1 });
    expect(whys(driver)).toEqual(["cut off"]);
  });
});

describe("a session's open tasks", () => {
  it("are all that have not ended, those that would run last first", () => {
    const driver = world(cores(1), [poolOf(2)], 6);
    driver.spec(1, 2, cores(50));
    driver.submit(1, 2, 2);
    const open = driver.core.view.openTasks(1);
    expect([...open].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(open.slice(0, 2)).toEqual([8, 7]);
    expect(driver.core.view.oldestWaiting(1).at(-1)).toBe(7);
    expect(driver.core.view.openTasks(9)).toEqual([]);
  });
});

describe("a worker that a task has for itself, because others were lost while it ran", () => {
  it("is isolated", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.submit(1, 1, 1);
    const states = () => [...driver.core.view.workers()].map(({ state }) => state);
    for (const worker of [1, 2]) {
      driver.worker(worker, poolOf(2));
      driver.settle();
      expect(states()).toEqual(["ready"]);
      driver.step({ type: "workerLost", worker, planned: false });
    }
    driver.worker(3, poolOf(2));
    driver.settle();
    expect(states()).toEqual(["isolated"]);
    expect(driver.core.view.functions(1)).toMatchObject([{ spec: 1, running: 1, queued: 0 }]);
    driver.fail(3, 1, 1, 3);
    expect(driver.core.view.functions(1)).toMatchObject([{ spec: 1, running: 0, failed: 1 }]);
    expect(states()).toEqual(["ready"]);
  });
});
