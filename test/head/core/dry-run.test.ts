/** How many further workers ready tasks ask for, and what the scheduler says of what only they could run. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WorkerTemplate } from "../../../head/core/template.js";
import {
  anyOf,
  cores,
  gpus,
  limit,
  memory,
  nodes,
  type ResourceLike,
  token,
  wtime,
} from "../../../proto/resource/resource.js";
import { CoreDriver, poolOf } from "../../kit/core.js";
import { lines } from "./explaining.js";

const OPTIONS = { limit: 10, worthMs: 60_000 };
const HOUR_MS = 3_600_000;

function template(more: Partial<WorkerTemplate> = {}): WorkerTemplate {
  return { pool: poolOf(4, 8, { remainingMs: HOUR_MS }), unknown: [], most: 10, ...more };
}

/** One session whose tasks wait, with nobody to run them unless there are pools. */
function waiting(
  demands: readonly (readonly [ResourceLike, number])[],
  pools = [] as ReturnType<typeof poolOf>[],
) {
  const driver = new CoreDriver();
  driver.session(1);
  pools.forEach((pool, i) => {
    driver.worker(i + 1, pool);
  });
  demands.forEach(([demand, count], i) => {
    driver.spec(1, i + 1, demand);
    driver.submit(1, i + 1, count);
  });
  driver.settle();
  return driver;
}

function run(driver: CoreDriver, given = template(), options = OPTIONS) {
  driver.step({ type: "templateChanged", template: given });
  return driver.core.view.dryRun(options, driver.nowMs)!;
}

describe("a dry run", () => {
  it.each<[string, [ResourceLike, number][], number, number]>([
    ["nothing for nothing", [], 0, 0],
    ["one worker for what fits on one", [[cores(1), 4]], 1, 4],
    ["another for one more", [[cores(1), 5]], 2, 5],
    ["by the kind that is scarce", [[memory("4G"), 5]], 3, 5],
    ["whole ones for all cores", [[cores("all"), 3]], 3, 3],
    [
      "small ones beside large ones",
      [
        [cores(1), 2],
        [cores(3), 2],
      ],
      2,
      4,
    ],
    ["fractions", [[cores(0.5), 9]], 2, 9],
    ["no more than the limit", [[cores(1), 1_000_000]], 10, 40],
    ["no more than a cluster-wide limit lets run", [[cores(4).and(limit("db", 2)), 9]], 2, 2],
    [
      "limits shared by demands",
      [
        [cores(4).and(limit("db", 3)), 2],
        [cores(3).and(limit("db", 3)), 2],
      ],
      3,
      3,
    ],
    ["whole workers for gangs", [[nodes(3), 1]], 3, 1],
    ["the first alternative that a new worker has", [[anyOf(gpus(1), cores(2)), 4]], 2, 4],
    ["one for any number that takes nothing of it", [[wtime(60), 500]], 1, 500],
  ])("asks for %s", (_, demands, workers, tasks) => {
    expect(run(waiting(demands))).toEqual({ workers, tasks, probing: false, unfit: [] });
  });

  it.each<[string, ResourceLike, string]>([
    ["cores", cores(8), "8 cores asked, 4 there"],
    ["a token", token("fast"), "token fast asked, not there"],
    ["time", wtime("2:00:00"), "walltime 2:00:00 asked, 1:00:00 left"],
    ["workers", nodes(11), "11 nodes asked, at most 10 workers allowed"],
    ["alternatives", anyOf(cores(8), gpus(1)), "8 cores asked, 4 there; or 1 gpu asked, none there"],
  ])("asks for nothing where %s are missing, and says why", (_, demand, reason) => {
    const { workers, unfit } = run(waiting([[demand, 3]]));
    expect(workers).toBe(0);
    expect(unfit).toEqual([{ demand: expect.any(String), tasks: 3, reason }]);
  });

  it("counts what has room on the workers there are as placed", () => {
    // Before the plan: all six wait, four have room.
    const driver = waiting([], [poolOf(4)]);
    driver.spec(1, 1, cores(1));
    driver.submit(1, 1, 6);
    expect(run(driver)).toMatchObject({ workers: 1, tasks: 2 });
  });

  it("counts what was sent ahead: it goes to a worker that has room", () => {
    const driver = waiting([[cores(1), 2]], [poolOf(1)]);
    expect(driver.core.view.workers().next().value).toMatchObject({ running: 1, waiting: 1 });
    expect(run(driver)).toMatchObject({ workers: 1, tasks: 1 });
  });

  it("leaves a gang to workers that will be free, and asks for those that are missing", () => {
    expect(
      run(
        waiting(
          [
            [cores(1), 1],
            [nodes(2), 1],
          ],
          [poolOf(1), poolOf(1)],
        ),
      ).workers,
    ).toBe(0);
    expect(
      run(
        waiting(
          [
            [cores(1), 1],
            [nodes(2), 1],
          ],
          [poolOf(1)],
        ),
      ).workers,
    ).toBe(1);
  });

  it("counts calls by what they take, and not those that are done within a minute anyway", () => {
    const driver = waiting([[cores(1), 1]], [poolOf(1)]);
    driver.finish(1, 1, [1], { runUs: 1_000_000 });
    driver.submit(1, 1, 600);
    driver.settle();
    // Ten minutes of work for one core, one minute of which is done on the worker that there is.
    expect(run(driver, template(), { limit: 100, worthMs: 60_000 })).toMatchObject({ workers: 3, tasks: 9 });
    const short = waiting([[cores(1), 1]], [poolOf(1)]);
    short.finish(1, 1, [1], { runUs: 1_000 });
    short.submit(1, 1, 10_000);
    short.settle();
    expect(run(short).workers).toBe(0);
  });

  it("asks for one worker to see what it has", () => {
    const unknown = template({ unknown: ["gpus", "memory"], pool: { ...poolOf(4), memoryBytes: 0 } });
    const driver = waiting([
      [gpus(2), 9],
      [memory("4G"), 100],
    ]);
    expect(run(driver, unknown)).toMatchObject({ workers: 1, probing: true, unfit: [] });
    driver.spec(1, 9, cores(5));
    driver.submit(1, 9, 1);
    expect(run(driver, unknown).unfit).toMatchObject([{ reason: "5 cores asked, 4 there" }]);
  });

  it("asks for enough, and never for more workers than tasks, or the limit", () => {
    const demands = [cores(1), cores(3), cores(2).and(memory("1G")), cores("all"), cores(0.25)];
    const taken = [1, 3, 2, 4, 0.25];
    const counts = fc.array(fc.nat(40), { minLength: demands.length, maxLength: demands.length });
    fc.assert(
      fc.property(counts, fc.nat(60), (tasks, limit) => {
        const wanted = demands.map((demand, i) => [demand, tasks[i]!] as const).filter(([, n]) => n > 0);
        const { workers, tasks: placed } = run(waiting(wanted), template(), { limit, worthMs: 60_000 });
        const all = tasks.reduce((sum, n) => sum + n, 0);
        expect(workers).toBeLessThanOrEqual(Math.min(limit, all));
        expect(placed).toBeLessThanOrEqual(all);
        if (workers === limit) return;
        expect(placed).toBe(all);
        expect(workers * 4).toBeGreaterThanOrEqual(tasks.reduce((sum, n, i) => sum + n * taken[i]!, 0));
      }),
      { numRuns: 150 },
    );
  });
});

