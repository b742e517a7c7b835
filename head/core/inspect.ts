/** What people ask of one session: its functions, what waits longest, what has not ended. One pass over what is open. */

import type { Session } from "./session.js";
import type { State } from "./state.js";
import type { TaskClass } from "./task-class.js";
import { whyWaiting } from "./why-waiting.js";

/** The calls of one spec. */
export interface FunctionView {
  readonly spec: number;
  readonly demand: string;
  readonly prioritized: boolean;
  readonly priority: number;
  readonly queued: number;
  /** Failed, and queued again later. */
  readonly delayed: number;
  /** Sent ahead to a worker, not started. */
  readonly ahead: number;
  /** They own resources; those that are being ended among them. */
  readonly running: number;
  readonly finished: number;
  readonly failed: number;
  /** In microseconds, of recent runs; undefined: none has ended. */
  readonly meanUs: number | undefined;
  /** Why they wait; empty: none does. */
  readonly why: string;
}

interface Placed {
  delayed: number;
  ahead: number;
  running: number;
}

/** The functions of a session that have been called. */
export function functionsOf(state: Readonly<State>, session: Session): FunctionView[] {
  const placed = placedOf(session);
  const bySpec = new Map<number, TaskClass[]>();
  for (const cls of session.classes.values()) {
    const classes = bySpec.get(cls.spec);
    if (classes === undefined) bySpec.set(cls.spec, [cls]);
    else classes.push(cls);
  }
  const views: FunctionView[] = [];
  for (const classes of bySpec.values()) {
    const view = functionView(state, classes, placed);
    const { queued, delayed, ahead, running, finished, failed } = view;
    if (queued + delayed + ahead + running + finished + failed > 0) views.push(view);
  }
  return views;
}

/** @param classes of one spec: its own, and that of those of its calls that run alone */
function functionView(
  state: Readonly<State>,
  classes: readonly TaskClass[],
  placed: ReadonlyMap<TaskClass, Placed>,
): FunctionView {
  const [main] = classes as readonly [TaskClass, ...TaskClass[]];
  const sum = (amount: (cls: TaskClass) => number) => classes.reduce((total, cls) => total + amount(cls), 0);
  const waiting = classes.find(({ queue }) => queue.size > 0);
  const timed = classes.find(({ estimate }) => estimate.runs > 0);
  return {
    spec: main.spec,
    demand: main.shapes.map(({ text }) => text).join(" or "),
    prioritized: main.level.prioritized,
    priority: main.level.priority,
    queued: sum(({ queue }) => queue.size),
    delayed: sum((cls) => placed.get(cls)?.delayed ?? 0),
    ahead: sum((cls) => placed.get(cls)?.ahead ?? 0),
    running: sum((cls) => placed.get(cls)?.running ?? 0),
    finished: sum(({ finished }) => finished),
    failed: sum(({ failed }) => failed),
    meanUs: timed?.estimate.meanUs,
    why: waiting === undefined ? "" : whyWaiting(state, waiting),
  };
}

function placedOf(session: Session): Map<TaskClass, Placed> {
  const placed = new Map<TaskClass, Placed>();
  for (const { class: cls, state } of session.tasks.values()) {
    let counts = placed.get(cls);
    if (counts === undefined) {
      counts = { delayed: 0, ahead: 0, running: 0 };
      placed.set(cls, counts);
    }
    if (state.type === "delayed") counts.delayed += 1;
    else if (state.type === "granted" || (state.type === "stopping" && state.holds)) counts.running += 1;
    else if ("worker" in state) counts.ahead += 1;
  }
  return placed;
}

/** The next task of each line, in the order in which they were submitted. */
export function oldestWaiting({ lines }: Session): number[] {
  const oldest: number[] = [];
  for (const line of lines.values()) {
    const next = line.size === 0 ? undefined : line.first().queue.next;
    if (next !== undefined) oldest.push(next);
  }
  return oldest.sort((a, b) => a - b);
}

/** The numbers of tasks that have not ended: first what waits, from behind, so that it does not start meanwhile. */
export function openTasks({ classes, tasks }: Session): number[] {
  const waiting: number[] = [];
  for (const { queue } of classes.values()) for (const number of queue) waiting.push(number);
  waiting.sort((a, b) => b - a);
  for (const task of tasks.values()) if (task.state.type !== "queued") waiting.push(task.number);
  return waiting;
}
