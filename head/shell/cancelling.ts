/** Ends tasks because somebody other than their program wants that. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { CancelAnswer, CancelQuery } from "../../proto/grain.js";
import type { CoreView } from "../core/view.js";
import type { Loop } from "./loop.js";

/** Others are served between slices of so many. */
const SLICE = 5_000;

/**
 * Cancels a task, or all of a session that have not ended.
 *
 * @param by told to the program, e.g. "by ada@rack7"
 * @returns how many; known is false when there are none such
 */
export async function cancelTasks(
  loop: Loop,
  view: CoreView,
  { session, task, by }: CancelQuery,
): Promise<CancelAnswer> {
  if (view.session(session) === undefined) return { known: false, tasks: 0 };
  if (task !== undefined) {
    const known = view.explain(session, task).type !== "unknown";
    if (known) loop.step({ type: "cancelRequested", session, tasks: [task], by });
    return { known, tasks: known ? 1 : 0 };
  }
  const tasks = view.openTasks(session);
  for (let from = 0; from < tasks.length; from += SLICE) {
    if (from > 0) await nextTurn();
    loop.step({ type: "cancelRequested", session, tasks: tasks.slice(from, from + SLICE), by });
  }
  return { known: true, tasks: tasks.length };
}
