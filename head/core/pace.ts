/**
 * How often workers tell of tasks that have ended: a head takes so many messages a second,
 * however few tasks each is about. With many workers each is to say more at a time, while it
 * has enough to do; so it is also sent more ahead (prefetch.ts).
 */

import type { State } from "./state.js";

/** What a head takes of its workers together, with as much to spare for all else. */
const MESSAGES_PER_MS = 5;
/** So often may each report: there are few. */
const OWN_PACE_MS = 4;

/** The least time between two reports of one worker on which tasks wait; undefined: there are few workers. */
export function reportMsOf(state: Readonly<State>): number | undefined {
  const ms = Math.ceil(state.workers.size / MESSAGES_PER_MS);
  return ms > OWN_PACE_MS ? ms : undefined;
}
