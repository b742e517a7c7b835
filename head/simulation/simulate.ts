/**
 * Runs a workload on a cluster that does not exist, in virtual time: the real scheduler core
 * (or a baseline) decides, only workers, links and the clock are models.
 */

import { NO_RETRIES } from "../../proto/retries.js";
import type { SchedulingOptions } from "../core/options.js";
import { Cluster, type Work } from "./cluster.js";
import { Meter } from "./meter.js";
import type { SimulatedClass } from "./model-worker.js";
import type { PoolSpec } from "./pool-spec.js";
import { makeScheduler, type SimulatedPolicy } from "./scheduler.js";
import { KindNumbers, Use } from "./use.js";
import { summarizeWaits, type Waits } from "./waits.js";
import type { Client, TaskKind, WorkloadTask } from "./workload.js";

/** What to simulate. */
export interface Simulation {
  readonly workers: readonly PoolSpec[];
  readonly tasks: readonly WorkloadTask[];
  /** Who decides. Default: that of the options, else the core's own default. */
  readonly policy?: SimulatedPolicy;
  /** The core's options; what is not given has its default. */
  readonly options?: Partial<SchedulingOptions>;
  /** One way, between head and worker or client. Default: 0.5. */
  readonly latencyMs?: number;
}

/** What came of it. */
export interface SimulationResult {
  readonly tasks: number;
  readonly finished: number;
  /** Killed at their hard walltime, or never possible. */
  readonly failed: number;
  /** Never ended: no worker could run them. */
  readonly unfinished: number;
  /** From the first submission to the last end. */
  readonly makespanMs: number;
  /** From a task's submission to its first start. */
  readonly waitMs: Waits;
  readonly utilisation: Utilisation;
  /** Jain's index over clients, 1 is fair; undefined: never did two of them wait at once. */
  readonly fairness: number | undefined;
  readonly messages: number;
  readonly plans: number;
  /** Plans that went on in another slice. */
  readonly slices: number;
  /** Most tasks that one step sent to workers. */
  readonly longestStep: number;
}

/** Parts of capacity that were in use, 0 to 1. */
export interface Utilisation {
  /** Of cores, from the first submission to the last end. */
  readonly cores: number;
  /** The kind of which most was in use overall. */
  readonly dominantKind: string;
  readonly dominant: number;
  /** The same two, over the time in which some submitted task had not started. */
  readonly coresWhileWaiting: number;
  readonly dominantWhileWaiting: number;
}

const LATENCY_MS = 0.5;

/**
 * Simulates.
 *
 * @example
 * simulate({ workers: [parsePoolSpec("20x64c,256G")], tasks }).makespanMs
 */
export function simulate(simulation: Simulation): SimulationResult {
  const { workers, tasks, options = {} } = simulation;
  const numbers = new KindNumbers();
  const meter = new Meter();
  const ledger = new Ledger(tasks, numbers);
  const policy = simulation.policy ?? options.policy ?? "fit";
  const scheduler = makeScheduler(policy, options);
  const cluster = new Cluster(scheduler, meter, numbers, ledger, simulation.latencyMs ?? LATENCY_MS);
  ledger.announce(cluster, meter, options.weights ?? new Map());
  for (const spec of workers) cluster.add(spec);
  ledger.submitAll(cluster);
  cluster.run();
  return resultOf(ledger, meter, cluster, numbers);
}

function resultOf(ledger: Ledger, meter: Meter, cluster: Cluster, numbers: KindNumbers): SimulationResult {
  return {
    tasks: ledger.tasks.length,
    finished: ledger.finished,
    failed: ledger.failed,
    unfinished: ledger.tasks.length - ledger.finished - ledger.failed,
    makespanMs: Math.max(0, meter.endMs - ledger.firstMs),
    waitMs: summarizeWaits(ledger.waitsMs()),
    utilisation: summarizeUse(meter, numbers),
    fairness: meter.fairness(),
    ...cluster.effort,
  };
}

/** What was in use, of cores and of the kind of which most was. */
export function summarizeUse(meter: Meter, numbers: KindNumbers): Utilisation {
  const uses = numbers.names.map((_, kind) => meter.use(kind));
  const cores = uses[numbers.cores]!;
  const dominant = uses.reduce((most, use) => (use.overall > most.overall ? use : most), cores);
  return {
    cores: cores.overall,
    dominantKind: numbers.names[dominant.kind]!,
    dominant: dominant.overall,
    coresWhileWaiting: cores.whileWaiting,
    dominantWhileWaiting: dominant.whileWaiting,
  };
}

