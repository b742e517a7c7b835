/** Processes of tasks whose worker has died, and its watchdog with it: found by their marks, and ended. */

import { hasEnded, marksIn, ownerOf } from "./marker.js";
import { listProcesses, readEnvironment } from "./table.js";

/**
 * Kills what workers that have died have left of this user's tasks on this machine.
 *
 * @returns the process ids of what was killed
 * @example
 * endOrphans() // []
 */
export function endOrphans(): number[] {
  const killed: number[] = [];
  const fates = new Map<string, boolean>();
  for (const { pid, ended } of listProcesses()) {
    if (ended || pid === process.pid) continue;
    // What cannot be read is another user's.
    const marks = marksIn(readEnvironment(pid) ?? "");
    if (!marks.some((mark) => isDead(mark, fates))) continue;
    try {
      process.kill(pid, "SIGKILL");
      killed.push(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  return killed;
}

function isDead(mark: string, fates: Map<string, boolean>): boolean {
  const owner = ownerOf(mark);
  if (owner === undefined) return false;
  const key = `${owner.namespace}.${owner.pid}.${owner.startTicks}`;
  let fate = fates.get(key);
  if (fate === undefined) {
    fate = hasEnded(owner);
    fates.set(key, fate);
  }
  return fate;
}
