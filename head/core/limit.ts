/** Cluster-wide limits: at most so many granted tasks of a named group at once. */

import type { Shape } from "./shape.js";
import type { State } from "./state.js";

/** Whether a cluster-wide limit forbids one more. */
export function limitReached(state: Readonly<State>, shape: Shape): boolean {
  return shape.limits.some(({ name, count }) => (state.limitsInUse.get(name) ?? 0) >= count);
}
