import { describe, expect, it } from "vitest";
import { cores } from "../../../proto/resource/index.js";
import { NO_RETRIES, type Retries } from "../../../proto/retries.js";
import { CoreDriver, placements, poolOf } from "../../kit/core.js";

function driverWith(retries: Retries): CoreDriver {
  const driver = new CoreDriver();
  driver.session(1);
  driver.spec(1, 1, cores(1), { retries });
  driver.worker(1, poolOf(1));
  driver.submit(1, 1, 1);
  driver.settle();
  return driver;
}

describe("a task that failed", () => {
  it("runs again after its back-off, which doubles, and leaves its place to others meanwhile", () => {
    const driver = driverWith({ max: 2, backoffMs: 1_000, on: [] });
    driver.spec(1, 2, cores(1));
    driver.fail(1, 1, 1);
    expect(driver.planSlice()).toEqual([{ type: "planAt", atMs: 1_000 }]);
    expect(driver.core.view.session(1)).toMatchObject({ queued: 1, running: 0 });
    expect(driver.core.view.explain(1, 1)).toMatchObject({ type: "delayed", attempt: 2, inMs: 1_000 });
    const [other] = driver.submit(1, 2, 1);
    expect(placements(driver.settle())).toEqual([`w1: ${other}`]);
    driver.finish(1, 1, [other!], { runUs: 1_000_000 });
    driver.nowMs = 999;
    expect(placements(driver.settle())).toEqual([]);
    driver.nowMs = 1_000;
    expect(driver.settle()).toMatchObject([
      { type: "remember", delayMs: 0 },
      { type: "assign", tasks: [1], attempts: [2] },
    ]);
    driver.fail(1, 1, 1, 2);
    expect(driver.planSlice()).toEqual([{ type: "planAt", atMs: 3_000 }]);
    driver.nowMs = 3_000;
    driver.settle();
    expect(driver.fail(1, 1, 1, 3)).toMatchObject([{ type: "reject", task: 1, attempt: 3 }]);
  });

  it.each<[string, Retries, string[], boolean]>([
    ["what it is asked for", { max: 1, backoffMs: 0, on: ["exit 3"] }, ["exit", "exit 3"], true],
    ["nothing else", { max: 1, backoffMs: 0, on: ["exit 3"] }, ["exit", "exit 4"], false],
    ["by default any error", { max: 1, backoffMs: 0, on: [] }, ["RangeError"], true],
    ["by default not what ran out of memory", { max: 1, backoffMs: 0, on: [] }, ["outOfMemory"], false],
    ["that too when asked", { max: 1, backoffMs: 0, on: ["outOfMemory"] }, ["outOfMemory"], true],
    ["nothing unless asked", NO_RETRIES, ["RangeError"], false],
  ])("is repeated: %s", (_name, retries, labels, again) => {
    const driver = driverWith(retries);
    const types = driver.fail(1, 1, 1, 1, "function", labels).map(({ type }) => type);
    expect(types).toEqual([again ? "remember" : "reject"]);
    expect(placements(driver.settle())).toEqual(again ? ["w1: 1"] : []);
  });

  it("counts what ran out of memory apart", () => {
    const driver = driverWith({ max: 1, backoffMs: 0, on: ["Error", "outOfMemory"] });
    const failures = [["Error"], ["outOfMemory"], ["Error"]].map((labels, i) => {
      const effects = driver.fail(1, 1, 1, i + 1, "function", labels);
      driver.settle();
      return effects.filter(({ type }) => type === "reject").length;
    });
    expect(failures).toEqual([0, 0, 1]);
  });

  it("can be cancelled while it waits, and does not keep a closed session open", () => {
    const driver = driverWith({ max: 1, backoffMs: 1_000, on: [] });
    driver.submit(1, 1, 1);
    driver.fail(1, 1, 1);
    driver.settle();
    const cancelled = driver.step({ type: "cancelRequested", session: 1, tasks: [1] });
    expect(cancelled).toMatchObject([{ type: "conclude", tasks: [1], verdict: { type: "cancelled" } }]);
    driver.fail(1, 1, 2);
    driver.settle();
    expect(driver.step({ type: "sessionClosed", session: 1 })).toEqual([
      { type: "sessionEnded", session: 1 },
    ]);
    driver.nowMs = 10_000;
    expect(driver.settle()).toEqual([]);
  });
});
