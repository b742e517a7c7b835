/**
 * One lane of the launcher, seen from our side: a shell that runs one program at
 * a time, told what to run over a FIFO. Which lane runs what is launcher.ts.
 */

import {
  closeSync,
  constants,
  openSync,
  readSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { Socket } from "node:net";
import { constants as os } from "node:os";
import { join } from "node:path";
import { type Command, commandCode } from "./command.js";
import { Fifo } from "./fifo.js";
import { groupLives, killGroup } from "./group.js";
import { type LaneFiles, laneScript, quote } from "./script.js";

/** A program to run, and who hears of it. */
export interface Job {
  readonly command: Omit<Command, "inputFile">;
  readonly input: string | Uint8Array | undefined;
  /** Ids of the cores to bind it to; absent: not bound. */
  readonly cores: readonly number[] | undefined;
  started(pid: number, group: number): void;
  output(bytes: Uint8Array, stderr: boolean): void;
  /** Has ended, all of its output told. `status`: 128 + n when signal n ended it. `left`: processes it started hold its output. */
  ended(status: number, left: boolean): void;
  /** The launcher failed, or was ended under it. */
  lost(message: string): void;
}

type State =
  | { readonly type: "starting" }
  | { readonly type: "free" }
  | { readonly type: "running"; readonly job: Job; readonly files: readonly string[]; pid: number }
  | { readonly type: "held" }
  | { readonly type: "closed" };

/** Code longer than this goes through a file: a FIFO takes so much without waiting for the reader, everywhere. */
const INLINE_CODE_BYTES = 4096;
/** A program that runs longer is followed as it prints; see fifo.ts. */
const FOLLOW_AFTER_MS = 10;
/** How often, and how many times, a killed group is asked whether it has gone. */
const GONE_POLL_MS = 5;
const GONE_POLLS = 400;
const NONBLOCK = constants.O_NONBLOCK;

function ignore(): void {}

/** One lane. */
export class Lane {
  readonly number: number;
  /** The cores it, and so each program that it starts, is bound to; empty: not bound. */
  cores = "";
  readonly #directory: string;
  readonly #control: number;
  readonly #pids: number;
  readonly #stdout: Fifo;
  readonly #stderr: Fifo;
  readonly #death: Socket;
  #state: State = { type: "starting" };
  /** Its shell's process id, which is its process group; 0: not told yet. */
  #group = 0;
  #follow: NodeJS.Timeout | undefined;

  /**
   * Opens a lane whose FIFOs exist.
   *
   * @param onDeath called when its shell has ended without being told to, with the job that it ran already ended
   */
  constructor(number: number, directory: string, onDeath: (lane: Lane) => void) {
    this.number = number;
    this.#directory = directory;
    const files: LaneFiles = {
      control: this.#path("c"),
      output: this.#path("o"),
      errors: this.#path("e"),
      pids: this.#path("p"),
      death: this.#path("d"),
    };
    this.#stdout = new Fifo(files.output);
    this.#stderr = new Fifo(files.errors);
    this.#pids = openSync(files.pids, constants.O_RDWR | NONBLOCK);
    this.#death = new Socket({ fd: openSync(files.death, constants.O_RDONLY | NONBLOCK), writable: false });
    this.#death.unref().on("error", ignore).resume();
    this.#death.once("close", () => this.#died(() => onDeath(this)));
    // Open for both: it neither waits for the lane's end of it nor loses what is written before.
    this.#control = openSync(files.control, constants.O_RDWR | NONBLOCK);
    writeSync(this.#control, laneScript(number, files));
  }

  get job(): Job | undefined {
    return this.#state.type === "running" ? this.#state.job : undefined;
  }

  get wasReady(): boolean {
    return this.#group !== 0;
  }

  /** Its shell reported itself. */
  ready(group: number): void {
    this.#group = group;
    this.#state = { type: "free" };
  }

  #path(kind: string): string {
    return join(this.#directory, `${kind}.${this.number}`);
  }

  /**
   * Starts a job. The lane must be free.
   *
   * @param bind cores to bind the lane to, as `taskset -c` takes them; absent: it is bound as it should be
   */
  run(job: Job, bind: string | undefined): void {
    const files: string[] = [];
    this.#state = { type: "running", job, files, pid: 0 };
    const write = (file: string, contents: string | Uint8Array) => {
      files.push(file);
      writeFileSync(file, contents, { mode: 0o600 });
    };
    const inputFile = job.input === undefined || job.input.length === 0 ? undefined : this.#path("i");
    if (inputFile !== undefined) write(inputFile, job.input as string | Uint8Array);
    let code = commandCode({ ...job.command, inputFile });
    // Programs inherit the binding: a lane that is used again costs no process for it.
    if (bind !== undefined) code = `taskset -c -p ${quote(bind)} $$ 5>&-\n${code}`;
    if (Buffer.byteLength(code) > INLINE_CODE_BYTES) {
      write(this.#path("t"), code);
      code = `. ${quote(this.#path("t"))}\n`;
    }
    writeSync(this.#control, code);
    this.#follow = setTimeout(() => this.#followJob(job), FOLLOW_AFTER_MS);
  }

  #followJob(job: Job): void {
    if (!this.#readPid()) {
      this.#follow = setTimeout(() => this.#followJob(job), FOLLOW_AFTER_MS);
      return;
    }
    this.#stdout.follow((bytes) => job.output(bytes, false));
    this.#stderr.follow((bytes) => job.output(bytes, true));
  }

  /** Learns and tells the process id; false when the program has not been started yet. */
  #readPid(): boolean {
    const state = this.#state;
    if (state.type !== "running" || state.pid !== 0) return true;
    const bytes = Buffer.allocUnsafe(16);
    try {
      state.pid = Number(bytes.toString("latin1", 0, readSync(this.#pids, bytes)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
      throw error;
    }
    state.job.started(state.pid, this.#group);
    return true;
  }

  /**
   * The program has ended: tells the job.
   *
   * @returns whether the lane is free for another job; otherwise what the program left holds its FIFOs
   */
  ended(status: number): boolean {
    const state = this.#state;
    if (state.type !== "running") return false;
    clearTimeout(this.#follow);
    this.#readPid();
    const { job, files } = state;
    const clear = [
      this.#stdout.finish((bytes) => job.output(bytes, false)),
      this.#stderr.finish((bytes) => job.output(bytes, true)),
    ].every(Boolean);
    for (const file of files) unlinkSync(file);
    this.#state = clear ? { type: "free" } : { type: "held" };
    if (!clear) {
      this.#stdout.discard();
      this.#stderr.discard();
    }
    job.ended(status, !clear);
    return clear;
  }

  /** Whether what held its FIFOs has gone. */
  get isClear(): boolean {
    return [this.#stdout.finish(ignore), this.#stderr.finish(ignore)].every(Boolean);
  }

  /** The shell has ended: as a rule with its program, by a SIGKILL to the group. Waits for the group's end. */
  #died(then: () => void, polls = 0): void {
    if (this.#state.type === "closed") return;
    this.kill();
    if (this.#group !== 0 && polls < GONE_POLLS && groupLives(this.#group)) {
      setTimeout(() => this.#died(then, polls + 1), GONE_POLL_MS);
      return;
    }
    this.ended(128 + os.signals.SIGKILL);
    then();
  }

  /** Ends its shell and all that it runs, at once. */
  kill(): void {
    if (this.#group !== 0) killGroup(this.#group, "SIGKILL");
  }

  /** Lets the lane's shell end, which ends what its programs left, and forgets it. */
  close(): void {
    if (this.#state.type === "closed") return;
    this.#state = { type: "closed" };
    clearTimeout(this.#follow);
    this.#death.destroy();
    this.#stdout.close();
    this.#stderr.close();
    closeSync(this.#pids);
    closeSync(this.#control);
    for (const kind of ["c", "o", "e", "p", "d", "i", "t"]) rmSync(this.#path(kind), { force: true });
  }
}
