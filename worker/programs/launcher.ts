/**
 * The one shell through which this process starts programs, and its lanes.
 *
 * Why not `child_process.spawn`: it copies the page tables of this process for
 * each program, and a process that holds 2 GiB starts 14 programs a second. The
 * shell is started once, holds nothing, and starts 2,000 a second for ever.
 *
 * What the shell does and reports is script.ts; one lane is lane.ts.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Readable } from "node:stream";
import { makePrivate, sharedRoot } from "../../proto/share/directory.js";
import { allCores, currentCores } from "./affinity.js";
import { findProgram } from "./find.js";
import { type Job, Lane, type LaneOwner } from "./lane.js";
import { LAUNCHER } from "./script.js";

/** So many programs run at once; further ones wait. Each costs a shell and a few descriptors. */
const MAX_LANES = 256;
/** So many lanes are kept when nothing runs. */
const IDLE_LANES = 8;

/** bash gives each lane its process group without another program; the smaller a lane's shell, the faster it forks. */
function shells(): { readonly launcher: string; readonly options: string[]; readonly lane: string } {
  const bash = findProgram("bash", undefined) ?? findProgram("/bin/bash", undefined);
  const lane = findProgram("dash", undefined) ?? "/bin/sh";
  return bash === undefined
    ? { launcher: "/bin/sh", options: [], lane }
    : { launcher: bash, options: ["--posix"], lane };
}

/** Memory if there is such a place: it is for FIFOs and what programs read from standard input. */
function makeDirectory(): string {
  for (const place of [sharedRoot(), tmpdir()]) {
    if (place === undefined) continue;
    try {
      accessSync(place, constants.W_OK | constants.X_OK);
      return makePrivate(place, "launcher");
    } catch {
      // Not there, or not ours to write: the next one.
    }
  }
  throw new Error(`There is no directory for temporary files: ${tmpdir()} cannot be written. Set TMPDIR.`);
}

/** A launcher shell and its lanes. */
export class Launcher implements LaneOwner {
  /** What programs inherit: this process's environment when the launcher was started. */
  readonly env: ReadonlyMap<string, string>;
  /** Resolves when the shell has ended and nothing of it is left. */
  readonly closed: Promise<void>;
  readonly #directory = makeDirectory();
  readonly #child: ChildProcess;
  readonly #reports: Readable & { ref(): void; unref(): void };
  /** What programs that are bound to nothing may use; undefined: none can be bound here. */
  readonly #allCores = allCores();
  /** What the shell, and so each new lane, is bound to: this process may be bound for a task just now. */
  readonly #inherited: string;
  readonly #lanes = new Map<number, Lane>();
  readonly #free: Lane[] = [];
  readonly #held = new Set<Lane>();
  readonly #waiting: Job[] = [];
  #coming = 0;
  #made = 0;
  #askQueued = false;
  #isKept = true;
  #text = "";
  #ended = false;

  constructor() {
    this.env = new Map(Object.entries(process.env) as [string, string][]);
    const { launcher, options, lane } = shells();
    const inherited = currentCores();
    this.#inherited = inherited === undefined || inherited === this.#allCores ? "" : inherited;
    this.#child = spawn(launcher, [...options, "-c", LAUNCHER, "grain-launcher", this.#directory, lane], {
      // In a group of its own: what ends this process's group must leave it to clean up.
      detached: true,
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#child.unref();
    this.#reports = this.#child.stdout as Readable & { ref(): void; unref(): void };
    this.#reports.setEncoding("utf8");
    this.#reports.on("data", (text: string) => this.#received(text));
    // Broken pipes are told by the end of the process.
    this.#child.stdin?.on("error", () => undefined);
    (this.#child.stdin as unknown as { unref(): void } | null)?.unref();
    this.closed = new Promise((resolve) => {
      const end = (message: string) => resolve(this.#lost(message));
      this.#child.once("error", (error) =>
        end(`the launcher ${launcher} cannot be started (${error.message})`),
      );
      // Not "close": lanes may still hold its pipes.
      this.#child.once("exit", (code, signal) => end(`the launcher has ended (${signal ?? code})`));
    });
    this.#keepAlive();
  }

  /** Whether it takes jobs. */
  get usable(): boolean {
    return !this.#ended;
  }

  /** Starts a program as soon as a lane is free. */
  run(job: Job): void {
    const cores = this.#coresOf(job);
    const at = Math.max(
      this.#free.findIndex((lane) => lane.cores === cores),
      this.#free.length === 0 ? -1 : 0,
    );
    const [lane] = at < 0 ? [] : this.#free.splice(at, 1);
    if (lane !== undefined) {
      this.#start(lane, job);
    } else {
      this.#waiting.push(job);
      this.#askForLanes();
    }
    this.#keepAlive();
  }

  /** Forgets a job that waits for a lane. Returns whether it did. */
  withdraw(job: Job): boolean {
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#keepAlive();
    return at >= 0;
  }

  /** Ends the shell, its lanes and what programs have left. No job may be running. */
  close(): Promise<void> {
    this.#ended = true;
    for (const lane of this.#lanes.values()) lane.close();
    this.#lanes.clear();
    this.#child.ref();
    this.#reports.ref();
    this.#child.stdin?.end("quit\n");
    return this.closed;
  }

  #coresOf(job: Job): string {
    return job.cores === undefined || this.#allCores === undefined ? "" : job.cores.join(",");
  }

  #start(lane: Lane, job: Job): void {
    const cores = this.#coresOf(job);
    const bind = cores === lane.cores ? undefined : cores === "" ? this.#allCores : cores;
    lane.cores = cores;
    try {
      lane.run(job, bind);
    } catch (error) {
      this.#drop(lane);
      job.lost(`its command could not be handed to the launcher (${(error as Error).message})`);
    }
  }

