/** What decides in a simulation: the real core, or a baseline to compare it with. */

import { Core } from "../core/core.js";
import type { Effect } from "../core/effect.js";
import type { HeadEvent } from "../core/event.js";
import { POLICY_NAMES, type PolicyName, type SchedulingOptions } from "../core/options.js";
import { Fifo } from "./baseline/fifo.js";
import { FirstFit } from "./baseline/first-fit.js";
import { Greedy } from "./baseline/greedy.js";

export type SimulationEvent = HeadEvent<undefined, undefined, undefined>;
export type SimulationEffect = Effect<undefined, undefined, undefined>;

/** The part of the core that a simulated cluster needs. */
export interface Scheduler {
  step(event: SimulationEvent, nowMs: number): SimulationEffect[];
}

/** The policies of the core, and the baselines. */
export type SimulatedPolicy = PolicyName | "fifo" | "first-fit" | "greedy";

/** Every policy that can be simulated. */
export const SIMULATED_POLICIES: readonly SimulatedPolicy[] = [
  ...POLICY_NAMES,
  "fifo",
  "first-fit",
  "greedy",
];

/** Makes what decides. Options are the core's; baselines have none. */
export function makeScheduler(policy: SimulatedPolicy, options: Partial<SchedulingOptions>): Scheduler {
  switch (policy) {
    case "fifo":
      return new Fifo();
    case "first-fit":
      return new FirstFit();
    case "greedy":
      return new Greedy();
    default:
      return new Core<undefined, undefined, undefined>({ ...options, policy });
  }
}
