/**
 * A cluster in virtual time: the real scheduler core, model workers, clients, and
 * links that delay. The core's invariants are checked after every step, what the
 * workers really do at every start (occupancy.ts).
 */

import type { SchedulingOptions } from "../../head/core/options.js";
import type { Demand, Request } from "../../proto/resource/demand.js";
import type { Pool } from "../../proto/resource/pool.js";
import { type ResourceLike, toRequest } from "../../proto/resource/resource.js";
import { CoreDriver, type SpecOptions, type TestEffect, type TestEvent } from "../kit/core.js";
import { Clock } from "./clock.js";
import { type Course, ModelWorker, type Report, type WorkerTask, type World } from "./model-worker.js";
import { Occupancy } from "./occupancy.js";
import { Random } from "./random.js";

/** How a task ended at its client. */
export type End = "delivered" | "rejected" | "cancelled" | "workersLost" | "infeasible";

/** How the world is. */
export interface WorldOptions {
  readonly scheduling?: Partial<SchedulingOptions>;
  /** Longest delay of a message on a worker's link; 0: none, and plans follow at once. Default: 2. */
  readonly linkMs?: number;
  /** After every how many events the invariants are checked. Default: 1. */
  readonly checkEvery?: number;
}

/** Far more slices than any plan of so small a cluster has. */
const MOST_SLICES = 200;

interface Member {
  readonly worker: ModelWorker;
  readonly pool: Pool;
  readonly linkMs: number;
  readonly endsAtMs: number;
}

/** An execution that began. */
export interface Begin {
  readonly atMs: number;
  readonly task: WorkerTask;
}

type Assign = Extract<TestEffect, { type: "assign" }>;

export class Cluster implements World {
  readonly driver: CoreDriver;
  readonly random: Random;
  readonly clock = new Clock();
  readonly occupancy = new Occupancy();
  /** Connected, as far as the head knows. */
  readonly members = new Map<number, Member>();
  /** "session.task" to every end it had; a right run has one each. */
  readonly ends = new Map<string, End[]>();
  readonly started: Begin[] = [];
  readonly endedSessions = new Set<number>();
  readonly closed = new Set<number>();
  /** How an execution goes; to be set by the test. */
  courseOf: (task: WorkerTask) => Course = () => ({ runMs: this.exponential(10), fails: false });
  /** Of the last execution of each task that began. */
  readonly #attempts = new Map<string, number>();
  readonly #requests = new Map<string, Request>();
  readonly #lastArrivalMs = new Map<string, number>();
  readonly #linkMs: number;
  #nextWorker = 1;
  #planDue = false;
  #unfinishedPlans = 0;

  constructor(seed: number, options: WorldOptions = {}) {
    this.random = new Random(seed);
    this.driver = new CoreDriver(options.scheduling, options.checkEvery);
    this.#linkMs = options.linkMs ?? 2;
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }

  /** How many events the core has been given. */
  get steps(): number {
    return this.driver.events.length;
  }

  after(ms: number, action: () => void): void {
    this.clock.after(ms, action);
  }

  /** A random time with this mean. */
  exponential(meanMs: number): number {
    return -Math.log(1 - this.random.next()) * meanMs;
  }

  /** Runs until nothing is left to happen, or until then. */
  run(untilMs = Number.POSITIVE_INFINITY): void {
    while (this.clock.nextMs < Number.POSITIVE_INFINITY && this.clock.nextMs <= untilMs) this.clock.next();
  }

  join(pool: Pool, linkMs = this.#linkMs): number {
    const number = this.#nextWorker++;
    const worker: ModelWorker = new ModelWorker(
      number,
      this,
      (reports) =>
        this.#up(number, () => {
          for (const report of reports) this.#report(number, report);
        }),
      () => this.after(0, () => this.#gone(number, true)),
    );
    const endsAtMs = this.nowMs + (pool.remainingMs ?? Number.POSITIVE_INFINITY);
    this.members.set(number, { worker, pool, linkMs, endsAtMs });
    this.occupancy.join(number, pool);
    this.#step({ type: "workerJoined", worker: number, name: `w${number}`, pool });
    if (pool.remainingMs !== undefined) {
      this.after(pool.remainingMs * 0.85, () => this.leave(number));
      this.after(pool.remainingMs, () => this.#gone(number, true));
    }
    return number;
  }

