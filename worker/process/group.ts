/** Process groups of executors. */

/**
 * Signals a process group.
 *
 * @returns whether there was one
 */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether there is such a group; one of zombies counts. */
export function groupLives(group: number): boolean {
  return signalGroup(group, 0);
}
