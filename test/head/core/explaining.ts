/** What the tests of explanations share. */

import { expect } from "vitest";
import type { Explanation, QueuedTask } from "../../../head/core/explain.js";
import { explanationText } from "../../../head/core/explain-text.js";
import type { SchedulingOptions } from "../../../head/core/options.js";
import type { Pool, ResourceLike } from "../../../proto/resource/index.js";
import { CoreDriver, type SpecOptions } from "../../kit/core.js";

export const GIB = 1024 ** 3;
export const nameOf = (session: number, spec: number) => `f${session}${spec}`;

/** One session with one spec, workers w1, w2, …, and so many tasks, planned. */
export function world(
  demand: ResourceLike,
  pools: Pool[],
  count = 1,
  options: SpecOptions & Partial<SchedulingOptions> = {},
): CoreDriver {
  const driver = new CoreDriver(options);
  driver.session(1);
  driver.spec(1, 1, demand, options);
  pools.forEach((pool, index) => {
    driver.worker(index + 1, pool);
  });
  driver.submit(1, 1, count);
  driver.settle();
  return driver;
}

export function explain(driver: CoreDriver, session: number, task: number): Explanation {
  return driver.core.view.explain(session, task, driver.nowMs);
}

export function queued(driver: CoreDriver, session: number, task: number): QueuedTask {
  const explanation = explain(driver, session, task);
  expect(explanation.type).toBe("queued");
  return explanation as QueuedTask;
}

export function lines(driver: CoreDriver, session: number, task: number): string[] {
  return explanationText(explain(driver, session, task), nameOf).split("\n");
}

export const on = (worker: string, needed = 0, free = 0, total = 0) => ({ worker, needed, free, total });
