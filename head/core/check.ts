/**
 * The invariants of core.ts, checked from nothing but the state. For tests and
 * simulations: after every step.
 */

import { limitReached } from "./limit.js";
import type { Line } from "./line.js";
import { mayUse, type Reservation } from "./reservation.js";
import type { Session } from "./session.js";
import type { Shape } from "./shape.js";
import { type State, shapeOf } from "./state.js";
import type { Task } from "./task.js";
import type { TaskClass } from "./task-class.js";
import { adjust, fits, type Worker } from "./worker.js";

/** Throws an Error that names the invariant which does not hold. `planned`: the last event completed a plan. */
export function check(state: Readonly<State>, planned: boolean): void {
  for (const worker of state.workers.values()) checkWorker(state, worker);
  for (const session of state.sessions.values()) checkSession(state, session);
  checkWaiting(state);
  checkLimits(state);
  checkTotals(state);
  for (const [worker, reservation] of state.reservations) checkReservation(state, worker, reservation);
  if (planned) checkPlanned(state);
  checkFull(state);
}

function must(holds: boolean, invariant: number, what: string): asserts holds {
  if (!holds) throw new Error(`Invariant ${invariant} does not hold: ${what}`);
}

function checkWorker(state: Readonly<State>, worker: Worker): void {
  const free = [...worker.total];
  const slots = new Map<Shape, number>();
  for (const task of worker.granted) {
    const placed = task.state;
    must(
      ownsResources(task) && "worker" in placed && placed.worker === worker,
      2,
      `${nameOf(task)} is ${placed.type}, not owning on ${worker.name}`,
    );
    const shape = shapeOf(task);
    adjust(free, worker, shape, state.kinds, -1);
    slots.set(shape, (slots.get(shape) ?? 0) + 1);
  }
  if (worker.heldBy !== undefined) checkHeld(state, worker, worker.heldBy, free);
  for (let kind = 0; kind < free.length; kind += 1) {
    must(
      (worker.free[kind] ?? 0) === free[kind],
      1,
      `${worker.name} has ${worker.free[kind]} of kind ${kind} free, not ${free[kind]}`,
    );
    must(free[kind]! >= 0, 1, `${worker.name} is over-committed in kind ${kind} by ${-free[kind]!}`);
  }
  must(
    slots.size === worker.slots.size,
    1,
    `${worker.name} counts slots of ${worker.slots.size} shapes, not ${slots.size}`,
  );
  for (const [shape, count] of worker.slots)
    must(slots.get(shape) === count, 1, `${worker.name} counts ${count} slots of ${shape.text}`);
  checkAhead(worker);
  const isClear = worker.mode === "suspect" || (!worker.away && worker.foreign.size === 0);
  must(isClear, 11, `${worker.name} gets new work though it is away, or has what no task stands for`);
}

/** A worker that a gang has for itself. */
function checkHeld(state: Readonly<State>, worker: Worker, holder: Task, free: number[]): void {
  const { gang } = holder;
  must(
    gang?.includes(worker) === true && ownsResources(holder),
    8,
    `${worker.name} is held by ${nameOf(holder)}, which does not know`,
  );
  must(
    state.sessions.get(holder.class.session.number)?.tasks.get(holder.number) === holder,
    8,
    `${worker.name} is held by ${nameOf(holder)}, which has ended`,
  );
  const first = worker.granted.has(holder);
  must(
    worker.granted.size === (first ? 1 : 0),
    8,
    `${worker.name} runs tasks beside ${nameOf(holder)}, a gang that has it`,
  );
  if (!first) adjust(free, worker, shapeOf(holder), state.kinds, -1);
}

