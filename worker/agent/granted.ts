/** An allocation as an executor is told of it. */

import type { Allocation } from "../../proto/resource/ledger.js";
import type { Gang, Granted } from "../executor/message.js";
import type { Task } from "./core/task.js";

/** Whether it has whole workers for itself. */
export function ownsWorkers({ nodes, plan }: Task): boolean {
  return nodes !== undefined || plan.class.demand.nodes > 0;
}

/**
 * What was granted to tasks; of those that are of a gang, or have a learnt limit, there is one at a time.
 *
 * @param gangOf makes the gang of a task that owns whole workers, of which it has so many cores here
 */
export function grantedOf(first: Task, allocation: Allocation, gangOf: (cores: number) => Gang): Granted {
  const { cores, gpus, memoryBytes, tokens, others } = allocation;
  return {
    cores: cores.map((grant) => grant.id),
    gpus: gpus.map((grant) => grant.id),
    memoryBytes,
    tokens: [...tokens],
    others: others.map(({ kind, amount }): [string, number] => [kind, amount]),
    hardMs: first.learntMs,
    gang: ownsWorkers(first) ? gangOf(cores.length) : undefined,
  };
}