  /** Asks once for all that came up in this turn. */
  #askForLanes(): void {
    if (this.#askQueued) return;
    this.#askQueued = true;
    queueMicrotask(() => {
      this.#askQueued = false;
      const room = MAX_LANES - (this.#lanes.size - this.#held.size) - this.#coming;
      const count = Math.min(this.#waiting.length - this.#coming, room);
      if (count <= 0 || this.#ended) return;
      const numbers = Array.from({ length: count }, () => ++this.#made);
      this.#coming += count;
      this.#child.stdin?.write(`${numbers.join(" ")}\n`);
    });
  }

  #received(text: string): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      if (this.#ended) return;
      if (line.startsWith("l")) this.#laneMade(Number(line.slice(2)));
      else this.#laneFailed();
    }
    this.#keepAlive();
  }

  #laneMade(number: number): void {
    try {
      const lane = new Lane(number, this.#directory, this);
      lane.cores = this.#inherited;
      this.#lanes.set(number, lane);
    } catch (error) {
      this.#coming--;
      this.#waiting.shift()?.lost(`the launcher's files cannot be opened (${(error as Error).message})`);
    }
  }

  laneReady(lane: Lane): void {
    this.#coming--;
    this.#release(lane);
    this.#keepAlive();
  }

  laneDied(lane: Lane): void {
    const at = this.#free.indexOf(lane);
    if (at >= 0) this.#free.splice(at, 1);
    // One that dies before it was ready would die again.
    if (!lane.wasReady) this.#laneFailed();
    this.#drop(lane);
    if (this.#waiting.length > 0) this.#askForLanes();
    this.#keepAlive();
  }

  #laneFailed(): void {
    this.#coming--;
    this.#waiting.shift()?.lost(`the launcher cannot start a shell with its files in ${this.#directory}`);
  }

  laneFinished(lane: Lane, status: number): void {
    for (const held of this.#held) if (held.isClear) this.#drop(held);
    if (lane.ended(status)) {
      this.#release(lane);
    } else {
      this.#held.add(lane);
      this.#askForLanes();
    }
    this.#keepAlive();
  }

  #release(lane: Lane): void {
    const job = this.#waiting.shift();
    if (job !== undefined) this.#start(lane, job);
    else if (this.#free.length < IDLE_LANES) this.#free.push(lane);
    else this.#drop(lane);
  }

  #drop(lane: Lane): void {
    this.#held.delete(lane);
    this.#lanes.delete(lane.number);
    lane.close();
  }

  /** The event loop goes on as long as a program runs or waits, and no longer. */
  #keepAlive(): void {
    const busy = this.#waiting.length > 0 || this.#lanes.size > this.#free.length + this.#held.size;
    if (busy === this.#isKept) return;
    this.#isKept = busy;
    if (busy) this.#reports.ref();
    else this.#reports.unref();
  }

  #lost(message: string): void {
    this.#ended = true;
    const jobs = [...this.#lanes.values()].flatMap(({ job }) => job ?? []).concat(this.#waiting.splice(0));
    for (const lane of this.#lanes.values()) {
      lane.kill();
      lane.close();
    }
    this.#lanes.clear();
    this.#reports.destroy();
    rmSync(this.#directory, { recursive: true, force: true });
    for (const job of jobs) job.lost(message);
  }
}