function checkAhead(worker: Worker): void {
  let ahead = 0;
  for (const [cls, tasks] of worker.ahead) {
    must(tasks.size > 0, 2, `${worker.name} keeps an empty set of tasks sent ahead`);
    for (const task of tasks) {
      ahead += 1;
      const placed = task.state;
      must(
        "worker" in placed && !ownsResources(task) && placed.worker === worker && task.class === cls,
        2,
        `${nameOf(task)} is ${placed.type}, not ahead on ${worker.name}`,
      );
      const { limits, nodes } = shapeOf(task);
      must(limits.length === 0 && nodes === 0, 5, `${nameOf(task)} was sent ahead of a limit or gang`);
    }
  }
  must(
    ahead === worker.aheadCount,
    2,
    `${worker.name} counts ${worker.aheadCount} tasks ahead, not ${ahead}`,
  );
}

function ownsResources({ state }: Task): boolean {
  return state.type === "granted" || (state.type === "stopping" && state.holds);
}

function checkSession(state: Readonly<State>, session: Session): void {
  const held: number[] = [];
  let queued = 0;
  for (const { queue } of session.classes.values()) queued += queue.size;
  let placed = 0;
  let delayed = 0;
  for (const task of session.tasks.values()) {
    must(task.state.type !== "ended", 2, `${nameOf(task)} has ended and is still known`);
    if (task.state.type === "queued")
      must(task.class.queue.isPutBack(task.number), 2, `${nameOf(task)} is queued and in no queue`);
    must(session.batches.of(task.number) === undefined, 2, `${nameOf(task)} is known and waits in a batch`);
    if (task.state.type === "delayed") delayed += 1;
    if ("worker" in task.state) {
      placed += 1;
      checkPlaced(state, task, task.state.worker);
      const workers = task.gang ?? [task.state.worker];
      for (const each of workers) adjust(held, each, shapeOf(task), state.kinds, 1);
    } else must(task.gang === undefined, 8, `${nameOf(task)} is ${task.state.type} and has a gang`);
  }
  must(
    queued === session.queued && placed === session.placed && delayed === session.delayed,
    4,
    `session ${session.number} counts ${session.queued} queued, ${session.placed} placed and ${session.delayed} delayed, not ${queued}, ${placed} and ${delayed}`,
  );
  checkEnded(session);
  for (let kind = 0; kind < session.held.length; kind += 1) {
    must(
      (held[kind] ?? 0) === session.held[kind],
      4,
      `session ${session.number} holds ${held[kind] ?? 0} of kind ${kind}, not ${session.held[kind]}`,
    );
  }
  for (const cls of session.classes.values()) checkClass(state, cls);
}

/** What a client leaves behind is counted for its session as a whole. */
function checkEnded({ number, classes, closed, finished, failed }: Session): void {
  if (closed) return;
  const sum = { finished: 0, failed: 0 };
  for (const cls of classes.values()) {
    sum.finished += cls.finished;
    sum.failed += cls.failed;
  }
  must(
    sum.finished === finished && sum.failed === failed,
    4,
    `session ${number} counts ${finished} finished and ${failed} failed, its classes ${sum.finished} and ${sum.failed}`,
  );
}

function checkPlaced(state: Readonly<State>, task: Task, worker: Worker): void {
  const name = nameOf(task);
  must(state.workers.get(worker.number) === worker, 2, `${name} is on ${worker.name}, which is gone`);
  must(
    worker.granted.has(task) !== (worker.ahead.get(task.class)?.has(task) ?? false),
    2,
    `${name} is in two places of ${worker.name}, or none`,
  );
  const { nodes } = shapeOf(task);
  const { gang } = task;
  must((gang !== undefined) === nodes > 0, 8, `${name} asks for ${nodes} nodes and has ${gang?.length}`);
  if (gang === undefined) return;
  must(gang[0] === worker, 8, `${name} runs on ${worker.name}, not on the first of its gang`);
  // A worker that was lost is missing until the others are known to have stopped.
  const complete = task.state.type === "granted";
  must(complete ? gang.length === nodes : gang.length <= nodes, 8, `${name} has ${gang.length} workers`);
  for (const each of gang)
    must(
      each.heldBy === task && state.workers.get(each.number) === each,
      8,
      `${name} has ${each.name} in its gang, which is gone or not held`,
    );
}

