/** Does a cluster harm while programs run on it, then looks whether anything was lost, left or repeated. */

import { setTimeout as pause } from "node:timers/promises";
import { Random } from "../sim/random.js";
import type { Ends } from "./calls.js";
import { Cluster, LEASE_MS, type Program } from "./cluster.js";
import { Faults, type FaultTimes, MORTAL_WORKERS } from "./faults.js";
import { Growth } from "./growth.js";

export interface ChaosOptions {
  /** Calls of all programs together. */
  readonly tasks: number;
  /** How long harm is done. */
  readonly forMs: number;
  readonly seed: number;
  /** Told what happens, a line each. */
  readonly say: (line: string) => void;
}

/** How it went. */
export interface Outcome {
  /** What is wrong; empty: nothing is. */
  readonly complaints: string[];
  readonly summary: string[];
  /** Where the logs are kept, if anything is wrong. */
  readonly logs: string | undefined;
}

const PROGRAMS = 2;
const FAULT_EVERY_MS = 1_000;
/** After the last fault everything has ended within this, or it never does. */
const SETTLE_MS = 120_000;
const END_MS = 30_000;
/** Programs spread their calls over this part of the time. */
const BUSY = 0.9;
/** Above this there is time for faults that outlast what the head waits for. */
const LONG_MS = 240_000;
const LONG: FaultTimes = { stopMs: 20_000, halfOpenMs: 15_000, delayMs: 10_000 };
const SHORT: FaultTimes = { stopMs: 6_000, halfOpenMs: 5_000, delayMs: 5_000 };

/** Plays it through. */
export async function chaos(options: ChaosOptions): Promise<Outcome> {
  const cluster = new Cluster();
  const complaints: string[] = [];
  const summary: string[] = [];
  let logs: string | undefined;
  try {
    await play(cluster, options, complaints, summary);
  } catch (error) {
    complaints.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    complaints.push(
      ...cluster.deaths,
      ...cluster.logged(/breaks the protocol|counted more messages|Uncaught|unhandled/),
    );
    if (complaints.length > 0) logs = cluster.keepLogs();
    await cluster.close();
  }
  return { complaints, summary, logs };
}

async function play(
  cluster: Cluster,
  { tasks, forMs, seed, say }: ChaosOptions,
  complaints: string[],
  summary: string[],
): Promise<void> {
  const growth = new Growth();
  await cluster.startHead();
  for (let i = 0; i <= MORTAL_WORKERS; i += 1) await cluster.addWorker();
  for (const { running } of cluster.workers) await running.until(/Joined the head/);
  const each = Math.ceil(tasks / PROGRAMS);
  for (let salt = 0; salt < PROGRAMS; salt += 1)
    await cluster.addProgram([String(each), String(forMs * BUSY), String(salt)]);
  const startedAt = performance.now();
  const faults = new Faults(cluster, new Random(seed), forMs >= LONG_MS ? LONG : SHORT);
  await harm(cluster, faults, growth, { forMs, say });
  faults.heal();
  say("healed");
  await bounded(Promise.all(cluster.programs.map(({ running }) => running.ended)), SETTLE_MS, () => {
    const stand = cluster.programs.map(({ running }) => running.stdout.trim().split("\n").at(-1));
    return `the programs have not ended ${SETTLE_MS / 1_000} s after the last fault; they said: ${stand.join("; ")}`;
  });
  const tookMs = performance.now() - startedAt;
  const ends = cluster.programs.map((program) => endsOf(program, each, complaints));
  complaints.push(...growth.complaints());
  summary.push(...summarize(ends, tookMs, faults, cluster, growth));
  await leaveNothing(cluster, complaints);
}

