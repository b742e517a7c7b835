/** What an agent has, as a head is told to which its worker comes back. */

import type { Execution, Held } from "../../proto/grain.js";
import type { AgentState } from "./core/state.js";
import type { Task } from "./core/task.js";

/** Every task that has not ended here, and the sessions of which anything is known. */
export function heldBy(state: AgentState): Held {
  const executions = new Map<number, Execution>();
  for (const task of state.byKey.values()) {
    const { session, plan } = task;
    let execution = executions.get(session);
    if (execution === undefined) {
      execution = { session, tasks: [], attempts: [], alternatives: [], started: [], gangs: [] };
      executions.set(session, execution);
    }
    if (task.nodes !== undefined)
      execution.gangs.push({ index: execution.tasks.length, nodes: [...task.nodes] });
    execution.tasks.push(task.task);
    execution.attempts.push(task.attempt);
    execution.alternatives.push(plan.spec.plans.indexOf(plan));
    execution.started.push(ownsResources(task));
  }
  const sessions = new Set(executions.keys());
  for (const { session } of state.specs.values()) sessions.add(session);
  return { executions: [...executions.values()], sessions: [...sessions] };
}

/** Whether the head has given it resources, or has been told that it took some over. */
function ownsResources({ phase }: Task): boolean {
  if (phase.type === "ahead") return phase.wish === "grant";
  return phase.type !== "waiting";
}
