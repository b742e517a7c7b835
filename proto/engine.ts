/**
 * Settings of Node.js for daemons, made before they do anything else.
 *
 * All that is done for a task becomes hot at the same time, with the first thousand tasks. Node.js 20 then
 * compiles most of it within a few milliseconds, on other threads, and on a machine with few cores
 * that takes more than half of what there is. So that waits until a daemon has worked for a while, and
 * its first full garbage collection, which would come then as well, is made while it has nothing else to do.
 * Measured in docs/performance.md, "The first tasks".
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** So much bytecode a function runs between two looks at whether to compile it, at first … */
const FIRST_BUDGET_BYTES = 400_000;
/** … and later: Node.js's own. */
const BUDGET_BYTES = 67_584;
/** At first: until so much processor time went into work … */
const FIRST_CPU_MS = 150;
/** … which is what is used while it is at least this part of the time that passes. */
const BUSY = 0.1;
/** Memory for new objects grows from 1 MiB to the most there is, 16 MiB, in one step instead of four. */
const GROWTH_FACTOR = 16;
/** Garbage is collected once no more processor time was used … */
const IDLE_CPU_MS = 10;
/** … in so long … */
const IDLE_LOOK_MS = 100;
/** … or never, when so much was used before: Node.js has done it then, and there may be much to look through. */
const START_CPU_MS = 400;

/** Later ones have a compiler in between, and these settings were not measured there. */
const KNOWN = /^v20\./;

/** A daemon in its first tasks. */
interface Beginner {
  /** Processor time since its start. */
  readonly usedMs: () => number;
  workedMs: number;
  /** As of the last look. */
  lookedAtMs: number;
  usedBeforeMs: number;
}

let beginner: Beginner | undefined;

/** Compiles later at first, makes room for new objects sooner, and collects garbage once it has started. For daemons only: what executors run is the tasks'. */
export function settleDaemon(version = process.version): void {
  if (!KNOWN.test(version)) return;
  setFlagsFromString(`--semi-space-growth-factor=${GROWTH_FACTOR}`);
  compileLater();
  collectWhenIdle();
}

/** To be called when something arrives that is to be done: settings for the first tasks end with these. */
export function reviewSettings(): void {
  if (beginner === undefined) return;
  const nowMs = performance.now();
  const usedMs = beginner.usedMs();
  const usedSinceMs = usedMs - beginner.usedBeforeMs;
  if (usedSinceMs >= (nowMs - beginner.lookedAtMs) * BUSY) beginner.workedMs += usedSinceMs;
  beginner.lookedAtMs = nowMs;
  beginner.usedBeforeMs = usedMs;
  if (beginner.workedMs < FIRST_CPU_MS) return;
  beginner = undefined;
  setFlagsFromString(`--interrupt-budget=${BUDGET_BYTES}`);
}

function compileLater(): void {
  setFlagsFromString(`--interrupt-budget=${FIRST_BUDGET_BYTES}`);
  const usedMs = stopwatch();
  // What its start takes is not counted: nothing arrives before it has ended.
  beginner = { usedMs, workedMs: 0, lookedAtMs: Number.NEGATIVE_INFINITY, usedBeforeMs: 0 };
}

function collectWhenIdle(): void {
  const usedMs = stopwatch();
  let beforeMs = 0;
  const look = setInterval(() => {
    const nowMs = usedMs();
    const isIdle = nowMs - beforeMs <= IDLE_CPU_MS;
    beforeMs = nowMs;
    if (!isIdle && nowMs < START_CPU_MS) return;
    clearInterval(look);
    if (isIdle) garbageCollection()?.();
  }, IDLE_LOOK_MS);
  look.unref();
}

/** V8's garbage collection, which it gives to contexts that are made while a flag is set. */
export function garbageCollection(): NodeJS.GCFunction | undefined {
  if (globalThis.gc !== undefined) return globalThis.gc;
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("globalThis.gc") as NodeJS.GCFunction | undefined;
  setFlagsFromString("--no-expose-gc");
  return gc;
}

/** Tells how much processor time this process has used since now, in milliseconds. */
function stopwatch(): () => number {
  const atStart = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(atStart);
    return (user + system) / 1_000;
  };
}
