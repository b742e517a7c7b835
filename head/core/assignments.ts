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
  readonly worker: Worker;
  readonly class: TaskClass;
  granted: Assign<unknown> | undefined;
  ahead: Assign<unknown> | undefined;
}

/** Gathers the assignments of one plan. */
export class Assignments {
  readonly #reportMs: number | undefined;
  /** What was added to last: mostly that is what is added to next, and a plan for one task has no other. */
  #last: Share | undefined;
  /** All of them, from the second on. */
  #shares: Map<Worker, Map<TaskClass, Share>> | undefined;
  #granted: Set<Worker> | undefined;

  constructor(private readonly state: State) {
    this.#reportMs = reportMsOf(state);
  }

  add(worker: Worker, task: Task, alternative: number, granted: boolean): void {
    const { session, spec } = task.class;
    // One that runs alone and asked for no gang need not know.
    const asked = session.classes.get(spec)!.shapes[alternative]!;
    const gang = asked.nodes > 0 ? task.gang : undefined;
    if (granted) {
      this.#granted ??= new Set();
      this.#granted.add(worker);
    }
    const hardMs = learntHardMs(this.state, task, alternative);
    const share = this.#shareOf(worker, task.class);
    let assign = granted ? share.granted : share.ahead;
    if (
      assign === undefined ||
      assign.alternative !== alternative ||
      assign.hardMs !== hardMs ||
      (assign.gangs === undefined) !== (gang === undefined)
    ) {
      assign = {
        type: "assign",
        worker: worker.number,
        session: session.number,
        spec,
        alternative,
        granted,
        tasks: [],
        attempts: [],
        sources: [],
        indices: [],
        hardMs,
        gangs: gang === undefined ? undefined : [],
        reportMs: this.#reportMs,
      };
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

  /** Whether the worker was granted something in this plan. */
  hasGranted(worker: Worker): boolean {
    return this.#granted?.has(worker) === true;
  }

  #shareOf(worker: Worker, cls: TaskClass): Share {
    const last = this.#last;
    if (last !== undefined && last.worker === worker && last.class === cls) return last;
    if (last !== undefined && this.#shares === undefined) this.#keep(last);
    let share = this.#shares?.get(worker)?.get(cls);
    if (share === undefined) {
      share = { worker, class: cls, granted: undefined, ahead: undefined };
      if (last !== undefined) this.#keep(share);
    }
    this.#last = share;
    return share;
  }

  #keep(share: Share): void {
    this.#shares ??= new Map();
    const shares = this.#shares.get(share.worker);
    if (shares === undefined) this.#shares.set(share.worker, new Map([[share.class, share]]));
    else shares.set(share.class, share);
  }
}

/** The hard walltime that the task's group has taught; 0: its demand's own is in force. */
function learntHardMs(state: State, task: Task, alternative: number): number {
  const shape = task.class.shapes[alternative]!;
  if (shape.group === "") return 0;
  const { hardMs, learnt } = limitsOf(state, shape);
  return learnt ? hardMs : 0;
}