describe("with workers that are started on demand", () => {
  const warned = (driver: CoreDriver, given: WorkerTemplate | undefined) => [
    ...driver.step({ type: "templateChanged", template: given }),
    ...driver.settle(),
  ];

  it("what only they could run is not infeasible", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.worker(1, poolOf(2));
    driver.step({ type: "templateChanged", template: template() });
    driver.spec(1, 1, cores(4), { failInfeasible: true });
    driver.spec(1, 2, cores(5), { failInfeasible: true });
    driver.submit(1, 1, 2);
    driver.submit(1, 2, 1);
    const reason =
      "no connected worker could ever give 5 cores: 5 cores asked, 2 there (on w1, the only worker)";
    expect(driver.settle()).toMatchObject([
      { type: "conclude", tasks: [3], verdict: { type: "infeasible", reason } },
    ]);
    expect([...driver.core.view.queues()].map(({ why }) => why)).toEqual(["new worker"]);
    expect(lines(driver, 1, 1)).toEqual([
      "Task 1.1 (f11) is queued; it asks for 4 cores.",
      "Short of cores: only 2 on w1.",
      "A worker that is started on demand could run it: see `grain scale --explain`.",
    ]);
  });

  it("what they could not run is said at once, also where none is connected", () => {
    const driver = waiting([[cores(8), 2]]);
    expect(warned(driver, template())).toMatchObject([
      { type: "warn", wanted: "8 cores", reason: "8 cores asked, 4 there (on a new worker)" },
    ]);
    expect(lines(driver, 1, 1)).toEqual([
      "Task 1.1 (f11) is queued; it asks for 8 cores.",
      "No worker here could run it; closest is a new worker: 8 cores asked, 4 there.",
      "Ask for less, or start workers that have it (`grain ls` shows what there is).",
    ]);
  });

  it("what waits for the first of them is told so", () => {
    const driver = waiting([[cores(2), 2]]);
    expect(warned(driver, template())).toEqual([]);
    expect(lines(driver, 1, 1).slice(1)).toEqual([
      "No workers are connected to the head yet.",
      "A worker that is started on demand could run it: see `grain scale --explain`.",
    ]);
    driver.step({ type: "templateChanged", template: undefined });
    expect(lines(driver, 1, 1)[1]).toBe(
      "No workers are connected to the head: start some with grain-worker.",
    );
    expect(driver.core.view.dryRun(OPTIONS)).toBeUndefined();
  });
});
