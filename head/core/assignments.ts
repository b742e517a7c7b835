/** The assignments of one plan, gathered into as few messages as their order allows. */

import type { Assign } from "./effect.js";
import type { State } from "./state.js";
import type { Task } from "./task.js";
import { limitsOf } from "./walltime.js";
import type { Worker } from "./worker.js";

/** Gathers the assignments of one plan. */
export class Assignments {
  readonly #last = new Map<Worker, Assign<unknown>>();
  /** Workers that were granted something in this plan. */
  readonly granted = new Set<Worker>();

  constructor(private readonly state: State) {}

  add(worker: Worker, task: Task, alternative: number, granted: boolean): void {
    const { session, spec } = task.class;
    // One that runs alone and asked for no gang need not know.
    const asked = session.classes.get(spec)!.shapes[alternative]!;
    const gang = asked.nodes > 0 ? task.gang : undefined;
    if (granted) this.granted.add(worker);
    const hardMs = learntHardMs(this.state, task, alternative);
    let assign = this.#last.get(worker);
    if (
      assign === undefined ||
      assign.spec !== spec ||
      assign.session !== session.number ||
      assign.granted !== granted ||
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
      };
      this.#last.set(worker, assign);
      this.state.effects.push(assign);
    }
    assign.tasks.push(task.number);
    assign.attempts.push(task.attempt);
    assign.sources.push(task.source);
    assign.indices.push(task.index);
    if (gang !== undefined) assign.gangs?.push(gang.map(({ number }) => number));
  }
}

/** The hard walltime that the task's group has taught; 0: its demand's own is in force. */
function learntHardMs(state: State, task: Task, alternative: number): number {
  const shape = task.class.shapes[alternative]!;
  if (shape.group === "") return 0;
  const { hardMs, learnt } = limitsOf(state, shape);
  return learnt ? hardMs : 0;
}