  /** A worker dies; the head learns it later, after what was under way. */
  lose(number: number): void {
    this.#gone(number, false);
  }

  /** A worker drains, and goes when nothing runs there any more. */
  leave(number: number): void {
    const worker = this.members.get(number)?.worker;
    if (worker === undefined || worker.leaving || !worker.alive) return;
    this.#up(number, () => this.#step({ type: "workerLeaving", worker: number }));
    worker.leave();
  }

  /** A worker's machine gets short of memory, for so long. */
  press(number: number, forMs: number): void {
    const worker = this.members.get(number)?.worker;
    if (worker === undefined || worker.pressed || !worker.alive) return;
    this.#up(number, () => this.#step({ type: "workerPressed", worker: number, pressed: true }));
    worker.press();
    this.after(forMs, () => {
      if (!worker.alive) return;
      worker.pressed = false;
      this.#up(number, () => this.#step({ type: "workerPressed", worker: number, pressed: false }));
    });
  }

  open(session: number, options?: { prioritized?: boolean; priority?: number; name?: string }): void {
    this.driver.session(session, options);
  }

  spec(session: number, spec: number, demand: ResourceLike, options?: SpecOptions): void {
    this.#requests.set(`${session}.${spec}`, toRequest(demand));
    this.driver.spec(session, spec, demand, options);
  }

  submit(session: number, spec: number, count: number): number[] {
    if (this.closed.has(session)) return [];
    this.driver.nowMs = this.nowMs;
    const tasks = this.driver.submit(session, spec, count);
    for (const task of tasks) this.ends.set(`${session}.${task}`, []);
    this.#changed();
    return tasks;
  }

  cancel(session: number, tasks: readonly number[]): void {
    this.#step({ type: "cancelRequested", session, tasks });
  }

  close(session: number): void {
    this.closed.add(session);
    this.#step({ type: "sessionClosed", session });
  }

  demandOf(session: number, spec: number, alternative: number): Demand {
    return this.#requests.get(`${session}.${spec}`)!.alternatives[alternative]!;
  }

  course(task: WorkerTask): Course {
    return this.courseOf(task);
  }

  stopMs(): number {
    return this.random.next() * this.#linkMs;
  }

  begins(_worker: number, task: WorkerTask): () => void {
    this.started.push({ atMs: this.nowMs, task });
    const { demand, workers, attempt } = task;
    const name = `${task.session}.${task.task}`;
    const before = this.#attempts.get(name) ?? 0;
    if (attempt <= before)
      throw new Error(`attempt ${attempt} of task ${name} began after attempt ${before}`);
    this.#attempts.set(name, attempt);
    const execution = { task: name, demand, workers };
    this.occupancy.begin(execution);
    return () => this.occupancy.end(execution);
  }

