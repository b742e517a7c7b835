/** Plays random scenarios until so many events have happened, or one fails: then says which, and how to repeat it. */

import fc from "fast-check";
import type { Cluster } from "./cluster.js";
import { describeScenario, play, type Scenario, scenario, verify } from "./scenario.js";

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
}

export interface SoakOptions {
  /** How many events, plans not among them, at least. */
  readonly events: number;
  /** The first scenario's; each batch has the next one. */
  readonly seed: number;
  /** Default: all that `scenario` makes up. */
  readonly scenarios?: fc.Arbitrary<Scenario>;
  /** Looks at a world that has come to its end; throws when something is wrong. Default: `verify`. */
  readonly judge?: (cluster: Cluster) => void;
  /** Called after every batch. */
  readonly progress?: (soFar: Progress) => void;
}

/** Plays until the events have happened; throws an Error with the shrunk scenario of the first failure. */
export function soak(options: SoakOptions): Progress {
  const { events, scenarios = scenario, judge = verify } = options;
  const soFar: Progress = { scenarios: 0, events: 0, plans: 0, tasks: 0, executions: 0 };
  const property = fc.property(scenarios, (given) => {
    const cluster = play(given);
    judge(cluster);
    count(soFar, cluster);
  });
  for (let { seed } = options; soFar.events - soFar.plans < events; seed += 1) {
    const details = fc.check(property, { seed, numRuns: SCENARIOS_PER_BATCH });
    if (details.failed) throw new Error(explain(details));
    options.progress?.(soFar);
  }
  return soFar;
}

function count(soFar: Progress, cluster: Cluster): void {
  soFar.scenarios += 1;
  soFar.events += cluster.steps;
  for (const { event } of cluster.driver.events) if (event.type === "planDue") soFar.plans += 1;
  soFar.tasks += cluster.clients.ends.size;
  soFar.executions += cluster.started.length;
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
