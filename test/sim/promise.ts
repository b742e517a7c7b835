/** What is promised of a cluster, and in which scenarios. */

import type fc from "fast-check";
import { toRequest } from "../../proto/resource/resource.js";
import type { Action } from "./action.js";
import type { Cluster } from "./cluster.js";
import { DEMANDS, type Scenario, scenario, verify } from "./scenario.js";

/** One promise. */
export interface Kept {
  readonly promise: string;
  readonly scenarios: fc.Arbitrary<Scenario>;
  /** Looks at a world that has come to its end; throws when something is wrong. */
  readonly judge: (cluster: Cluster) => void;
}

/** Whatever happens. */
export const ALWAYS: Kept = {
  promise: "ends every task exactly once, keeps every invariant, and leaves nothing behind",
  scenarios: scenario,
  judge: verify,
};

/** So far below the walltimes none is reached. */
const LONGEST_MEAN_MS = 30;

/** Each begins once, while workers and clients come back in time. */
export const ONCE: readonly Kept[] = [
  once("nothing fails", []),
  once("some are slow, or far away, and ends are told again", ["slow", "delay", "duplicate"]),
  once("links are cut, but never for too long", ["cut", "cutClient", "partition"]),
  once("links are cut and the head is killed again and again", [
    "cut",
    "cutClient",
    "partition",
    "duplicate",
    "killHead",
  ]),
];

function once(when: string, faults: readonly Action["type"][]): Kept {
  const kills = faults.includes("killHead");
  const scenarios = scenario.map((given) => ({
    ...given,
    failureRate: 0,
    meanRunMs: Math.min(given.meanRunMs, LONGEST_MEAN_MS),
    specs: given.specs.map((spec) => ({
      ...spec,
      failInfeasible: false,
      // What a gang or a limit is in the moment before a head is killed may run again.
      demand: kills && isShared(spec.demand) ? 0 : spec.demand,
      scale: Math.min(spec.scale, 1),
    })),
    actions: given.actions.filter(
      ([, action]) => isWork(action) || (faults.includes(action.type) && passes(action)),
    ),
  }));
  const judge = (cluster: Cluster) => {
    verify(cluster);
    const { started, clients, head } = cluster;
    // Of pauses that follow on each other the sum may be too long.
    if (started.length !== clients.ends.size && head.lost === 0)
      throw new Error(`${clients.ends.size} tasks began ${started.length} times`);
    for (const [task, [end]] of clients.ends)
      if (end !== "delivered") throw new Error(`task ${task} was ${end}, not delivered`);
  };
  return { promise: `runs each task once when ${when}`, scenarios, judge };
}

function isShared(demand: number): boolean {
  return toRequest(DEMANDS[demand]!).alternatives.some(({ nodes, limits }) => nodes > 0 || limits.length > 0);
}

function isWork(action: Action): boolean {
  return action.type === "submit" || (action.type === "join" && action.pool.remainingMs === undefined);
}

/** Nobody is given up, or reaches a walltime, because of it. */
function passes(action: Action): boolean {
  switch (action.type) {
    case "cut":
    case "partition":
      return action.ms < 500;
    case "cutClient":
      return action.ms < 2_000;
    case "slow":
      return action.times < 10;
    case "killHead":
      return action.clientsMs <= 100;
    default:
      return true;
  }
}
