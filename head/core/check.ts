/**
 * The invariants of core.ts, checked from nothing but the state. For tests and
 * simulations: after every step.
 */

import { limitReached } from "./limit.js";
import { mayUse } from "./reservation.js";
import type { Session } from "./session.js";
import { type State, shapeOf } from "./state.js";
import type { Task } from "./task.js";
import { adjust, fits, type Worker } from "./worker.js";

/** Throws an Error that names the invariant which does not hold. `planned`: the last event was a plan. */
export function check(state: Readonly<State>, planned: boolean): void {
  for (const worker of state.workers.values()) checkWorker(state, worker);
  for (const session of state.sessions.values()) checkSession(state, session);
  checkWaiting(state);
  checkLimits(state);
  if (planned) checkPlanned(state);
  checkFull(state);
}

function must(holds: boolean, invariant: number, what: string): void {
  if (!holds) throw new Error(`Invariant ${invariant} does not hold: ${what}`);
}

function checkWorker(state: Readonly<State>, worker: Worker): void {
  const free = [...worker.total];
  const slots = new Map<unknown, number>();
  for (const task of worker.granted) {
    const placed = task.state;
    const owns = placed.type === "granted" || (placed.type === "stopping" && placed.holds);
    must(
      owns && "worker" in placed && placed.worker === worker,
      2,
      `${nameOf(task)} is ${placed.type}, not owning on ${worker.name}`,
    );
    if (!("alternative" in placed)) continue;
    const shape = task.class.shapes[placed.alternative]!;
    adjust(free, worker, shape, state.kinds, -1);
    slots.set(shape, (slots.get(shape) ?? 0) + 1);
  }
  if (worker.heldBy !== undefined && !worker.granted.has(worker.heldBy)) {
    must(worker.granted.size === 0, 1, `${worker.name} runs tasks beside the gang that has it`);
    must(
      worker.heldBy.gang?.includes(worker) === true,
      2,
      `${worker.name} is held by ${nameOf(worker.heldBy)}, which does not know`,
    );
    adjust(free, worker, shapeOf(worker.heldBy), state.kinds, -1);
  }
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
  let ahead = 0;
  for (const [cls, tasks] of worker.ahead) {
    must(tasks.size > 0, 2, `${worker.name} keeps an empty set of tasks sent ahead`);
    for (const task of tasks) {
      ahead += 1;
      const placed = task.state;
      const waits =
        placed.type === "ahead" ||
        placed.type === "retracting" ||
        (placed.type === "stopping" && !placed.holds);
      must(
        waits && "worker" in placed && placed.worker === worker && task.class === cls,
        2,
        `${nameOf(task)} is ${placed.type}, not ahead on ${worker.name}`,
      );
    }
  }
  must(
    ahead === worker.aheadCount,
    2,
    `${worker.name} counts ${worker.aheadCount} tasks ahead, not ${ahead}`,
  );
}

function checkSession(state: Readonly<State>, session: Session): void {
  const held: number[] = [];
  let queued = 0;
  let placed = 0;
  for (const task of session.tasks.values()) {
    must(task.state.type !== "ended", 2, `${nameOf(task)} has ended and is still known`);
    if (task.state.type === "queued") queued += 1;
    if (!("worker" in task.state)) continue;
    placed += 1;
    const { worker, alternative } = task.state;
    must(
      state.workers.get(worker.number) === worker,
      2,
      `${nameOf(task)} is on ${worker.name}, which is gone`,
    );
    must(
      worker.granted.has(task) !== (worker.ahead.get(task.class)?.has(task) ?? false),
      2,
      `${nameOf(task)} is in two places of ${worker.name}, or none`,
    );
    for (const each of task.gang ?? [worker])
      adjust(held, each, task.class.shapes[alternative]!, state.kinds, 1);
  }
  must(
    queued === session.queued && placed === session.placed,
    4,
    `session ${session.number} counts ${session.queued} queued and ${session.placed} placed, not ${queued} and ${placed}`,
  );
  for (let kind = 0; kind < session.held.length; kind += 1) {
    must(
      (held[kind] ?? 0) === session.held[kind],
      4,
      `session ${session.number} holds ${held[kind] ?? 0} of kind ${kind}, not ${session.held[kind]}`,
    );
  }
  for (const cls of session.classes.values()) {
    const waiting = [...cls.queue];
    must(
      waiting.length === cls.queue.size,
      2,
      `the queue of spec ${cls.spec} counts ${cls.queue.size}, not ${waiting.length}`,
    );
    must(new Set(waiting).size === waiting.length, 2, `a task is twice in the queue of spec ${cls.spec}`);
    must(
      cls.level.waiting.has(cls) === waiting.length > 0,
      3,
      `spec ${cls.spec} waits at its level with ${waiting.length} tasks`,
    );
    for (const shape of cls.shapes)
      must(shape.waiting.has(cls) === waiting.length > 0, 3, `spec ${cls.spec} waits at ${shape.text}`);
  }
}

function checkWaiting(state: Readonly<State>): void {
  let ahead = 0;
  for (const worker of state.workers.values()) ahead += worker.aheadCount;
  must(ahead === state.aheadCount, 2, `${state.aheadCount} tasks are counted ahead, not ${ahead}`);
  for (const level of state.levels) {
    for (const cls of level.waiting)
      must(
        state.sessions.get(cls.session.number) === cls.session,
        3,
        `a class of session ${cls.session.number}, which is gone, waits`,
      );
  }
}

function checkLimits(state: Readonly<State>): void {
  const used = new Map<string, number>();
  for (const worker of state.workers.values()) {
    for (const task of worker.granted) {
      if (!("alternative" in task.state)) continue;
      for (const { name, count } of task.class.shapes[task.state.alternative]!.limits) {
        used.set(name, (used.get(name) ?? 0) + 1);
        must(
          used.get(name)! <= Math.max(count, state.limitsInUse.get(name) ?? 0),
          5,
          `limit ${name} is exceeded`,
        );
      }
    }
  }
  for (const [name, count] of state.limitsInUse)
    must((used.get(name) ?? 0) === count, 5, `limit ${name} counts ${count}, not ${used.get(name) ?? 0}`);
}

function checkPlanned(state: Readonly<State>): void {
  for (const level of state.levels) {
    for (const cls of level.waiting) {
      for (const shape of cls.shapes) {
        if (limitReached(state, shape)) continue;
        const fitting = [...state.workers.values()].filter(
          (worker) => fits(state, worker, shape) && mayUse(state, cls, shape, worker),
        );
        must(
          fitting.length < Math.max(shape.nodes, 1),
          6,
          `${shape.text} of session ${cls.session.number} waits and fits on ${fitting.map(({ name }) => name).join(", ")}`,
        );
      }
    }
  }
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