/** A fault each second, until the time is over or a program has ended. */
async function harm(
  cluster: Cluster,
  faults: Faults,
  growth: Growth,
  { forMs, say }: Pick<ChaosOptions, "forMs" | "say">,
): Promise<void> {
  const startedAt = performance.now();
  const elapsedMs = () => performance.now() - startedAt;
  let ended = false;
  for (const { running } of cluster.programs) {
    void running.ended.then(() => {
      ended = true;
    });
  }
  for (let dueMs = FAULT_EVERY_MS; !ended; dueMs += FAULT_EVERY_MS) {
    dueMs = Math.max(dueMs, elapsedMs());
    if (dueMs > forMs) return;
    await pause(dueMs - elapsedMs());
    growth.look("spared worker", cluster.workers[0]!.running.child.pid!);
    for (const [i, { running }] of cluster.programs.entries())
      growth.look(`program ${i + 1}`, running.child.pid!);
    const stand = cluster.programs.map(({ running }) => /(\d+) ended\n$/.exec(running.stdout)?.[1] ?? "0");
    say(`${(elapsedMs() / 1_000).toFixed(1)} s: ${await faults.next()} (${stand.join(" + ")} ended)`);
  }
}

/** What a program saw; what is wrong with it goes to the complaints. */
function endsOf({ running }: Program, expected: number, complaints: string[]): Ends {
  const { exitCode, signalCode, pid } = running.child;
  if (exitCode !== 0)
    complaints.push(`program ${pid} ended with ${exitCode ?? signalCode}:\n${running.stderr}`);
  const last = running.stdout.trim().split("\n").at(-1) ?? "";
  if (!last.startsWith("{")) return { calls: 0, wrong: [], twice: 0, attempts: {} };
  const ends = JSON.parse(last) as Ends;
  complaints.push(...ends.wrong);
  if (ends.calls !== expected) complaints.push(`${ends.calls} calls ended instead of ${expected}`);
  if (ends.twice > 0) complaints.push(`${ends.twice} calls ended again`);
  return ends;
}

/** Nothing is in the journal any more, and nothing of the daemons is left when they have ended. */
async function leaveNothing(cluster: Cluster, complaints: string[]): Promise<void> {
  // A program that was cut off when it ended could not say so.
  await bounded(
    cluster.empty(),
    LEASE_MS + END_MS,
    () => "sessions of programs that have ended are still there",
  );
  await cluster.killHead();
  await cluster.startHead();
  const recovered = /recovered \d+ sessions?.*/.exec(cluster.head.stderr);
  if (recovered !== null)
    complaints.push(`of programs that have ended the journal still has: ${recovered[0]}`);
  for (const { running, name } of cluster.workers) {
    const joined = cluster.head.until(new RegExp(`worker "${name}" (is back|joined)`));
    await bounded(
      joined,
      END_MS,
      () => `worker ${name} (pid ${running.child.pid}) did not come back at last`,
    );
  }
  await bounded(cluster.end(), END_MS, () => `the daemons have not ended within ${END_MS / 1_000} s`);
  const isOver = async () => {
    while (cluster.processes().length > 0) await pause(50);
  };
  await bounded(isOver(), END_MS, () => `processes are left: ${cluster.processes().join("; ")}`);
  for (const file of cluster.files()) complaints.push(`left behind: ${file}`);
}

function summarize(
  ends: readonly Ends[],
  tookMs: number,
  faults: Faults,
  cluster: Cluster,
  growth: Growth,
): string[] {
  const calls = ends.reduce((sum, { calls }) => sum + calls, 0);
  const attempts = new Map<number, number>();
  for (const end of ends)
    for (const [attempt, count] of Object.entries(end.attempts))
      attempts.set(Number(attempt), (attempts.get(Number(attempt)) ?? 0) + count);
  const list = (of: Iterable<readonly [unknown, number]>) =>
    [...of].map(([what, count]) => `${what}: ${count}`).join(", ");
  return [
    `${calls} calls ended in ${(tookMs / 1_000).toFixed(0)} s, on ${cluster.headLives} lives of the head`,
    `faults: ${list(faults.done)}`,
    `results by attempt: ${list([...attempts].sort(([a], [b]) => a - b))}`,
    growth.toString(),
  ];
}

async function bounded<T>(work: Promise<T>, ms: number, late: () => string): Promise<T> {
  const abort = new AbortController();
  const timeout = pause(ms, undefined, { signal: abort.signal }).then(() => {
    throw new Error(late());
  });
  timeout.catch(() => {});
  try {
    return await Promise.race([work, timeout]);
  } finally {
    abort.abort();
  }
}
