/**
 * A cluster in virtual time: the real scheduler core, model workers, clients, and
 * links that delay. The core's invariants are checked after every step, what the
 * workers really do at every start (occupancy.ts).
 */

import type { Demand, Request } from "../../proto/resource/demand.js";
import type { Pool } from "../../proto/resource/pool.js";
import { type ResourceLike, toRequest } from "../../proto/resource/resource.js";
import { CoreDriver, type SpecOptions, type TestEffect, type TestEvent } from "../kit/core.js";
import { Clock } from "./clock.js";
import { Direction } from "./link.js";
import type { Begin, ClientLink, End, Member, WorldOptions } from "./member.js";
import { type Course, ModelWorker, type Report, type WorkerTask, type World } from "./model-worker.js";
import { Occupancy } from "./occupancy.js";
import { checkPressure, checkWalltime } from "./orders.js";
import { Random } from "./random.js";

/** Far more slices than any plan of so small a cluster has. */
const MOST_SLICES = 200;

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
  readonly #resumeMs: number;
  readonly #leaseMs: number;
  readonly #clients = new Map<number, ClientLink>();
  /** Links that were cut and came back. */
  resumed = 0;
  #nextWorker = 1;
  #planDue = false;
  #unfinishedPlans = 0;

  constructor(seed: number, options: WorldOptions = {}) {
    this.random = new Random(seed);
    this.driver = new CoreDriver(options.scheduling, options.checkEvery);
    this.#linkMs = options.linkMs ?? 2;
    this.#resumeMs = options.resumeMs ?? 500;
    this.#leaseMs = options.leaseMs ?? 2_000;
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
      (reports) => {
        this.members.get(number)?.up.send(() => {
          for (const report of reports) this.#report(number, report);
          this.#repeat(number, reports);
        });
      },
      () => this.after(0, () => this.#gone(number, true)),
    );
    const endsAtMs = this.nowMs + (pool.remainingMs ?? Number.POSITIVE_INFINITY);
    const up = new Direction((arrive) => this.#travel(`up ${number}`, linkMs, arrive));
    const down = new Direction((arrive) => this.#travel(`down ${number}`, linkMs, arrive));
    const member = { worker, pool, linkMs, endsAtMs, up, down, talks: true, awayUntilMs: undefined };
    this.members.set(number, member);
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
    const member = this.members.get(number);
    if (member === undefined || member.worker.leaving || !member.worker.alive) return;
    member.up.send(() => this.#step({ type: "workerLeaving", worker: number }));
    member.worker.leave();
  }

  /** A worker's link is cut; after so long it comes back, unless it is lost by then. */
  cut(number: number, ms: number): void {
    const member = this.members.get(number);
    if (member === undefined || !member.worker.alive || !member.up.isUp) return;
    member.up.cut();
    member.down.cut();
    member.talks = false;
    // The head may notice after the worker has come back already.
    this.after(this.random.next() * 2 * this.#linkMs, () => this.#suspect(number));
    this.after(ms, () => this.#resume(number));
  }

  /** A client's link is cut; it comes back after so long, unless its lease has ended. */
  cutClient(session: number, ms: number): void {
    const client = this.#clients.get(session);
    if (client === undefined || !client.down.isUp || this.closed.has(session)) return;
    client.down.cut();
    const over = ms > this.#leaseMs;
    this.after(Math.min(ms, this.#leaseMs), () => {
      if (over) return this.close(session);
      this.resumed += 1;
      client.down.resume();
      for (const say of client.waiting.splice(0)) say();
    });
  }

  /** A worker's machine gets short of memory, for so long. */
  press(number: number, forMs: number): void {
    const worker = this.members.get(number)?.worker;
    if (worker === undefined || worker.pressed || !worker.alive) return;
    this.members
      .get(number)
      ?.up.send(() => this.#step({ type: "workerPressed", worker: number, pressed: true }));
    worker.press();
    this.after(forMs, () => {
      if (!worker.alive) return;
      worker.pressed = false;
      this.members
        .get(number)
        ?.up.send(() => this.#step({ type: "workerPressed", worker: number, pressed: false }));
    });
  }

  open(session: number, options?: { prioritized?: boolean; priority?: number; name?: string }): void {
    this.driver.session(session, options);
    const down = new Direction((arrive) => this.#travel(`client ${session}`, this.#linkMs, arrive));
    this.#clients.set(session, { down, waiting: [] });
  }

  spec(session: number, spec: number, demand: ResourceLike, options?: SpecOptions): void {
    this.#requests.set(`${session}.${spec}`, toRequest(demand));
    this.driver.spec(session, spec, demand, options);
  }

  submit(session: number, spec: number, count: number): number[] {
    if (this.closed.has(session)) return [];
    const client = this.#clients.get(session)!;
    if (!client.down.isUp) {
      client.waiting.push(() => this.submit(session, spec, count));
      return [];
    }
    this.driver.nowMs = this.nowMs;
    const tasks = this.driver.submit(session, spec, count);
    for (const task of tasks) this.ends.set(`${session}.${task}`, []);
    this.#changed();
    return tasks;
  }

  cancel(session: number, tasks: readonly number[]): void {
    const client = this.#clients.get(session);
    if (client?.down.isUp === false) client.waiting.push(() => this.cancel(session, tasks));
    else this.#step({ type: "cancelRequested", session, tasks });
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
    const member = this.members.get(number);
    if (member === undefined || !member.worker.alive) return;
    // One that has reported its last to nobody waits until somebody hears it.
    if (planned && !member.up.isUp && member.worker.leaving)
      return void this.after(1, () => this.#gone(number, true));
    // Of the end of one that is cut off the head hears nothing: it is not waited for any longer.
    if (member.up.isUp && member.talks) member.up.sendOnce(() => this.#lost(number, planned));
    else {
      this.#suspect(number);
      this.clock.at(member.awayUntilMs ?? this.nowMs, () => this.#lost(number, false));
    }
    member.worker.lose();
    this.occupancy.lose(number);
  }

  #lost(number: number, planned: boolean): void {
    if (this.members.delete(number)) this.#step({ type: "workerLost", worker: number, planned });
  }

  #suspect(number: number): void {
    const member = this.members.get(number);
    if (member === undefined || member.talks || member.awayUntilMs !== undefined) return;
    const untilMs = this.nowMs + this.#resumeMs;
    member.awayUntilMs = untilMs;
    this.#step({ type: "workerSuspect", worker: number });
    this.clock.at(untilMs, () => {
      if (member.awayUntilMs !== untilMs || !this.members.has(number)) return;
      member.worker.lose();
      this.occupancy.lose(number);
      this.#lost(number, false);
    });
  }

  #resume(number: number): void {
    const member = this.members.get(number);
    if (member === undefined || !member.worker.alive || member.up.isUp) return;
    this.#suspect(number);
    member.up.resume();
    member.down.resume();
    const executions = member.worker.held();
    member.up.sendOnce(() => {
      this.resumed += 1;
      member.talks = true;
      member.awayUntilMs = undefined;
      this.#step({ type: "workerResumed", worker: number, executions });
    });
  }

  /** Ends that were told may be told again, at any time. */
  #repeat(number: number, reports: readonly Report[]): void {
    if (this.random.next() > 0.05) return;
    const ends = reports.filter(({ type }) => type === "finished" || type === "failed");
    this.after(this.exponential(20), () => {
      for (const report of ends) this.#report(number, report);
    });
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
    checkPressure(this, effects);
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
          if (effect.granted) checkWalltime(this, effect);
          this.#down(effect.worker, effect);
          break;
        case "promote":
          this.#down(effect.worker, effect);
          break;
        case "retract":
        case "stop":
          this.#down(effect.worker, effect);
          break;
        case "deliver":
          this.#tell(effect.session, effect.tasks, "delivered");
          break;
        case "reject":
          this.#tell(effect.session, [effect.task], "rejected");
          break;
        case "conclude":
          this.#tell(effect.session, effect.tasks, effect.verdict.type);
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
    if (member.talks) member.down.sendOnce(() => member.worker.receive(effect));
  }

  #tell(session: number, tasks: readonly number[], end: End): void {
    if (this.closed.has(session)) throw new Error(`${end} for tasks ${tasks} of a closed session ${session}`);
    const client = this.#clients.get(session);
    client!.down.send(() => {
      for (const task of tasks) this.#end(session, task, end);
    });
  }

  #end(session: number, task: number, end: End): void {
    const ends = this.ends.get(`${session}.${task}`)!;
    ends.push(end);
    if (ends.length > 1) throw new Error(`task ${session}.${task} ended more than once: ${ends.join(", ")}`);
  }
}
