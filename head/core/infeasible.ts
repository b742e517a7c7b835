/** Why no connected worker could ever run something, however long it waits. */

import { type Demand, formatDemand } from "../../proto/resource/demand.js";
import { misfits } from "../../proto/resource/pool.js";
import type { Shape } from "./shape.js";
import type { State } from "./state.js";
import type { TaskClass } from "./task-class.js";
import { misfitsOf } from "./template.js";
import { softOf } from "./walltime.js";
import { couldFit, type Worker } from "./worker.js";

/** Why one alternative can never be given. */
export interface Never {
  /** A phrase for each thing missing, never empty. */
  readonly reasons: readonly string[];
  /** The worker that comes closest; undefined: every one would do, there are too few. */
  readonly closest: string | undefined;
}

/** More alternatives than these are not spelled out. */
const SPELLED_OUT = 3;

/**
 * Why the connected workers could never give a shape, even if they ran nothing else, nor those that are started on demand.
 *
 * @returns undefined when one could; of a gang, when enough of them could
 */
export function neverFits(state: Readonly<State>, shape: Shape): Never | undefined {
  const needed = Math.max(shape.nodes, 1);
  let able = 0;
  for (const worker of state.workers.values()) {
    if (couldFit(state, worker, shape)) able += 1;
    if (able >= needed) return undefined;
  }
  const { template } = state;
  if (template !== undefined) {
    const reasons = misfitsOf(state, template, shape);
    if (reasons.length === 0) return undefined;
    if (state.workers.size === 0) return { reasons, closest: "a new worker" };
  }
  const near = nearestMiss(state, shape);
  const reasons = [...(near?.missing ?? [])];
  if (shape.nodes > 0) {
    const nodes = shape.nodes === 1 ? "1 node" : `${shape.nodes} nodes`;
    const { size } = state.workers;
    const there =
      near === undefined ? `${size} worker${size === 1 ? "" : "s"} there` : `${able} of ${size} would do`;
    reasons.unshift(`${nodes} asked, ${there}`);
  } else if (reasons.length === 0) reasons.push("no workers connected");
  return { reasons, closest: near?.worker.name };
}

interface Miss {
  readonly worker: Worker;
  readonly missing: readonly string[];
  /** In parts of what is asked for. */
  readonly shortBy: number;
}

/** Of the workers that could not, the one that lacks least. */
function nearestMiss(state: Readonly<State>, shape: Shape): Miss | undefined {
  const { walltime } = shape.demand;
  const demand: Demand =
    walltime === undefined
      ? shape.demand
      : { ...shape.demand, walltime: { ...walltime, softMs: softOf(state, shape) } };
  let best: Miss | undefined;
  for (const worker of state.workers.values()) {
    if (couldFit(state, worker, shape)) continue;
    const remainingMs =
      worker.endsAtMs === Number.POSITIVE_INFINITY ? undefined : Math.max(0, worker.endsAtMs - state.nowMs);
    const missing = misfits(demand, { ...worker.pool, remainingMs });
    const miss = { worker, missing, shortBy: shortBy(worker, shape) };
    if (best === undefined || isNearer(miss, best)) best = miss;
  }
  return best;
}

function isNearer(a: Miss, b: Miss): boolean {
  if (a.missing.length !== b.missing.length) return a.missing.length < b.missing.length;
  return a.shortBy < b.shortBy;
}

function shortBy(worker: Worker, shape: Shape): number {
  let sum = 0;
  shape.kinds.forEach((kind, i) => {
    sum += Math.max(0, 1 - (worker.total[kind] ?? 0) / shape.amounts[i]!);
  });
  return sum;
}

/**
 * Why no connected worker could ever run a class, for people, without a stop at the end.
 *
 * @returns undefined when one could; e.g. "64 cores asked, 16 there (on w3, the closest of 5 workers)"
 */
export function whyInfeasible(state: Readonly<State>, cls: Pick<TaskClass, "shapes">): string | undefined {
  const texts: string[] = [];
  for (const shape of cls.shapes) {
    const never = neverFits(state, shape);
    if (never === undefined) return undefined;
    const text = neverText(never, state.workers.size);
    texts.push(cls.shapes.length === 1 ? text : `for ${formatDemand(shape.demand)}: ${text}`);
  }
  const more = texts.length - SPELLED_OUT;
  if (more > 1) texts.splice(SPELLED_OUT, more, `nor any of ${more} further alternatives`);
  return texts.join("; ");
}

/** One alternative's reasons, for people. */
export function neverText({ reasons, closest }: Never, workers: number): string {
  const text = reasons.join(", ");
  if (closest === undefined) return text;
  if (workers === 0) return `${text} (on ${closest})`;
  return `${text} (on ${closest}${workers === 1 ? ", the only worker" : `, the closest of ${workers} workers`})`;
}
