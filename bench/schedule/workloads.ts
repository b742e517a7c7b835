/** Workloads whose schedules are judged. All are drawn from a seed, so that every run has the same. */

import { type PoolSpec, parsePoolSpec } from "../../head/simulation/pool-spec.js";
import type { Client, TaskKind, WorkloadTask } from "../../head/simulation/workload.js";
import { type ResourceLike, toRequest } from "../../proto/resource/resource.js";
import { Random } from "../../test/sim/random.js";

/** A workload and the cluster it is for. */
export interface Workload {
  readonly name: string;
  readonly about: string;
  readonly workers: readonly PoolSpec[];
  readonly tasks: readonly WorkloadTask[];
  /** Some tasks are so large that they wait beside free cores, whatever the scheduler does. */
  readonly rocks?: boolean;
  /** Its clients are to get equal shares. */
  readonly fair?: boolean;
}

const ONE = { name: "one" };

function kindOf(demand: ResourceLike): TaskKind {
  return { request: toRequest(demand) };
}

function between(random: Random, least: number, most: number): number {
  return least + (most - least) * random.next();
}

function uniform(): Workload {
  const random = new Random(1);
  const kind = kindOf({ cores: 1 });
  return {
    name: "uniform",
    about: "100,000 tasks of 1 core and 1 to 10 s",
    workers: [parsePoolSpec("16x64c,256G")],
    tasks: Array.from({ length: 100_000 }, () => ({
      submitMs: 0,
      client: ONE,
      kind,
      runMs: between(random, 1_000, 10_000),
    })),
  };
}

function sandAndRocks(): Workload {
  const random = new Random(2);
  const sand = kindOf({ cores: 1, memory: "2G" });
  const rocks = [16, 32, 48, 64].map((cores) => kindOf({ cores, memory: `${cores * 2}G` }));
  const tasks: WorkloadTask[] = [];
  for (let i = 0; i < 60_000; i += 1)
    tasks.push({ submitMs: 0, client: ONE, kind: sand, runMs: between(random, 1_000, 5_000) });
  for (let i = 0; i < 300; i += 1)
    tasks.push({
      // They come while sand has filled every worker.
      submitMs: between(random, 1_000, 60_000),
      client: ONE,
      kind: random.pick(rocks),
      runMs: between(random, 5_000, 20_000),
    });
  return {
    name: "sand and rocks",
    rocks: true,
    about: "60,000 tasks of 1 core and 1 to 5 s, 300 of 16 to 64 cores and 5 to 20 s that come later",
    workers: [parsePoolSpec("16x64c,256G")],
    tasks,
  };
}

function heavyTailed(): Workload {
  const random = new Random(3);
  const kinds = [1, 2, 4].map((cores) => kindOf({ cores }));
  return {
    name: "heavy-tailed",
    about: "50,000 tasks of 1, 2 or 4 cores, Pareto run times (from 1 s, shape 1.5, at most 200 s)",
    workers: [parsePoolSpec("16x64c,256G")],
    tasks: Array.from({ length: 50_000 }, () => ({
      submitMs: 0,
      client: ONE,
      kind: random.pick(kinds),
      runMs: Math.min(200_000, 1_000 / (1 - random.next()) ** (1 / 1.5)),
    })),
  };
}

function multiResource(): Workload {
  const random = new Random(4);
  const kinds = [
    { weight: 50, kind: kindOf({ cores: 1, memory: "2G" }) },
    { weight: 20, kind: kindOf({ cores: 4, memory: "4G" }) },
    { weight: 20, kind: kindOf({ cores: 1, memory: "16G" }) },
    { weight: 10, kind: kindOf({ cores: 2, memory: "12G", gpus: 1 }) },
  ];
  const draws = kinds.flatMap(({ weight, kind }) => new Array<TaskKind>(weight).fill(kind));
  return {
    name: "multi-resource",
    about: "40,000 tasks that ask for cores, memory and gpus in four mixes, 2 to 20 s",
    workers: [parsePoolSpec("8x64c,256G"), parsePoolSpec("8x32c,256G,8g")],
    tasks: Array.from({ length: 40_000 }, () => ({
      submitMs: 0,
      client: ONE,
      kind: random.pick(draws),
      runMs: between(random, 2_000, 20_000),
    })),
  };
}

function bursts(): Workload {
  const random = new Random(5);
  const clients = [{ name: "first" }, { name: "second" }];
  const kinds = [kindOf({ cores: 1 }), kindOf({ cores: 2 })];
  const tasks: WorkloadTask[] = [];
  for (let burst = 0; burst < 20; burst += 1) {
    const client = clients[burst % 2]!;
    // The second client's bursts are five times as large.
    const count = burst % 2 === 0 ? 1_000 : 5_000;
    for (let i = 0; i < count; i += 1)
      tasks.push({
        submitMs: burst * 15_000,
        client,
        kind: kinds[burst % 2]!,
        runMs: between(random, 1_000, 5_000),
      });
  }
  return {
    name: "bursts of two clients",
    about: "every 15 s one of two clients submits 1,000 tasks of 1 core or 5,000 of 2 cores, 1 to 5 s",
    workers: [parsePoolSpec("16x64c,256G")],
    tasks,
  };
}

/** Whole workers are asked for while a stream of small tasks keeps all of them busy. */
function rocksInAStream(): Workload {
  const random = new Random(7);
  const sand = kindOf({ cores: 1 });
  const rock = kindOf({ cores: 64 });
  const tasks: WorkloadTask[] = [];
  for (let atMs = 0; atMs < 600_000; atMs += 15)
    tasks.push({ submitMs: atMs, client: ONE, kind: sand, runMs: between(random, 1_000, 5_000) });
  for (let atMs = 10_000; atMs < 550_000; atMs += 25_000)
    tasks.push({ submitMs: atMs, client: ONE, kind: rock, runMs: 5_000 });
  return {
    name: "rocks in a stream",
    rocks: true,
    about: "a task of 1 core and 1 to 5 s every 15 ms, one of 64 cores and 5 s every 25 s",
    workers: [parsePoolSpec("4x64c,256G")],
    tasks,
  };
}

/** Two clients of equal weight, one with 100,000 tasks, one that comes again and again with 10. */
function unequalQueues(name: string, leastMs: number, mostMs: number): Workload {
  const random = new Random(6);
  const kind = kindOf({ cores: 1 });
  const long = { name: "long queue" };
  const short = { name: "short queue" };
  const tasks: WorkloadTask[] = [];
  const submit = (client: Client, count: number, submitMs: number) => {
    for (let i = 0; i < count; i += 1)
      tasks.push({ submitMs, client, kind, runMs: between(random, leastMs, mostMs) });
  };
  submit(long, 100_000, 0);
  // What of its waiting is chance, because something has to end first, is evened out over its visits.
  for (let visit = 1; visit <= 50; visit += 1) submit(short, 10, visit * 20.37 * mostMs);
  return {
    name,
    about: `one client has 100,000 tasks queued when another comes with 10, 50 times; 1 core, ${leastMs} to ${mostMs} ms`,
    workers: [parsePoolSpec("1x4c,16G")],
    tasks,
    fair: true,
  };
}

/** Those whose makespan and use are judged. */
export function workloads(): Workload[] {
  return [
    uniform(),
    sandAndRocks(),
    heavyTailed(),
    multiResource(),
    bursts(),
    rocksInAStream(),
    unequalQueues("queues of 10 and 100,000", 1_000, 2_000),
    unequalQueues("queues of 10 and 100,000, short tasks", 300, 600),
  ];
}
