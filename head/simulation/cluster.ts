/**
 * A cluster in virtual time: what decides, model workers, and links that take a while.
 *
 * As in the real head, what arrives within one turn is stepped event by event, and one plan
 * follows. What is ordered in a turn reaches the workers after the latency; what workers
 * report reaches the head after the latency, in the next turn.
 */

import { EventQueue } from "./event-queue.js";
import type { Meter } from "./meter.js";
import { type Execution, ModelWorker, type SimulatedClass } from "./model-worker.js";
import type { PoolSpec } from "./pool-spec.js";
import type { Scheduler, SimulationEffect, SimulationEvent } from "./scheduler.js";
import type { KindNumbers } from "./use.js";

/** Tasks in one submission, at most: as a client sends them. */
const SUBMISSION = 4_096;
/** Turns of the head. */
const TURN_MS = 1;
/** The head plans at least this often while tasks are queued, for what depends on time alone. */
const PLAN: SimulationEvent = { type: "planDue" };

/** One submission: calls of one kind by one client. */
export interface Submission {
  readonly atMs: number;
  readonly class: SimulatedClass;
  /** Its number at the meter. */
  readonly client: number;
  readonly first: number;
  readonly count: number;
}

/** What the tasks of a simulation are: by session and number. */
export interface Work {
  runMs(session: number, task: number): number;
  client(session: number): number;
  classOf(session: number, spec: number): SimulatedClass;
  /** Told each first start. */
  started(session: number, task: number, nowMs: number): boolean;
  /** Told each last end. */
  ended(session: number, task: number, how: "finished" | "failed", nowMs: number): void;
}

/** A report that is being filled. */
interface Column {
  readonly type: "finished" | "started" | "returned";
  readonly worker: number;
  readonly session: number;
  readonly tasks: number[];
  readonly attempts: number[];
  readonly runUs: number[];
}

interface Turn {
  readonly atMs: number;
  readonly events: SimulationEvent[];
  /** The last report of each worker, which takes more of the same. */
  readonly open: Map<number, Column>;
}

type OrderEffect = Extract<SimulationEffect, { type: "assign" | "promote" | "retract" | "stop" }>;

type Happening =
  | { readonly type: "ends"; readonly execution: Execution; readonly runMs: number; readonly killed: boolean }
  | { readonly type: "turn"; readonly turn: Turn }
  | { readonly type: "orders"; readonly orders: readonly OrderEffect[] }
  | { readonly type: "submission"; readonly submission: Submission }
  | { readonly type: "joins"; readonly spec: PoolSpec }
  | { readonly type: "leaves"; readonly worker: ModelWorker }
  | { readonly type: "tick" };

/** What deciding took. */
export interface Effort {
  /** Both ways, workers and clients. */
  messages: number;
  plans: number;
  /** Plans that stopped after a slice. */
  slices: number;
  /** Most tasks sent to workers by one step. */
  longestStep: number;
}