function checkClass(state: Readonly<State>, cls: TaskClass): void {
  const { level, line, queue, shapes, spec } = cls;
  const waiting = [...queue];
  must(
    waiting.length === queue.size,
    2,
    `the queue of spec ${spec} counts ${queue.size}, not ${waiting.length}`,
  );
  must(new Set(waiting).size === waiting.length, 2, `a task is twice in the queue of spec ${spec}`);
  const waits = waiting.length > 0;
  must(level.waiting.has(cls) === waits, 3, `spec ${spec} waits at its level with ${waiting.length} tasks`);
  must([...line].includes(cls) === waits, 3, `spec ${spec} waits in its line with ${waiting.length} tasks`);
  for (const shape of shapes)
    must(shape.waiting.has(cls) === waits, 3, `spec ${spec} waits at ${shape.text}`);
  must(queue.next === waiting[0], 2, `the queue of spec ${spec} has ${queue.next} before its first`);
  for (const number of waiting) {
    const task = cls.session.tasks.get(number);
    const owner = task?.state.type === "queued" ? task.class : cls.session.batches.of(number)?.class;
    must(owner === cls, 2, `task ${cls.session.number}.${number} waits in spec ${spec} and is not known`);
  }
  checkLine(state, line);
}

function checkLine(state: Readonly<State>, line: Line): void {
  const waits = line.size > 0;
  must(line.level.lines.has(line) === waits, 3, `a line of ${line.size} classes waits at its level`);
  for (const shape of line.shapes)
    must(shape.lines.has(line) === waits, 3, `a line of ${line.size} classes waits at ${shape.text}`);
  if (waits) must(line.waitingSinceMs <= state.nowMs, 3, "a line waits since a time to come");
}

function checkWaiting(state: Readonly<State>): void {
  let ahead = 0;
  for (const worker of state.workers.values()) ahead += worker.aheadCount;
  must(ahead === state.aheadCount, 2, `${state.aheadCount} tasks are counted ahead, not ${ahead}`);
  for (const level of state.levels) {
    for (const { session } of level.waiting)
      must(
        state.sessions.get(session.number) === session,
        3,
        `a class of session ${session.number}, which is gone, waits`,
      );
    for (const { session } of level.lines)
      must(
        state.sessions.get(session.number) === session,
        3,
        `a line of session ${session.number}, which is gone, waits`,
      );
  }
  const retracting = new Map<Shape, number>();
  for (const worker of state.workers.values()) {
    for (const [cls, tasks] of worker.ahead) {
      for (const task of tasks) {
        if (task.state.type !== "retracting") continue;
        const shape = cls.shapes[task.state.alternative]!;
        retracting.set(shape, (retracting.get(shape) ?? 0) + 1);
      }
    }
  }
  must(sameCounts(retracting, state.retracting), 2, "the tasks asked back are not those counted");
}

function checkLimits(state: Readonly<State>): void {
  const used = new Map<string, number>();
  const most = new Map<string, number>();
  for (const worker of state.workers.values()) {
    for (const task of worker.granted) {
      for (const { name, count } of shapeOf(task).limits) {
        used.set(name, (used.get(name) ?? 0) + 1);
        most.set(name, Math.max(most.get(name) ?? 0, count));
      }
    }
  }
  // Whoever was granted last found less than its own count in use, and that is at most the largest one.
  for (const [name, count] of used)
    must(count <= most.get(name)!, 5, `${count} tasks of limit ${name} ${most.get(name)} are granted`);
  must(sameCounts(used, state.limitsInUse), 5, "limits count something else than what is granted");
}

/** Whether two counts are the same; what is missing counts as 0. */
function sameCounts<K>(a: ReadonlyMap<K, number>, b: ReadonlyMap<K, number>): boolean {
  return (
    [...a].every(([key, count]) => b.get(key) === count) &&
    [...b].every(([key, count]) => (a.get(key) ?? 0) === count)
  );
}

