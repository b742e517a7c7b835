/** Plays random scenarios until it is enough, or one fails: then says which, and how to repeat it. */

import fc from "fast-check";
import type { Cluster } from "./cluster.js";
import type { Kept } from "./promise.js";
import { describeScenario, play, type Scenario } from "./scenario.js";

const SCENARIOS_PER_BATCH = 50;

/** What has been played so far. */
export interface Progress {
  scenarios: number;
  /** Events given to the core, plans among them. */
  events: number;
  /** Of them those that planned. */
  plans: number;
  tasks: number;
  executions: number;
  /** How often a head was killed. */
  kills: number;
  /** Links that were cut and came back. */
  resumed: number;
}

export interface SoakOptions extends Pick<Kept, "scenarios" | "judge"> {
  /** How many scenarios. */
  readonly atLeast: number;
  /** The first scenario's; each batch has the next one. */
  readonly seed: number;
}

/** Nothing yet. */
export function nothingPlayed(): Progress {
  return { scenarios: 0, events: 0, plans: 0, tasks: 0, executions: 0, kills: 0, resumed: 0 };
}

/**
 * Plays so many scenarios; throws an Error with the shrunk scenario of the first failure.
 *
 * @param soFar is added to
 */
export function soak(options: SoakOptions, soFar = nothingPlayed()): Progress {
  const { atLeast, scenarios, judge } = options;
  const property = fc.property(scenarios, (given) => {
    const cluster = play(given);
    judge(cluster);
    count(soFar, cluster);
  });
  let { seed } = options;
  for (let played = 0; played < atLeast; played += SCENARIOS_PER_BATCH) {
    const details = fc.check(property, { seed, numRuns: SCENARIOS_PER_BATCH });
    if (details.failed) throw new Error(explain(details));
    seed += 1;
  }
  return soFar;
}

function count(soFar: Progress, cluster: Cluster): void {
  soFar.scenarios += 1;
  soFar.events += cluster.steps;
  soFar.plans += cluster.head.plans;
  soFar.tasks += cluster.clients.ends.size;
  soFar.executions += cluster.started.length;
  soFar.kills += cluster.head.life - 1;
  soFar.resumed += cluster.resumed;
}

function explain(details: fc.RunDetails<[Scenario]>): string {
  const found = details.counterexample?.[0];
  const cause = details.errorInstance;
  return [
    `seed ${details.seed}, path "${details.counterexamplePath}", after ${details.numShrinks} shrinks:`,
    found === undefined ? "" : describeScenario(found),
    cause instanceof Error ? cause.stack : String(cause),
  ].join("\n");
}
