/**
 * Combining demands: several kinds become one demand, one kind twice is refused,
 * and alternatives multiply out.
 */

import { formatDuration } from "../duration.js";
import { askedTwice, checkAlternatives, checkDemand } from "./canonical.js";
import type { Demand } from "./demand.js";

/**
 * Asks for both demands at once. Commutative and associative; amounts of zero are kept,
 * so that a kind named with zero counts as named.
 *
 * @throws ResourceError when both ask for one kind, or the kinds cannot be combined
 */
export function mergeDemands(a: Demand, b: Demand): Demand {
  if (a.allCores && b.allCores) throw askedTwice("cores", "all cores", "all cores");
  if (a.nodes > 0 && b.nodes > 0) throw askedTwice("nodes", String(a.nodes), String(b.nodes));
  if (a.walltime !== undefined && b.walltime !== undefined)
    throw askedTwice("wtime", formatDuration(a.walltime.hardMs), formatDuration(b.walltime.hardMs));
  return checkDemand({
    amounts: [...a.amounts, ...b.amounts],
    tokens: [...a.tokens, ...b.tokens],
    walltime: a.walltime ?? b.walltime,
    allCores: a.allCores || b.allCores,
    nodes: a.nodes + b.nodes,
    limits: [...a.limits, ...b.limits],
    coreLayout: a.coreLayout || b.coreLayout,
  });
}

/**
 * Every alternative of the one with every alternative of the other. The preference of the
 * first counts most: (a or b) with (c or d) is ac, ad, bc, bd.
 *
 * @throws ResourceError when some pair cannot be combined, or there are too many
 */
export function mergeAlternatives(left: readonly Demand[], right: readonly Demand[]): Demand[] {
  checkAlternatives(left.length * right.length);
  return left.flatMap((a) => right.map((b) => mergeDemands(a, b)));
}
