/**
 * Measures what the processes of each task use, and says when it is more than the task asked for.
 *
 * Counted is what the task's processes have resident beyond what its executor had before the
 * task: a warm executor's own memory is not the task's. Only while something runs, four times a
 * second for tasks that asked for memory, once a second for others that run so long, and never
 * so often that it takes more than a fiftieth of a core. What is to be done is the agent's affair.
 */

import type { Families, Family } from "../process/family.js";
import { readEntry, readShareBytes } from "../process/table.js";

/** A task that runs, alone in its executor. */
export interface RunningTask {
  readonly executor: number;
  readonly ref: number;
  /** 0: it may use what there is. */
  readonly askedBytes: number;
  /** The kernel sees to it that it does not use more. */
  readonly isLimited: boolean;
}

/** What was measured of a task. */
export interface Measured {
  /** When it was measured last. */
  readonly memoryBytes: number;
  readonly peakBytes: number;
}

/** What the watch needs of its agent. */
export interface MemoryWatchOptions {
  readonly families: Families;
  /** Tasks that have a process of their own. */
  running(): Iterable<RunningTask>;
  /** Whether anything runs: otherwise the watch sleeps until it is woken. */
  isBusy(): boolean;
  exceeded(ref: number, usedBytes: number): void;
  /** Called with each look. */
  looked(): void;
}

/** Tasks that asked for memory are looked at so often, … */
const LIMITED_MS = 250;
/** … others so often, … */
const UNLIMITED_MS = 1_000;
/** … with pauses of at least so many times what a look takes. */
const PAUSE_SHARE = 50;

interface Account {
  ref: number;
  /** What the executor itself had before the task; NaN: not known yet. */
  baseBytes: number;
  memoryBytes: number;
  peakBytes: number;
  wasMeasured: boolean;
}

/** Measures the tasks of one agent. */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  /** By executor. */
  readonly #accounts = new Map<number, Account>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** An executor has loaded itself: what it has now is nobody's. Returns how much that is, where a task waits for it. */
  ready(executor: number): number {
    const account = this.#accounts.get(executor);
    if (account === undefined || !Number.isNaN(account.baseBytes)) return 0;
    account.baseBytes = this.#residentBytes(executor);
    return account.baseBytes;
  }

  /**
   * A task was given to an executor.
   *
   * @param isFresh the executor has not said that it is ready
   * @returns what the executor has without the task, if the task asked for memory
   */
  started(executor: number, ref: number, askedBytes: number, isFresh: boolean): number {
    let baseBytes = 0;
    if (askedBytes > 0) {
      baseBytes = isFresh ? Number.NaN : this.#residentBytes(executor);
      this.#accounts.set(executor, newAccount(ref, baseBytes));
    }
    if (this.#timer === undefined) this.#schedule(askedBytes > 0 ? LIMITED_MS : UNLIMITED_MS, 0);
    return baseBytes;
  }

  /** Somebody else has measured how much a task used at the end. */
  note(executor: number, ref: number, usedBytes: number): void {
    const account = this.#accounts.get(executor);
    if (account === undefined || account.ref !== ref) return;
    account.memoryBytes = usedBytes;
    account.peakBytes = Math.max(account.peakBytes, usedBytes);
    account.wasMeasured = true;
  }

  /** What was measured of a task, which has ended or is about to. */
  measured(ref: number): Measured | undefined {
    for (const account of this.#accounts.values()) {
      if (account.ref !== ref || !account.wasMeasured) continue;
      return { memoryBytes: account.memoryBytes, peakBytes: account.peakBytes };
    }
    return undefined;
  }

  forget(executor: number): void {
    this.#accounts.delete(executor);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(periodMs: number, tookMs: number): void {
    const ms = Math.max(periodMs, tookMs * PAUSE_SHARE);
    this.#timer = setTimeout(() => this.#tick(), ms);
    this.#timer.unref();
  }

  #tick(): void {
    this.#timer = undefined;
    if (!this.#options.isBusy()) return;
    // What it takes of a core: on a busy machine a look may last long, and is then wanted all the more.
    const before = process.cpuUsage();
    const due: RunningTask[] = [];
    let isLimited = false;
    for (const task of this.#options.running()) {
      if (task.askedBytes > 0) isLimited = true;
      if (this.#isDue(task)) due.push(task);
    }
    if (due.length > 0) this.#options.families.look();
    for (const task of due) this.#measure(task);
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1_000;
    this.#options.looked();
    // What was found may have ended the agent, or started tasks.
    if (this.#timer === undefined) this.#schedule(isLimited ? LIMITED_MS : UNLIMITED_MS, tookMs);
  }

  /** A task that came since the last look, behind others, is measured from now on, if it lives so long. */
  #isDue({ executor, ref, askedBytes }: RunningTask): boolean {
    const account = this.#accounts.get(executor);
    if (account?.ref === ref) return true;
    const baseBytes = askedBytes > 0 ? this.#residentBytes(executor) : 0;
    this.#accounts.set(executor, newAccount(ref, baseBytes));
    return false;
  }

  #measure({ executor, ref, askedBytes, isLimited }: RunningTask): void {
    const account = this.#accounts.get(executor);
    const family = this.#options.families.get(executor);
    if (account === undefined || family === undefined || Number.isNaN(account.baseBytes)) return;
    let usedBytes = sum(family, account, (_, residentBytes) => residentBytes);
    // What several processes share counts once; finding that out is dear, so only where it matters.
    if (!isLimited && askedBytes > 0 && usedBytes > askedBytes)
      usedBytes = sum(family, account, (pid, residentBytes) => readShareBytes(pid) ?? residentBytes);
    account.memoryBytes = usedBytes;
    account.peakBytes = Math.max(account.peakBytes, usedBytes);
    account.wasMeasured = true;
    if (!isLimited && askedBytes > 0 && usedBytes > askedBytes) this.#options.exceeded(ref, usedBytes);
  }

  #residentBytes(executor: number): number {
    const pid = this.#options.families.get(executor)?.pid;
    return pid === undefined ? 0 : (readEntry(pid)?.residentBytes ?? 0);
  }
}

function newAccount(ref: number, baseBytes: number): Account {
  return { ref, baseBytes, memoryBytes: 0, peakBytes: 0, wasMeasured: false };
}

function sum(
  family: Family,
  account: Account,
  bytesOf: (pid: number, residentBytes: number) => number,
): number {
  let total = 0;
  for (const { pid, residentBytes } of family.members) {
    if (pid !== family.pid) {
      total += bytesOf(pid, residentBytes);
      continue;
    }
    // What an earlier task had left, and is collected now, must not hide what this one takes.
    account.baseBytes = Math.min(account.baseBytes, residentBytes);
    total += residentBytes - account.baseBytes;
  }
  return total;
}
