/**
 * A cluster in virtual time: the real scheduler core, model workers, clients, and
 * links that delay. The core's invariants are checked after every step, what the
 * workers really do at every start (occupancy.ts).
 */

import type { Demand, Request } from "../../proto/resource/demand.js";
import type { Pool } from "../../proto/resource/pool.js";
import { type ResourceLike, toRequest } from "../../proto/resource/resource.js";
import {
  type CoreDriver,
  type SpecOptions,
  specDefined,
  type TestEffect,
  type TestEvent,
} from "../kit/core.js";
import { carryOut, eventOf } from "./carry-out.js";
import { Clients } from "./clients.js";
import { Clock } from "./clock.js";
import { Executions } from "./executions.js";
import { LastingHead } from "./lasting-head.js";
import { Direction } from "./link.js";
import type { Begin, Member, WorldOptions } from "./member.js";
import {
  type Course,
  ModelWorker,
  nameOf,
  type Report,
  type WorkerTask,
  type World,
} from "./model-worker.js";
import { Network } from "./network.js";
import { Occupancy } from "./occupancy.js";
import { checkPressure } from "./orders.js";
import { Planner } from "./planner.js";
import { Random } from "./random.js";

/** Within so long what has changed is in the journal. */
const MOST_COMMIT_MS = 20;
/** How many of a worker's reports of ends are told again later. */
const SELDOM = 0.05;

export class Cluster implements World {
  readonly head: LastingHead;
  readonly clients: Clients;
  readonly random: Random;
  readonly clock = new Clock();
  /** Its ways: "up" and "down" of a worker's number, "from client" and "to client" of a session's. */
  readonly network: Network;
  readonly occupancy = new Occupancy();
  /** Connected, as far as the head knows. */
  readonly members = new Map<number, Member>();
  /** How an execution goes; to be set by the test. */
  courseOf: (task: WorkerTask) => Course = () => ({ runMs: this.exponential(10), fails: false });
  readonly #executions = new Executions();
  /** Of earlier lives of the head, and not heard of since: until then nothing is planned. */
  readonly #unheard = new Set<number>();
  /** Gone before the head was killed, which it does not know. */
  readonly #ghosts = new Set<number>();
  readonly #requests = new Map<string, Request>();
  readonly #linkMs: number;
  readonly #resumeMs: number;
  #resumedWorkers = 0;
  #nextWorker = 1;
  readonly #planner: Planner;

  constructor(seed: number, options: WorldOptions = {}) {
    this.random = new Random(seed);
    this.network = new Network(this.clock, this.random);
    this.head = new LastingHead(
      options,
      () => this.nowMs,
      () => this.after(this.random.next() * MOST_COMMIT_MS, () => this.#commit()),
    );
    this.clients = new Clients({
      head: this.head,
      leaseMs: options.leaseMs ?? 2_000,
      after: (ms, action) => this.after(ms, action),
      random: () => this.random.next(),
      up: (way, arrive) => (this.#linkMs === 0 ? arrive() : this.network.travel(way, this.#linkMs, arrive)),
      down: (way, arrive) => this.network.travel(way, this.#linkMs, arrive),
      step: (event) => this.#step(event),
    });
    this.#linkMs = options.linkMs ?? 2;
    this.#resumeMs = options.resumeMs ?? 500;
    this.#planner = new Planner({
      after: (ms, action) => this.after(ms, action),
      delayMs: () => (this.#linkMs === 0 || this.random.next() < 0.5 ? 0 : 0.1),
      plan: () => this.#plan(),
    });
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }

  get driver(): CoreDriver {
    return this.head.driver;
  }

  get started(): readonly Begin[] {
    return this.#executions.started;
  }

  /** Links that were cut and came back. */
  get resumed(): number {
    return this.#resumedWorkers + this.clients.resumed;
  }

  /** How many events the core has been given. */
  get steps(): number {
    return this.head.steps;
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
    if (this.head.isDown) {
      this.after(1, () => this.join(pool, linkMs));
      return 0;
    }
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
    const up = new Direction((arrive) => this.network.travel(`up ${number}`, linkMs, arrive), true);
    const down = new Direction((arrive) => this.network.travel(`down ${number}`, linkMs, arrive));
    const more = { talks: true, awayUntilMs: undefined, slowness: 1, repeats: SELDOM };
    const member: Member = { worker, pool, linkMs, endsAtMs, up, down, ...more };
    this.members.set(number, member);
    this.occupancy.join(number, pool);
    this.#step({ type: "workerJoined", worker: number, name: nameOf(number), pool });
    this.#commit();
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
    this.#resumeIn(ms, number);
  }

  /** The head is killed, and started again after so long; clients come back within so long. */
  killHead(downMs: number, clientsMs = 100): void {
    if (this.head.isDown) return;
    this.head.kill();
    for (const member of this.members.values()) {
      member.up.cut();
      member.down.cut();
      member.up.forgotten(Math.min(1, 2 * this.random.next()));
      member.talks = false;
      member.awayUntilMs = undefined;
    }
    this.clients.headKilled();
    this.after(downMs, () => this.#startHead(clientsMs));
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
    const { name = `client${session}`, prioritized = false, priority = 0 } = options ?? {};
    this.#step({ type: "sessionOpened", session, name, prioritized, priority });
    this.clients.open(session);
    this.#commit();
  }

  spec(session: number, spec: number, demand: ResourceLike, options?: SpecOptions): void {
    this.#requests.set(`${session}.${spec}`, toRequest(demand));
    this.#step(specDefined(session, spec, demand, options));
    this.#commit();
  }

  demandOf(session: number, spec: number, alternative: number): Demand {
    return this.#requests.get(`${session}.${spec}`)!.alternatives[alternative]!;
  }

  course(task: WorkerTask): Course {
    const { runMs, fails } = this.courseOf(task);
    return { runMs: runMs * (this.members.get(task.workers[0]!)?.slowness ?? 1), fails };
  }

  stopMs(): number {
    return this.random.next() * this.#linkMs;
  }

  begins(worker: number, task: WorkerTask): () => void {
    const { demand, workers } = task;
    const name = `${task.session}.${task.task}`;
    // An order of an earlier life may be unknown to this one.
    const isOld = this.head.isDown || this.#unheard.has(worker);
    this.#executions.begin(name, task, this.nowMs, this.head.life - (isOld ? 1 : 0));
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
    if (this.head.isDown || !this.members.delete(number)) return;
    this.#unheard.delete(number);
    this.#step({ type: "workerLost", worker: number, planned });
  }

  #suspect(number: number): void {
    const member = this.members.get(number);
    if (this.head.isDown || member === undefined || member.talks || member.awayUntilMs !== undefined) return;
    this.#step({ type: "workerSuspect", worker: number });
    this.#await(number, member);
  }

  #await(number: number, member: Member): void {
    const untilMs = this.nowMs + this.#resumeMs;
    member.awayUntilMs = untilMs;
    this.clock.at(untilMs, () => {
      if (member.awayUntilMs !== untilMs || !this.members.has(number)) return;
      member.worker.lose();
      this.occupancy.lose(number);
      this.#lost(number, false);
    });
  }

  /** Whoever is away when the head is killed comes back to its next life. */
  #resumeIn(ms: number, number: number): void {
    this.#inThisLife(ms, () => this.clients.whenBack(() => this.#resume(number)));
  }