export class Cluster {
  readonly effort: Effort = { messages: 0, plans: 0, slices: 0, longestStep: 0 };
  readonly #queue = new EventQueue<Happening>();
  readonly #workers = new Map<number, ModelWorker>();
  readonly #totals = new Map<number, readonly number[]>();
  #turn: Turn | undefined;
  #orders: OrderEffect[] = [];
  #nowMs = 0;
  #nextWorker = 1;
  /** Submitted and not ended. */
  #left = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly meter: Meter,
    private readonly numbers: KindNumbers,
    private readonly work: Work,
    private readonly latencyMs: number,
  ) {}

  /** Tells the scheduler something before anything happens. */
  tell(event: SimulationEvent): void {
    this.#step(event);
  }

  add(spec: PoolSpec): void {
    for (let i = 0; i < spec.count; i += 1) this.#queue.push(spec.joinMs ?? 0, { type: "joins", spec });
  }

  submit(submission: Submission): void {
    this.#queue.push(submission.atMs, { type: "submission", submission });
  }

  /** Runs until nothing can happen any more. */
  run(): void {
    for (;;) {
      const atMs = this.#queue.nextMs;
      if (atMs === undefined) return;
      this.#nowMs = atMs;
      this.#happen(this.#queue.pop()!);
    }
  }

  #happen(happening: Happening): void {
    switch (happening.type) {
      case "ends":
        return this.#ends(happening.execution, happening.runMs, happening.killed);
      case "turn":
        return this.#takeTurn(happening.turn);
      case "orders":
        for (const order of happening.orders) this.#workers.get(order.worker)?.receive(order);
        return;
      case "submission":
        return this.#submitted(happening.submission);
      case "joins":
        return this.#join(happening.spec);
      case "leaves":
        happening.worker.lose();
        this.meter.capacity(this.#nowMs, happening.worker.total, -1);
        this.#arrive({ type: "workerLost", worker: happening.worker.number, planned: true });
        return;
      case "tick":
        this.#arrive(undefined);
        return;
      default:
        return happening satisfies never;
    }
  }

  #submitted({ class: cls, client, first, count }: Submission): void {
    this.#left += count;
    this.meter.submitted(this.#nowMs, client, count);
    const { session, spec } = cls;
    for (let given = 0; given < count; given += SUBMISSION) {
      const size = Math.min(SUBMISSION, count - given);
      this.#arrive({
        type: "submitted",
        session,
        spec,
        first: first + given,
        count: size,
        source: undefined,
      });
    }
  }

  #join({ pool, leaveMs }: PoolSpec): void {
    const number = this.#nextWorker++;
    const total = this.numbers.vectorOf(pool);
    const worker = new ModelWorker(
      number,
      total,
      {
        begins: (execution) => this.#begins(execution),
        cut: (execution) => this.#unuse(execution),
        started: (execution) => this.#report("started", execution, 0),
        returned: (execution) => this.#report("returned", execution, 0),
        cancelled: (execution) => this.#fail(execution, "cancelled"),
      },
      (session, spec) => this.work.classOf(session, spec),
      (of) => this.#totals.get(of) ?? [],
    );
    this.#workers.set(number, worker);
    this.#totals.set(number, total);
    this.meter.capacity(this.#nowMs, total, 1);
    // At once: what is there from the beginning must not race with the first submission.
    this.#step({ type: "workerJoined", worker: number, name: `w${number}`, pool });
    if (this.#left > 0) this.#arrive(undefined);
    const goneMs = Math.min(
      leaveMs ?? Number.POSITIVE_INFINITY,
      this.#nowMs + (pool.remainingMs ?? Infinity),
    );
    if (Number.isFinite(goneMs)) this.#queue.push(goneMs, { type: "leaves", worker });
  }

  #begins(execution: Execution): void {
    const { session } = execution.class;
    const { task, hardMs } = execution;
    const fullMs = this.work.runMs(session, task);
    const killed = hardMs > 0 && fullMs > hardMs;
    const runMs = killed ? hardMs : fullMs;
    const first = this.work.started(session, task, this.#nowMs);
    this.meter.started(this.#nowMs, this.work.client(session), first, (used) => addUse(used, execution, 1));
    this.#queue.push(this.#nowMs + runMs, { type: "ends", execution, runMs, killed });
  }

  #ends(execution: Execution, runMs: number, killed: boolean): void {
    if (execution.gone) return;
    this.#unuse(execution);
    if (killed) this.#fail(execution, "final");
    else this.#report("finished", execution, runMs);
    this.#left -= 1;
    this.work.ended(execution.class.session, execution.task, killed ? "failed" : "finished", this.#nowMs);
    execution.worker.ended(execution);
  }

  #unuse(execution: Execution): void {
    const client = this.work.client(execution.class.session);
    this.meter.ended(this.#nowMs, client, (used) => addUse(used, execution, -1));
  }

  /** Something reaches the head, in the turn after the latency. undefined: just a turn. */
  #arrive(event: SimulationEvent | undefined): Turn {
    const atMs = Math.ceil((this.#nowMs + this.latencyMs) / TURN_MS) * TURN_MS;
    let turn = this.#turn;
    if (turn === undefined || turn.atMs < atMs) {
      turn = { atMs, events: [], open: new Map() };
      this.#turn = turn;
      this.#queue.push(atMs, { type: "turn", turn });
    }
    if (event !== undefined) turn.events.push(event);
    return turn;
  }

  #report(type: "finished" | "started" | "returned", execution: Execution, runMs: number): void {
    const { worker, class: cls, task, attempt } = execution;
    const turn = this.#arrive(undefined);
    let column = turn.open.get(worker.number);
    if (column?.type !== type || column.session !== cls.session) {
      column = { type, worker: worker.number, session: cls.session, tasks: [], attempts: [], runUs: [] };
      turn.open.set(worker.number, column);
      turn.events.push(type === "finished" ? { ...column, type, result: undefined } : { ...column, type });
    }
    column.tasks.push(task);
    column.attempts.push(attempt);
    column.runUs.push(runMs * 1_000);
  }

  #fail(execution: Execution, cause: "final" | "cancelled"): void {
    const { worker, class: cls, task, attempt } = execution;
    const { session } = cls;
    const turn = this.#arrive({
      type: "failed",
      worker: worker.number,
      session,
      task,
      attempt,
      cause,
      labels: [],
      failure: undefined,
    });
    // Order is kept: what follows stands in an event of its own.
    turn.open.delete(worker.number);
  }

  #takeTurn(turn: Turn): void {
    if (turn === this.#turn) this.#turn = undefined;
    for (const event of turn.events) this.#step(event);
    this.effort.messages += turn.events.length;
    this.effort.plans += 1;
    while (this.#step(PLAN)) this.effort.slices += 1;
    if (this.#orders.length > 0) {
      this.effort.messages += this.#orders.length;
      this.#queue.push(this.#nowMs + this.latencyMs, { type: "orders", orders: this.#orders });
      this.#orders = [];
    }
  }

  /** Whether the plan is to go on. */
  #step(event: SimulationEvent): boolean {
    let again = false;
    let sent = 0;
    for (const effect of this.scheduler.step(event, this.#nowMs)) {
      switch (effect.type) {
        case "planAgain":
          again = true;
          break;
        case "planAt":
          this.#queue.push(effect.atMs, { type: "tick" });
          break;
        case "assign":
          sent += effect.tasks.length;
          this.#orders.push(effect);
          break;
        case "promote":
        case "retract":
        case "stop":
          this.#orders.push(effect);
          break;
        case "dropWorker":
          throw new Error(`The simulated worker ${effect.worker} broke the protocol: ${effect.reason}.`);
        case "deliver":
        case "reject":
          this.effort.messages += 1;
          break;
        case "conclude":
          this.effort.messages += 1;
          this.#concluded(effect.session, effect.tasks);
          break;
        default:
          break;
      }
    }
    this.effort.longestStep = Math.max(this.effort.longestStep, sent);
    return again;
  }

  #concluded(session: number, tasks: readonly number[]): void {
    this.#left -= tasks.length;
    for (const task of tasks) this.work.ended(session, task, "failed", this.#nowMs);
  }
}

function addUse(used: number[], { use, totals }: Execution, sign: 1 | -1): void {
  for (const total of totals) use.add(used, total, sign);
}