  #gone(number: number, planned: boolean): void {
    const worker = this.members.get(number)?.worker;
    if (worker === undefined || !worker.alive) return;
    this.#up(number, () => {
      this.members.delete(number);
      this.#step({ type: "workerLost", worker: number, planned });
    });
    worker.lose();
    this.occupancy.lose(number);
  }

  #step(event: TestEvent): void {
    this.driver.nowMs = this.nowMs;
    this.#carryOut(this.driver.step(event));
    this.#changed();
  }

  #plan(): void {
    this.driver.nowMs = this.nowMs;
    const effects = this.driver.planSlice();
    if (effects.every(({ type }) => type !== "planAgain")) this.#unfinishedPlans = 0;
    this.#carryOut(effects);
  }

  /** Everything of one turn is planned once, a moment later. */
  #changed(): void {
    if (this.#planDue) return;
    this.#planDue = true;
    this.after(this.#linkMs === 0 || this.random.next() < 0.5 ? 0 : 0.1, () => {
      this.#planDue = false;
      this.#plan();
    });
  }

  #up(worker: number, arrive: () => void): void {
    this.#travel(`up ${worker}`, this.members.get(worker)?.linkMs ?? 0, arrive);
  }

  /** Delays, but keeps the order of one direction of one link. */
  #travel(link: string, linkMs: number, arrive: () => void): void {
    const atMs = Math.max(this.nowMs + this.random.next() * linkMs, this.#lastArrivalMs.get(link) ?? 0);
    this.#lastArrivalMs.set(link, atMs);
    this.clock.at(atMs, arrive);
  }

  #report(worker: number, report: Report): void {
    if (!this.members.has(worker)) return;
    const { session, task, attempt } = report.task;
    const one = { worker, session, tasks: [task], attempts: [attempt] };
    if (report.type === "finished") {
      this.#step({ type: "finished", ...one, runUs: [report.runMs * 1000], result: "result" });
    } else if (report.type === "failed") {
      const { cause } = report;
      this.#step({ type: "failed", worker, session, task, attempt, cause, labels: [], failure: "failure" });
    } else this.#step({ type: report.type, ...one });
  }

  #carryOut(effects: readonly TestEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case "assign":
          if (effect.granted) this.#checkWalltime(effect);
          this.#checkPressure(effect);
          this.#down(effect.worker, effect);
          break;
        case "promote":
          this.#checkPressure(effect);
          this.#down(effect.worker, effect);
          break;
        case "retract":
        case "stop":
          this.#down(effect.worker, effect);
          break;
        case "deliver":
          for (const task of effect.tasks) this.#end(effect.session, task, "delivered");
          break;
        case "reject":
          this.#end(effect.session, effect.task, "rejected");
          break;
        case "conclude":
          for (const task of effect.tasks) this.#end(effect.session, task, effect.verdict.type);
          break;
        case "sessionEnded":
          if (this.endedSessions.has(effect.session))
            throw new Error(`session ${effect.session} ended twice`);
          this.endedSessions.add(effect.session);
          break;
        case "planAgain":
          this.#unfinishedPlans += 1;
          if (this.#unfinishedPlans > MOST_SLICES) throw new Error("a plan never completes");
          this.#changed();
          break;
        case "planAt":
          this.clock.at(effect.atMs, () => this.#plan());
          break;
        case "dropWorker":
          throw new Error(`worker ${effect.worker} was dropped: ${effect.reason}`);
        case "warn":
        case "remember":
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #down(number: number, effect: TestEffect): void {
    const member = this.members.get(number);
    if (member === undefined) throw new Error(`${effect.type} is for worker ${number}, which is gone`);
    this.#travel(`down ${number}`, member.linkMs, () => member.worker.receive(effect));
  }

  #checkWalltime(effect: Assign): void {
    const { walltime } = this.demandOf(effect.session, effect.spec, effect.alternative);
    if (walltime === undefined || walltime.group !== "") return;
    for (const number of [effect.worker, ...(effect.gangs?.flat() ?? [])]) {
      const leftMs = this.members.get(number)!.endsAtMs - this.nowMs;
      if (leftMs < walltime.softMs)
        throw new Error(`worker ${number} was given a task of ${walltime.softMs} ms with ${leftMs} ms left`);
    }
  }

  /** Who is short of memory gets one task when it has none, and nothing else. */
  #checkPressure(effect: Extract<TestEffect, { type: "assign" | "promote" }>): void {
    const worker = this.driver.core.view.internals.workers.get(effect.worker);
    if (worker?.pressed !== true) return;
    if (effect.type !== "assign" || !effect.granted || worker.granted.size !== 1)
      throw new Error(`worker ${effect.worker}, which is short of memory, was given more than one task`);
  }

  #end(session: number, task: number, end: End): void {
    if (this.closed.has(session)) throw new Error(`${end} for task ${session}.${task} of a closed session`);
    const ends = this.ends.get(`${session}.${task}`)!;
    ends.push(end);
    if (ends.length > 1) throw new Error(`task ${session}.${task} ended more than once: ${ends.join(", ")}`);
  }
}
