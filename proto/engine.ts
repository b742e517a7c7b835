/**
 * Settings of Node.js for daemons, made before they do anything else.
 *
 * All that a scheduler does for a task becomes hot at the same time, with its first thousand tasks. Node.js 20 then
 * compiles most of it within a few milliseconds, on other threads, and on a machine with few cores
 * that takes more than half of what there is. So that waits until a process has worked for a while.
 * Measured in docs/performance.md, "The first tasks".
 */

import { setFlagsFromString } from "node:v8";

/** So much bytecode a function runs between two looks at whether to compile it, at first … */
const FIRST_BUDGET_BYTES = 400_000;
/** … and later: Node.js's own. */
const BUDGET_BYTES = 67_584;
/** At first: until it has used so much processor time beside that of its start … */
const FIRST_CPU_MS = 300;
/** … as far as it is asked. */
const LOOK_MS = 1_000;
/** Memory for new objects grows from 1 MiB to the most there is, 16 MiB, in one step instead of four. */
const GROWTH_FACTOR = 16;

/** Later ones have a compiler in between, and these settings were not measured there. */
const KNOWN = /^v20\./;

/** Compiles later at first, and makes room for new objects sooner. For daemons only: what executors run is the tasks'. */
export function settleDaemon(version = process.version): void {
  if (!KNOWN.test(version)) return;
  setFlagsFromString(`--interrupt-budget=${FIRST_BUDGET_BYTES}`);
  setFlagsFromString(`--semi-space-growth-factor=${GROWTH_FACTOR}`);
  const atStart = process.cpuUsage();
  const look = setInterval(() => {
    const { user, system } = process.cpuUsage(atStart);
    if (user + system < FIRST_CPU_MS * 1_000) return;
    clearInterval(look);
    setFlagsFromString(`--interrupt-budget=${BUDGET_BYTES}`);
  }, LOOK_MS);
  look.unref();
}
