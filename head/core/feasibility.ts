/** Whether any worker, connected or started on demand, could ever run a class: said at once. */

import type { Verdict } from "./effect.js";
import { whyInfeasible } from "./infeasible.js";
import { COMPARISON, type PlanStep } from "./plan-step.js";
import { clearQueue, type State } from "./state.js";
import type { TaskClass } from "./task-class.js";

/** Looks at classes that are new, or whose workers changed; goes on where a step that ran out of budget stopped. */
export function judgeFeasibility(step: PlanStep): void {
  const { state } = step;
  if (state.workers.size === 0 && state.template === undefined) return;
  for (const cls of state.unjudged) {
    if (step.budget <= 0) return;
    state.unjudged.delete(cls);
    if (cls.warned || cls.queue.size === 0) continue;
    step.budget -= COMPARISON;
    const reason = whyInfeasible(state, cls);
    if (reason === undefined) continue;
    step.budget -= state.workers.size * cls.shapes.length;
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
  clearQueue(cls);
  cls.session.failed += tasks.length;
  cls.failed += tasks.length;
  const verdict: Verdict = { type: "infeasible", reason };
  state.effects.push({ type: "conclude", session: cls.session.number, spec: cls.spec, tasks, verdict });
}