interface Session {
  readonly number: number;
  readonly client: Client;
  /** At the meter. */
  meterNumber: number;
  readonly specs: Map<TaskKind, SimulatedClass>;
  readonly classes: SimulatedClass[];
  /** Task number to index in the workload. */
  readonly indices: number[];
}

/** The workload by sessions and numbers, and when each task started. */
class Ledger implements Work {
  finished = 0;
  failed = 0;
  readonly #sorted: Uint32Array;
  readonly #startMs: Float64Array;
  readonly #sessions = new Map<Client, Session>();
  readonly #byNumber: Session[] = [];

  constructor(
    readonly tasks: readonly WorkloadTask[],
    private readonly numbers: KindNumbers,
  ) {
    this.#sorted = Uint32Array.from(tasks.keys());
    this.#sorted.sort((a, b) => tasks[a]!.submitMs - tasks[b]!.submitMs || a - b);
    this.#startMs = new Float64Array(tasks.length).fill(Number.NaN);
    for (const { client, kind } of tasks) this.#define(client, kind);
  }

  /** When the first task is submitted. */
  get firstMs(): number {
    return this.tasks[this.#sorted[0] ?? 0]?.submitMs ?? 0;
  }

  #define(client: Client, kind: TaskKind): void {
    let session = this.#sessions.get(client);
    if (session === undefined) {
      const number = this.#byNumber.length + 1;
      session = { number, client, meterNumber: 0, specs: new Map(), classes: [], indices: [] };
      this.#sessions.set(client, session);
      this.#byNumber.push(session);
    }
    if (session.specs.has(kind)) return;
    const uses = kind.request.alternatives.map((demand) => new Use(demand, this.numbers));
    const cls = { session: session.number, spec: session.classes.length, uses };
    session.specs.set(kind, cls);
    session.classes.push(cls);
  }

  /** Opens the sessions and defines the specs. */
  announce(cluster: Cluster, meter: Meter, weights: ReadonlyMap<string, number>): void {
    for (const session of this.#byNumber) {
      const { name, prioritized = false, priority = 0 } = session.client;
      session.meterNumber = meter.addClient(weights.get(name) ?? 1);
      cluster.tell({ type: "sessionOpened", session: session.number, name, prioritized, priority });
      for (const [kind, { spec }] of session.specs) {
        cluster.tell({
          type: "specDefined",
          session: session.number,
          spec,
          request: kind.request,
          priority: kind.priority ?? 0,
          retries: NO_RETRIES,
          failInfeasible: false,
        });
      }
    }
  }

  /** Numbers the tasks, and submits those that stand next to each other together. */
  submitAll(cluster: Cluster): void {
    let at = 0;
    while (at < this.#sorted.length) {
      const { submitMs, client, kind } = this.tasks[this.#sorted[at]!]!;
      const session = this.#sessions.get(client)!;
      const first = session.indices.length;
      let count = 0;
      for (; at < this.#sorted.length; at += 1) {
        const next = this.tasks[this.#sorted[at]!]!;
        if (next.submitMs !== submitMs || next.client !== client || next.kind !== kind) break;
        session.indices.push(this.#sorted[at]!);
        count += 1;
      }
      const cls = session.specs.get(kind)!;
      cluster.submit({ atMs: submitMs, class: cls, client: session.meterNumber, first, count });
    }
  }

  runMs(session: number, task: number): number {
    return this.tasks[this.#index(session, task)]!.runMs;
  }

  client(session: number): number {
    return this.#byNumber[session - 1]!.meterNumber;
  }

  classOf(session: number, spec: number): SimulatedClass {
    return this.#byNumber[session - 1]!.classes[spec]!;
  }

  started(session: number, task: number, nowMs: number): boolean {
    const index = this.#index(session, task);
    if (!Number.isNaN(this.#startMs[index]!)) return false;
    this.#startMs[index] = nowMs;
    return true;
  }

  ended(_session: number, _task: number, how: "finished" | "failed"): void {
    if (how === "finished") this.finished += 1;
    else this.failed += 1;
  }

  /** Of the tasks that started. */
  waitsMs(): Float64Array {
    return this.#startMs
      .map((startMs, index) => startMs - this.tasks[index]!.submitMs)
      .filter((waitMs) => !Number.isNaN(waitMs));
  }

  #index(session: number, task: number): number {
    return this.#byNumber[session - 1]!.indices[task]!;
  }
}
