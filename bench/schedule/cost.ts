/** What deciding costs: the core alone, timed. */

import { Driver, type Step } from "./driver.js";
import { median } from "./statistics.js";
import { Stopwatch } from "./stopwatch.js";

/** The cost of scheduling many tasks of some classes on some workers: medians of several runs. */
export interface Cost {
  readonly classes: number;
  readonly workers: number;
  readonly tasks: number;
  /** Submitting, planning and ending, over all tasks. */
  readonly usPerTask: number;
  /** Submitting alone. */
  readonly submitUsPerTask: number;
  /** Of the step that takes longest in most runs. */
  readonly longestStepMs: number;
  readonly longestEvent: string;
}

/** One run. */
interface Run {
  readonly submitMs: number;
  readonly totalMs: number;
  readonly steps: readonly Step[];
}

/** Submits so many tasks at once and runs them all, several times. */
export function costOfAll(tasks: number, classes: number, workers: number, runs: number): Cost {
  const all = Array.from({ length: runs }, () => runAll(tasks, classes, workers));
  const longest = longestStep(all.map(({ steps }) => steps));
  return {
    classes,
    workers,
    tasks,
    usPerTask: (median(all.map(({ totalMs }) => totalMs)) * 1_000) / tasks,
    submitUsPerTask: (median(all.map(({ submitMs }) => submitMs)) * 1_000) / tasks,
    longestStepMs: longest.tookMs,
    longestEvent: longest.event,
  };
}

function runAll(tasks: number, classes: number, workers: number): Run {
  collectGarbage();
  const driver = new Driver(classes, workers);
  const watch = new Stopwatch();
  driver.submit(tasks, classes);
  const submitMs = watch.lap();
  driver.work(tasks);
  const workMs = watch.lap();
  if (driver.finished !== tasks) throw new Error(`only ${driver.finished} of ${tasks} tasks ended`);
  return { submitMs, totalMs: submitMs + workMs, steps: driver.steps };
}

/**
 * Runs make the same steps. Of each step the median over the runs, so that what the machine
 * did once in between does not count, and what a step always does, does.
 */
function longestStep(runs: readonly (readonly Step[])[]): Step {
  let longest: Step = { event: "", tookMs: 0 };
  for (const [at, { event }] of runs[0]!.entries()) {
    const tookMs = median(runs.map((steps) => steps[at]?.tookMs ?? 0));
    if (tookMs > longest.tookMs) longest = { event, tookMs };
  }
  return longest;
}

const BLOCK = 5_000;
/** However many are queued, they have come in messages of one size: that decides in what order classes are served. */
const BLOCK_MESSAGE = 500;
const BLOCKS = 25;

/** Microseconds for one decision (plan and end) while about so many tasks are queued: the median of several blocks. */
export function decisionUs(queued: number, classes: number, workers: number): number {
  collectGarbage();
  const driver = new Driver(classes, workers);
  // Beside what runs at once, so that the queue is as long as it says all the time.
  driver.submit(queued + driver.slots, classes, BLOCK_MESSAGE);
  driver.work(BLOCK);
  const watch = new Stopwatch();
  const blocks: number[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    driver.submit(BLOCK, classes, BLOCK_MESSAGE);
    driver.plan();
    const before = driver.finished;
    watch.lap();
    driver.work(BLOCK);
    blocks.push((watch.lap() * 1_000) / (driver.finished - before));
  }
  return median(blocks);
}

/** Bytes of heap for each queued task, beside its payload. */
export function bytesPerTask(queued: number, classes: number): number {
  collectGarbage();
  const driver = new Driver(classes, 1);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  driver.submit(queued, classes);
  collectGarbage();
  const bytes = (process.memoryUsage().heapUsed - before) / queued;
  // Keeps it alive until here.
  if (driver.finished !== 0) throw new Error("nothing was to run");
  return bytes;
}

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error("start Node with --expose-gc");
  globalThis.gc();
}
