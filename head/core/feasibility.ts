/** Whether any connected worker could ever run a class: said at once. */

import { whyInfeasible } from "./infeasible.js";
import { finishTask, type State } from "./state.js";
import type { TaskClass } from "./task-class.js";

/** Looks at classes that are new, or whose workers changed. */
export function judgeFeasibility(state: State): void {
  if (state.workers.size === 0) return;
  for (const cls of state.fresh) {
    if (cls.warned || cls.queue.size === 0) continue;
    const reason = whyInfeasible(state, cls);
    if (reason === undefined) continue;
    const wanted = cls.shapes.map((shape) => shape.text).join(" or ");
    if (cls.failInfeasible) fail(state, cls, `no connected worker could ever give ${wanted}: ${reason}`);
    else {
      cls.warned = true;
      state.effects.push({ type: "warn", session: cls.session.number, spec: cls.spec, wanted, reason });
    }
  }
}

function fail(state: State, cls: TaskClass, reason: string): void {
  const tasks = [...cls.queue];
  for (const task of tasks) finishTask(state, task);
  cls.session.failed += tasks.length;
  state.effects.push({
    type: "conclude",
    session: cls.session.number,
    tasks: tasks.map((task) => task.number),
    verdict: { type: "infeasible", reason },
  });
}
