/**
 * The scheduler core: a synchronous state machine. Events in, effects out.
 *
 * It does no I/O, reads no clock and draws no random number; time is an argument.
 * Its job is to decide which task runs where and to keep count. Not its job: the
 * wire, values, durability, people.
 *
 * Invariants (checked by check.ts after every step in tests):
 * 1. a worker's free amounts are its total less what granted tasks own, never negative;
 * 2. a task is in exactly one place: its queue, sent ahead, owning resources, or ended;
 * 3. a class waits at its level and its shapes exactly while its queue has tasks;
 * 4. a session's counts and held amounts are those of its tasks;
 * 5. cluster-wide limits are never exceeded, and count what is granted;
 * 6. after a complete plan, nothing waits that fits on some worker which is not kept free for others;
 * 7. a shape marked full fits on no worker that is not reserved and has not been freed since the last plan;
 * 8. a gang has all of its workers for itself, and counts beside tasks (slots, sent ahead, asked back) are right;
 * 9. a line is in the sets of its level and shapes exactly while a class waits in it;
 * 10. after a complete plan, workers are reserved only for lines that wait, and a gang's all at once;
 * 11. a worker gets nothing new while it is away, or has what no task stands for.
 */

import { NumberedTable } from "../../proto/numbered-table.js";
import { BatchTable } from "./batch-table.js";
import type { Effect } from "./effect.js";
import {
  cancel,
  cancelAll,
  closeIfDone,
  onFailed,
  onFinished,
  onReturned,
  onStarted,
  onWorkerLost,
} from "./end.js";
import type { HeadEvent, SpecDefined, Submitted, WorkerJoined } from "./event.js";
import { foreignEnded, forgetForeign, shareForeign } from "./foreign.js";
import { DEFAULT_OPTIONS, type SchedulingOptions } from "./options.js";
import { plan } from "./plan.js";
import { onLearnt, onRecovered } from "./recovered.js";
import { release } from "./reservation.js";
import { onWorkerResumed, onWorkerSuspect } from "./resume.js";
import type { Session } from "./session.js";
import { vectorOf } from "./shape.js";
import { enqueue, lookAt, newState, type State } from "./state.js";
import { newClass } from "./task-class.js";
import { templateOf } from "./template.js";
import { CoreView } from "./view.js";
import { type Worker, WorkerStates } from "./worker.js";

/** The scheduler. `Source`, `Result` and `Failure` are opaque to it. */
export class Core<Source, Result, Failure> {
  readonly #state: State;
  /** What a shell, a test or a person may look at. */
  readonly view: CoreView;

