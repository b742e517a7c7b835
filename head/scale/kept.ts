/** What of the swarm survives its head: a note beside the journal. Its jobs are in the book. */

import { type Goal, readGoal } from "./goal.js";
import type { Pause, ScaleState } from "./state.js";

/** Where it is. */
export interface Keep {
  /** Undefined: nothing was written. */
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

/** The note. @param configured what was wanted when the head was started */
export function keptText(state: ScaleState, configured: Goal): string {
  const { goal, pause, quota, failedJobs, refusals, sinceMs, notBeforeMs } = state;
  return JSON.stringify({ configured, goal, pause, quota, failedJobs, refusals, sinceMs, notBeforeMs });
}

/**
 * What an earlier life of the head has left, put into a state.
 *
 * @param text what it has written
 * @param configured what is wanted now by the head's command line and configuration: if that was another then, it is newer
 * @returns undefined: nothing that counts
 */
export function withKept(
  state: ScaleState,
  text: string | undefined,
  configured: Goal,
): ScaleState | undefined {
  const note = parsed(text);
  const goal = readGoal(note?.goal);
  if (note === undefined || goal === undefined) return undefined;
  if (JSON.stringify(note.configured) !== JSON.stringify(configured)) return undefined;
  const { quota, pause } = note as { quota?: { left?: unknown; atMs?: unknown }; pause?: Partial<Pause> };
  return {
    ...state,
    goal,
    quota: { left: numberOr(quota?.left, 0), atMs: numberOr(quota?.atMs, 0) },
    failedJobs: numberOr(note.failedJobs, 0),
    refusals: numberOr(note.refusals, 0),
    sinceMs: numberOr(note.sinceMs, state.sinceMs),
    notBeforeMs: numberOr(note.notBeforeMs, 0),
    pause:
      typeof pause?.why === "string"
        ? { why: pause.why, logFile: pause.logFile, sinceMs: numberOr(pause.sinceMs, 0) }
        : undefined,
  };
}

function parsed(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}
