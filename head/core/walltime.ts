/**
 * Walltimes: how long a task may run, and how long its worker must still live.
 *
 * The limits of a group are learnt from its runs: after 8 runs of at least 10 s,
 * hard = mean + 5 standard deviations, soft = mean + 2 (Welford's running variance).
 * They replace the limits that were asked for.
 */

import type { Shape } from "./shape.js";
import type { State } from "./state.js";

/** Shorter runs teach nothing. */
const TEACHING_MS = 10_000;
const ENOUGH_RUNS = 8;
const HARD_DEVIATIONS = 5;
const SOFT_DEVIATIONS = 2;

/** What has been learnt of a group. */
export interface GroupRuns {
  runs: number;
  meanMs: number;
  /** Sum of squared differences from the mean. */
  squaresMs: number;
}

/** Takes a run into account. */
export function learn(state: State, shape: Shape, runMs: number): void {
  if (shape.group === "" || runMs < TEACHING_MS) return;
  let group = state.groups.get(shape.group);
  if (group === undefined) {
    group = { runs: 0, meanMs: 0, squaresMs: 0 };
    state.groups.set(shape.group, group);
  }
  group.runs += 1;
  const before = runMs - group.meanMs;
  group.meanMs += before / group.runs;
  group.squaresMs += before * (runMs - group.meanMs);
  if (group.runs < ENOUGH_RUNS) return;
  // What needed more time than any worker had left may need less now.
  for (const other of state.shapes.all()) if (other.group === shape.group) other.full = false;
}

/** The limits in force for a shape; 0: none. `learnt`: they are its group's. */
export function limitsOf(
  state: Readonly<State>,
  shape: Shape,
): { hardMs: number; softMs: number; learnt: boolean } {
  const group = shape.group === "" ? undefined : state.groups.get(shape.group);
  if (group === undefined || group.runs < ENOUGH_RUNS) {
    return { hardMs: shape.hardMs, softMs: shape.softMs, learnt: false };
  }
  const deviationMs = Math.sqrt(group.squaresMs / (group.runs - 1));
  return {
    hardMs: group.meanMs + HARD_DEVIATIONS * deviationMs,
    softMs: group.meanMs + SOFT_DEVIATIONS * deviationMs,
    learnt: true,
  };
}

/** How long the worker must still live to be given the shape. */
export function softOf(state: Readonly<State>, shape: Shape): number {
  return shape.group === "" ? shape.softMs : limitsOf(state, shape).softMs;
}