  #resume(number: number): void {
    const member = this.members.get(number);
    if (this.head.isDown || member === undefined || !member.worker.alive || member.up.isUp) return;
    this.#suspect(number);
    member.up.resume();
    member.down.resume();
    const executions = member.worker.held();
    member.up.sendOnce(() => {
      this.#resumedWorkers += 1;
      this.#unheard.delete(number);
      member.talks = true;
      member.awayUntilMs = undefined;
      const { pressed } = member.worker;
      if (this.driver.core.view.internals.workers.get(number)?.pressed !== pressed)
        this.#step({ type: "workerPressed", worker: number, pressed });
      this.#step({ type: "workerResumed", worker: number, executions });
    });
  }

  #commit(): void {
    if (this.head.isDown) return;
    this.head.commit();
    this.clients.settle();
    for (const { up } of this.members.values()) up.settle();
  }

  #startHead(clientsMs: number): void {
    const recovery = this.head.recover();
    this.occupancy.headStarted(({ task, workers }) => this.head.knows(task, workers[0]!));
    this.#unheard.clear();
    for (const number of recovery.workers.keys()) {
      const member = this.members.get(number);
      if (member === undefined) this.#ghosts.add(number);
      else this.#await(number, member);
      if (member === undefined) this.#inThisLife(this.#resumeMs, () => this.#ghostLost(number));
      if (member?.worker.alive !== true) continue;
      this.#unheard.add(number);
      this.#resumeIn(this.random.next() * this.#resumeMs * 0.5, number);
    }
    for (const number of this.members.keys())
      if (!recovery.workers.has(number)) throw new Error(`the head has lost worker ${number}`);
    this.clients.headStarted(recovery, clientsMs);
    this.#planner.complete();
    this.#planner.ask();
  }

  #ghostLost(number: number): void {
    this.#step({ type: "workerLost", worker: number, planned: false });
  }

  /** Unless the head is killed before. */
  #inThisLife(afterMs: number, action: () => void): void {
    const { life } = this.head;
    this.after(afterMs, () => {
      if (life === this.head.life && !this.head.isDown) action();
    });
  }

  /** Ends that were told may be told again, at any time. */
  #repeat(number: number, reports: readonly Report[]): void {
    if (this.random.next() > (this.members.get(number)?.repeats ?? 0)) return;
    const ends = reports.filter(({ type }) => type === "finished" || type === "failed");
    this.#inThisLife(this.exponential(20), () => {
      for (const report of ends) this.#report(number, report);
    });
  }

  #step(event: TestEvent): void {
    this.#carryOut(this.head.step(event));
    this.#planner.ask();
  }

  #plan(): void {
    if (this.head.isDown || this.#unheard.size > 0) return;
    const effects = this.head.step({ type: "planDue" });
    if (effects.every(({ type }) => type !== "planAgain")) this.#planner.complete();
    checkPressure(this, effects);
    this.#carryOut(effects);
  }

  #report(worker: number, report: Report): void {
    if (this.members.has(worker)) this.#step(eventOf(worker, report));
  }

  #carryOut(effects: readonly TestEffect[]): void {
    carryOut(this, effects, {
      down: (worker, effect) => this.#down(worker, effect),
      planAgain: () => this.#planner.goOn(),
      planAt: (atMs) => this.clock.at(atMs, () => this.#plan()),
    });
  }

  #down(number: number, effect: TestEffect): void {
    const member = this.members.get(number);
    if (member === undefined && this.#ghosts.has(number)) return;
    if (member === undefined) throw new Error(`${effect.type} is for worker ${number}, which is gone`);
    if (member.talks) member.down.sendOnce(() => member.worker.receive(effect));
  }
}
