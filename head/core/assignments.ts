/**
 * The assignments of one plan, gathered into as few messages as their order allows.
 *
 * On one worker the tasks of a class keep their order, and what was granted goes before
 * what is sent ahead. Between classes there is none: what is granted starts at once, and
 * what is sent ahead by turns, task by task, travels, runs and comes back in blocks.
 */

import type { Assign } from "./effect.js";
import { reportMsOf } from "./pace.js";
import type { State } from "./state.js";
import type { Task } from "./task.js";
import type { TaskClass } from "./task-class.js";
import { limitsOf } from "./walltime.js";
import type { Worker } from "./worker.js";

/** What one worker gets of one class: the last assignment of either kind. */
interface Share {
  granted: Assign<unknown> | undefined;
  ahead: Assign<unknown> | undefined;
}

/** Gathers the assignments of one plan. */
export class Assignments {
  readonly #reportMs: number | undefined;
  readonly #shares = new Map<Worker, Map<TaskClass, Share>>();
  /** Workers that were granted something in this plan. */
  readonly granted = new Set<Worker>();

  constructor(private readonly state: State) {
    this.#reportMs = reportMsOf(state);
  }

  add(worker: Worker, task: Task, alternative: number, granted: boolean): void {
    const { session, spec } = task.class;
    // One that runs alone and asked for no gang need not know.
    const asked = session.classes.get(spec)!.shapes[alternative]!;
    const gang = asked.nodes > 0 ? task.gang : undefined;
    if (granted) this.granted.add(worker);
    const hardMs = learntHardMs(this.state, task, alternative);
    const share = this.#shareOf(worker, task.class);
    let assign = granted ? share.granted : share.ahead;
    if (
      assign === undefined ||
      assign.alternative !== alternative ||
      assign.hardMs !== hardMs ||
      (assign.gangs === undefined) !== (gang === undefined)
    ) {
      assign = newAssign(
        worker,
        task.class,
        { alternative, granted, hardMs, reportMs: this.#reportMs },
        gang !== undefined,
      );
      if (granted) share.granted = assign;
      else share.ahead = assign;
      this.state.effects.push(assign);
    }
    assign.tasks.push(task.number);
    assign.attempts.push(task.attempt);
    assign.sources.push(task.source);
    assign.indices.push(task.index);
    if (gang !== undefined) assign.gangs?.push(gang.map(({ number }) => number));
  }

  #shareOf(worker: Worker, cls: TaskClass): Share {
    let shares = this.#shares.get(worker);
    if (shares === undefined) {
      shares = new Map();
      this.#shares.set(worker, shares);
    }
    let share = shares.get(cls);
    if (share === undefined) {
      share = { granted: undefined, ahead: undefined };
      shares.set(cls, share);
    }
    return share;
  }
}

function newAssign(
  worker: Worker,
  { session, spec }: TaskClass,
  terms: Pick<Assign<unknown>, "alternative" | "granted" | "hardMs" | "reportMs">,
  isGang: boolean,
): Assign<unknown> {
  return {
    type: "assign",
    worker: worker.number,
    session: session.number,
    spec,
    ...terms,
    tasks: [],
    attempts: [],
    sources: [],
    indices: [],
    gangs: isGang ? [] : undefined,
  };
}

/** The hard walltime that the task's group has taught; 0: its demand's own is in force. */
function learntHardMs(state: State, task: Task, alternative: number): number {
  const shape = task.class.shapes[alternative]!;
  if (shape.group === "") return 0;
  const { hardMs, learnt } = limitsOf(state, shape);
  return learnt ? hardMs : 0;
}
