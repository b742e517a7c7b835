/**
 * The end of an executor's processes after the executor itself has ended: what it left is told
 * to end, then ended, and nobody goes on before nothing of it is left.
 */

import type { Families } from "./family.js";
import { groupLives, signalGroup } from "./group.js";

/** How the end of a family is brought about. */
export interface Ending {
  readonly pid: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Its process group has had its SIGTERM. */
  wasTold: boolean;
  /** No grace: what is found is killed. */
  isForced: boolean;
}

/** The launcher, whose programs have been killed, removes its files; then it is killed too. */
const TIDY_MS = 2_000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/**
 * Ends what is left of an executor.
 *
 * @returns resolves when no process of it lives
 */
export async function endFamily(families: Families, id: number, ending: Ending): Promise<void> {
  const startedAtMs = performance.now();
  let told = false;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    families.look();
    if (!isLeft(families, id, ending.pid)) return;
    const killAtMs = startedAtMs + (ending.isForced ? 0 : ending.graceMs);
    const now = performance.now();
    if (now >= killAtMs) {
      killFamily(families, id, ending.pid, now >= killAtMs + TIDY_MS);
    } else if (!told) {
      told = true;
      if (!ending.wasTold) signalGroup(ending.pid, "SIGTERM");
      // Programs are ended by the launcher: some take a second SIGTERM for impatience.
      families.signal(id, "SIGTERM", "launcherAndPrograms", ending.pid);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Kills an executor and all that belongs to it, as of the last look; the launcher only if wanted. */
export function killFamily(families: Families, id: number, pid: number, withLauncher: boolean): void {
  signalGroup(pid, "SIGKILL");
  families.signal(id, "SIGKILL", withLauncher ? "nobody" : "launcher");
}

function isLeft(families: Families, id: number, pid: number): boolean {
  // Where processes cannot be listed, the group is what is known.
  if (process.platform !== "linux") return groupLives(pid);
  return (families.get(id)?.members.length ?? 0) > 0;
}
