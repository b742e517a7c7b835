/** What is asked for, with what the configuration says beside it. */

import type { Config } from "../../proto/config/config.js";
import { ConfigError } from "../../proto/errors.js";
import type { ScaleRequest } from "../../proto/grain.js";
import type { Goal } from "./goal.js";

/** More workers are taken for a mistake. */
export const MOST_WORKERS = 100_000;

/** A change of the goal. */
type Change = Extract<NonNullable<ScaleRequest["change"]>, { $case: "fixed" | "demand" }>;

/**
 * The goal that a request asks for.
 *
 * @throws ConfigError when it makes no sense
 */
export function goalOf(change: Change, scale: Config["scale"]): Goal {
  if (change.$case === "fixed") return checked({ type: "fixed", workers: change.fixed.workers });
  const { min = scale.min, max = scale.max, idleMs = scale.idleMs } = change.demand;
  if (max === undefined)
    throw new ConfigError(
      "How many workers there may be at most is not said; add --max, or `max` in [scale] of grain.toml.",
    );
  return checked({ type: "demand", min, max, idleMs });
}

/**
 * The goal that a configuration asks for.
 *
 * @param swarm what the command line says; undefined: nothing
 * @throws ConfigError when it makes no sense
 */
export function configuredGoal(
  swarm: number | undefined,
  { head, scale }: Pick<Config, "head" | "scale">,
): Goal {
  if (swarm !== undefined) return fixedOrOff(swarm);
  if (scale.max === undefined) return fixedOrOff(head.swarm ?? 0);
  if ((head.swarm ?? 0) > 0)
    throw new ConfigError(
      "Both `swarm` in [head] and `max` in [scale] are set: the one keeps a fixed number of workers, the other lets it follow the work; leave one out.",
    );
  const { min, max, idleMs } = scale;
  return checked({ type: "demand", min, max, idleMs });
}

function fixedOrOff(workers: number): Goal {
  return workers === 0 ? { type: "off" } : checked({ type: "fixed", workers });
}

function checked(goal: Goal): Goal {
  const most = goal.type === "demand" ? goal.max : goal.type === "fixed" ? goal.workers : 0;
  if (most > MOST_WORKERS)
    throw new ConfigError(`${most} workers are too many; at most ${MOST_WORKERS} can be asked for.`);
  if (goal.type !== "demand") return goal;
  if (goal.max < 1)
    throw new ConfigError(
      "At most 0 workers would never do any work; give --max a number from 1, or use --stop.",
    );
  if (goal.min <= goal.max) return goal;
  throw new ConfigError(
    `At least ${goal.min} workers and at most ${goal.max} do not go together; give --min no more than --max.`,
  );
}