  /** @param options what is not given has its default */
  constructor(options: Partial<SchedulingOptions> = {}) {
    this.#state = newState({ ...DEFAULT_OPTIONS, ...options });
    this.view = new CoreView(this.#state);
  }

  /**
   * Takes one event and says what is to be done.
   *
   * @param event what happened; of a session or worker that is not known (any more): ignored
   * @param nowMs the time, in milliseconds from any fixed point; never goes back
   * @returns effects, in the order in which they are to be carried out
   */
  step(event: HeadEvent<Source, Result, Failure>, nowMs: number): Effect<Source, Result, Failure>[] {
    const state = this.#state;
    state.nowMs = nowMs;
    apply(state, event);
    if (state.effects.length === 0) return [];
    const effects = state.effects as Effect<Source, Result, Failure>[];
    state.effects = [];
    return effects;
  }
}

function apply(state: State, event: HeadEvent<unknown, unknown, unknown>): void {
  switch (event.type) {
    case "sessionOpened":
      state.sessions.set(event.session, {
        number: event.session,
        name: event.name,
        prioritized: event.prioritized,
        priority: event.priority,
        weight: state.options.weights.get(event.name) ?? 1,
        classes: new Map(),
        lines: new Map(),
        batches: new BatchTable(),
        tasks: new NumberedTable(),
        held: [],
        aheadTurn: 0,
        closed: false,
        queued: 0,
        delayed: 0,
        placed: 0,
        finished: 0,
        failed: 0,
      });
      return;
    case "specDefined":
      return onSpecDefined(state, event);
    case "submitted":
      return onSubmitted(state, event);
    case "cancelRequested": {
      const session = state.sessions.get(event.session);
      if (session !== undefined) cancel(state, session, event.tasks, event.by);
      return;
    }
    case "sessionClosed": {
      const session = state.sessions.get(event.session);
      if (session === undefined || session.closed) return;
      session.closed = true;
      cancelAll(state, session);
      return closeIfDone(state, session);
    }
    case "workerJoined":
      return onWorkerJoined(state, event);
    case "recovered":
      return onRecovered(state, event);
    case "learnt":
      return onLearnt(state, event);
    case "templateChanged":
      state.template = event.template === undefined ? undefined : templateOf(event.template, state.kinds);
      return lookAgain(state);
    case "planDue":
      return plan(state);
    default:
      return ofWorker(state, event);
  }
}

type WorkerEvent = Extract<HeadEvent<unknown, unknown, unknown>, { worker: number }>;

function ofWorker(state: State, event: Exclude<WorkerEvent, WorkerJoined>): void {
  const worker = state.workers.get(event.worker);
  if (worker === undefined) return;
  switch (event.type) {
    case "workerLeaving":
      if (worker.mode === "suspect") worker.resumesAs = "leaving";
      else worker.mode = "leaving";
      return;
    case "workerSuspect":
      return onWorkerSuspect(worker);
    case "workerResumed":
      onWorkerResumed(state, worker, event);
      return lookAgain(state);
    case "workerPressed":
      return onWorkerPressed(state, worker, event.pressed);
    case "workerLost":
      changeClusterTotal(state, worker, -1);
      forgetForeign(state, worker);
      onWorkerLost(state, worker, event.planned);
      return lookAgain(state);
    case "started":
      return onStarted(state, worker, event);
    case "finished":
      foreignEnded(state, worker, event.session, event.tasks, event.attempts);
      return onFinished(state, worker, event);
    case "failed":
      foreignEnded(state, worker, event.session, [event.task], [event.attempt]);
      return onFailed(state, worker, event);
    case "returned":
      foreignEnded(state, worker, event.session, event.tasks, event.attempts);
      return onReturned(state, worker, event);
    default:
      return event satisfies never;
  }
}

function onSpecDefined(state: State, event: SpecDefined): void {
  const session = state.sessions.get(event.session);
  if (session === undefined || session.classes.has(event.spec)) return;
  const level = state.levels.of(session.prioritized, session.priority + event.priority);
  const shapes = event.request.alternatives.map((demand) => state.shapes.of(demand));
  const { retries, failInfeasible } = event;
  session.classes.set(
    event.spec,
    newClass(state, session, { spec: event.spec, level, shapes, retries, failInfeasible, alone: false }),
  );
}

function onSubmitted(state: State, event: Submitted<unknown>): void {
  const session = state.sessions.get(event.session);
  const cls = session?.classes.get(event.spec);
  if (session === undefined || cls === undefined || session.closed) return;
  const { source, first: base } = event;
  for (const [first, end] of unknownOf(session, base, base + event.count)) {
    enqueue(state, { class: cls, first, end, next: first, source, base, dropped: undefined });
  }
}

/** The ranges of these numbers that are not in use. */
function unknownOf(session: Session, first: number, end: number): [first: number, end: number][] {
  if (first >= session.batches.end) return first < end ? [[first, end]] : [];
  const ranges: [number, number][] = [];
  for (let number = first; number < end; number += 1) {
    if (session.tasks.has(number) || session.batches.of(number) !== undefined) continue;
    const last = ranges.at(-1);
    if (last?.[1] === number) last[1] = number + 1;
    else ranges.push([number, number + 1]);
  }
  return ranges;
}

function onWorkerJoined(state: State, event: WorkerJoined): void {
  const total = vectorOf(event.pool, state.kinds);
  const worker: Worker = {
    number: event.worker,
    name: event.name,
    pool: event.pool,
    total,
    free: [...total],
    tokens: new Set(event.pool.tokens),
    endsAtMs:
      event.pool.remainingMs === undefined ? Number.POSITIVE_INFINITY : state.nowMs + event.pool.remainingMs,
    mode: event.returning === true ? "suspect" : "ready",
    resumesAs: "ready",
    returning: event.returning === true,
    away: event.returning === true,
    foreign: new Set(),
    pressed: false,
    granted: new Set(),
    ahead: new Map(),
    aheadCount: 0,
    heardMs: state.nowMs,
    heldBy: undefined,
    slots: new Map(),
    finished: 0,
    states: new WorkerStates(() => worker),
  };
  state.workers.set(worker.number, worker);
  shareForeign(state, worker);
  changeClusterTotal(state, worker, 1);
  state.freed.add(worker);
  state.touched.add(worker);
  lookAgain(state);
}

/** It starts nothing beside what runs; that its tasks go back is its own affair. */
function onWorkerPressed(state: State, worker: Worker, pressed: boolean): void {
  if (worker.pressed === pressed) return;
  worker.pressed = pressed;
  if (!pressed) {
    state.freed.add(worker);
    state.touched.add(worker);
    return;
  }
  // Whoever it is kept free for may get its turn sooner elsewhere.
  const reservation = state.reservations.get(worker);
  if (reservation !== undefined) release(state, reservation);
}

/** The workers have changed: what is feasible, and what is worth sending ahead, may have too. */
function lookAgain(state: State): void {
  state.largeWanted = undefined;
  for (const level of state.levels) for (const cls of level.waiting) lookAt(state, cls);
}

function changeClusterTotal(state: State, worker: Worker, sign: 1 | -1): void {
  for (let kind = 0; kind < worker.total.length; kind += 1) {
    state.clusterTotal[kind] = (state.clusterTotal[kind] ?? 0) + sign * worker.total[kind]!;
  }
}
