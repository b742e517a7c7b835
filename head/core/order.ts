/** The order among classes of one level: whose turn it is. */

import { dominantShare } from "./session.js";
import type { State } from "./state.js";
import type { TaskClass } from "./task-class.js";

/** Whose turn it is: what came back first, then the session that holds least, then the order of submission. */
export function nextClass(state: State, candidates: readonly TaskClass[]): number {
  let best = 0;
  if (candidates.length === 1) return best;
  for (let at = 1; at < candidates.length; at += 1) {
    if (goesBefore(state, candidates[at]!, candidates[best]!)) best = at;
  }
  return best;
}

function goesBefore(state: State, a: TaskClass, b: TaskClass): boolean {
  if (a.queue.hasReturned !== b.queue.hasReturned) return a.queue.hasReturned;
  if (a.session !== b.session) {
    const difference =
      dominantShare(a.session, state.clusterTotal) - dominantShare(b.session, state.clusterTotal);
    return difference === 0 ? a.session.number < b.session.number : difference < 0;
  }
  return a.queue.peek()!.number < b.queue.peek()!.number;
}