/** What is kept beside the tasks so that it need not be counted. */
function checkTotals(state: Readonly<State>): void {
  const total: number[] = [];
  for (const worker of state.workers.values())
    worker.total.forEach((amount, kind) => {
      total[kind] = (total[kind] ?? 0) + amount;
    });
  state.clusterTotal.forEach((amount, kind) => {
    must(
      amount === (total[kind] ?? 0),
      9,
      `the cluster counts ${amount} of kind ${kind}, not ${total[kind] ?? 0}`,
    );
  });
  const open = new Map<Shape, number>();
  for (const session of state.sessions.values())
    for (const { shapes } of session.classes.values())
      for (const shape of shapes) open.set(shape, (open.get(shape) ?? 0) + 1);
  for (const shape of state.shapes.all())
    must(shape.open === (open.get(shape) ?? 0), 9, `${shape.text} counts ${shape.open} open classes`);
  for (const worker of [...state.freed, ...state.touched])
    must(state.workers.get(worker.number) === worker, 9, `${worker.name} is to be looked at and is gone`);
  for (const { session, spec } of [...state.fresh, ...state.asking, ...state.unjudged])
    must(state.sessions.has(session.number), 9, `spec ${spec} of a session that is gone is to be looked at`);
}

function checkReservation(state: Readonly<State>, worker: Worker, reservation: Reservation): void {
  const { workers, shape, line } = reservation;
  must(workers.includes(worker), 10, `${worker.name} is reserved for ${shape.text}, which does not know`);
  must(
    workers.length === Math.max(shape.nodes, 1) && new Set(workers).size === workers.length,
    10,
    `${workers.length} workers are reserved for ${shape.text}`,
  );
  must(
    line.shapes.includes(shape),
    10,
    `${worker.name} is reserved for ${shape.text}, which is not asked for`,
  );
  for (const other of state.reservations.values())
    must(other === reservation || other.line !== line, 10, `${shape.text} has two reservations`);
}

function checkPlanned(state: Readonly<State>): void {
  for (const level of state.levels) {
    for (const cls of level.waiting) {
      for (const shape of cls.shapes) {
        if (limitReached(state, shape)) continue;
        const fitting = [...state.workers.values()].filter(
          (worker) => fits(state, worker, shape) && couldUse(state, cls, shape, worker),
        );
        must(
          fitting.length < Math.max(shape.nodes, 1),
          6,
          `${shape.text} of session ${cls.session.number} waits and fits on ${fitting.map(({ name }) => name).join(", ")}`,
        );
      }
    }
  }
  for (const [worker, { workers, line, shape }] of state.reservations) {
    must(state.workers.get(worker.number) === worker, 10, `${worker.name} is reserved and gone`);
    must(line.size > 0, 10, `${worker.name} is reserved for ${shape.text}, for which nobody waits`);
    for (const each of workers)
      must(state.reservations.has(each), 10, `${each.name} of a reserved gang is not reserved`);
  }
  must(state.asking.size === 0, 9, "a complete plan left somebody asking others to make way");
  const unjudged = state.workers.size === 0 ? 0 : state.unjudged.size;
  must(
    state.freed.size + state.fresh.size + unjudged === 0,
    9,
    "a complete plan left something to be looked at",
  );
}

/** Whether the plan had to see that the class may use the worker. */
function couldUse(state: Readonly<State>, cls: TaskClass, shape: Shape, worker: Worker): boolean {
  const reservation = state.reservations.get(worker);
  if (reservation === undefined || reservation.line === cls.line) return true;
  // With ageing, whoever places a task in the plan is less urgent from then on than it was before.
  if (state.options.ageingMs < Number.POSITIVE_INFINITY) return false;
  return mayUse(state, cls, shape, worker);
}

function checkFull(state: Readonly<State>): void {
  for (const shape of state.shapes.all()) {
    if (!shape.full) continue;
    for (const worker of state.workers.values()) {
      if (state.freed.has(worker) || state.reservations.has(worker)) continue;
      must(!fits(state, worker, shape), 7, `${shape.text} is marked full and fits on ${worker.name}`);
    }
  }
}

function nameOf(task: Task): string {
  return `task ${task.class.session.number}.${task.number}`;
}
