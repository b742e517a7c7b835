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
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import { constants as os } from "node:os";
import { join } from "node:path";
import { type Command, commandCode } from "./command.js";
import { Fifo } from "./fifo.js";
import { groupLives, killGroup } from "./group.js";
import type { ProcessId, ProcessIds } from "./process-id.js";
import { type LaneFiles, laneScript, quote } from "./script.js";

/** A program to run, and who hears of it. */
export interface Job {
  readonly command: Omit<Command, "inputFile">;
  readonly input: string | Uint8Array | undefined;
  /** Ids of the cores to bind it to; absent: not bound. */
  readonly cores: readonly number[] | undefined;
  readonly processId: ProcessId;
  /** It runs, and has its process id. Told only of one that goes on for a while. */
  started(group: number): void;
  output(bytes: Uint8Array, stderr: boolean): void;
  /** Has ended, all of its output told. `status`: 128 + n when signal n ended it. `left`: processes it started, in this group, hold its output. */
  ended(status: number, left: boolean, group: number): void;
  /** The launcher failed, or was ended under it. */
  lost(message: string): void;
}

/** Who hears of a lane. */
export interface LaneOwner {
  /** Its shell takes commands. */
  laneReady(lane: Lane): void;
  /** Its program has ended; `ended` is to be called. */
  laneFinished(lane: Lane, status: number): void;
  /** Its shell has ended without being told to, and the job that it ran has ended. */
  laneDied(lane: Lane): void;
}

interface Running {
  readonly type: "running";
  readonly job: Job;
  readonly files: readonly string[];
  readonly startedAtMs: number;
  /** Whether its output is taken as it comes. */
  isFollowed: boolean;
}

type State =
  | { readonly type: "starting" }
  | { readonly type: "free" }
  | Running
  | { readonly type: "held" }
  | { readonly type: "closed" };

/** Code longer than this goes through a file: a FIFO takes so much without waiting for the reader, everywhere. */
const INLINE_CODE_BYTES = 4096;
const MOST_BYTES_A_UNIT = 3;
/** A program that runs longer is followed as it prints; see fifo.ts. */
const FOLLOW_AFTER_MS = 10;
/** How often, and how many times, a killed group is asked whether it has gone. */
const GONE_POLL_MS = 5;
const GONE_POLLS = 400;
const NONBLOCK = constants.O_NONBLOCK;
/** What a lane tells at a time is much shorter. */
const TOLD_BYTES = 256;
/** Process ids that nobody has asked for are read so many at a time; a FIFO holds more. */
const MOST_IDS_DUE = 64;
const idBuffer = Buffer.allocUnsafeSlow(4096);

function ignore(): void {}

/** One lane. */
export class Lane implements ProcessIds {
  readonly number: number;
  /** The cores it, and so each program that it starts, is bound to; empty: not bound. */
  cores = "";
  readonly #directory: string;
  readonly #control: number;
  readonly #pids: number;
  readonly #stdout: Fifo;
  readonly #stderr: Fifo;
  readonly #told: Socket;
  readonly #owner: LaneOwner;
  #state: State = { type: "starting" };
  /** Its shell's process id, which is its process group; 0: not told yet. */
  #group = 0;
  #follow: NodeJS.Timeout | undefined;
  /** Programs started. */
  #started = 0;
  /** Process ids that have not been read, by the number of the program, in order. */
  readonly #idsDue = new Map<number, ProcessId>();
  #idText = "";
  #toldText = "";

  /** Opens a lane whose FIFOs exist. */
  constructor(number: number, directory: string, owner: LaneOwner) {
    this.number = number;
    this.#directory = directory;
    this.#owner = owner;
    const files: LaneFiles = {
      control: this.#path("c"),
      output: this.#path("o"),
      errors: this.#path("e"),
      pids: this.#path("p"),
      told: this.#path("d"),
    };
    this.#stdout = new Fifo(files.output);
    this.#stderr = new Fifo(files.errors);
    this.#pids = openSync(files.pids, constants.O_RDWR | NONBLOCK);
    // A few bytes a program: not through a stream, and into the same memory each time.
    const buffer = Buffer.allocUnsafeSlow(TOLD_BYTES);
    const callback = (length: number): boolean => {
      this.#hear(buffer.toString("latin1", 0, length));
      return true;
    };
    const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
      fd: openSync(files.told, constants.O_RDONLY | NONBLOCK),
      writable: false,
      onread: { buffer, callback },
    };
    this.#told = new Socket(options);
    this.#told.unref().on("error", ignore).resume();
    this.#told.once("close", () => this.#died());
    // Open for both: it neither waits for the lane's end of it nor loses what is written before.
    this.#control = openSync(files.control, constants.O_RDWR | NONBLOCK);
    writeSync(this.#control, laneScript(files));
  }

  get job(): Job | undefined {
    return this.#state.type === "running" ? this.#state.job : undefined;
  }

  get wasReady(): boolean {
    return this.#group !== 0;
  }

  /** Takes what its shell tells, as script.ts has it. */
  #hear(text: string): void {
    const lines = (this.#toldText + text).split("\n");
    this.#toldText = lines.pop() ?? "";
    for (const line of lines) {
      if (this.#state.type === "closed") return;
      const value = Number(line.slice(2));
      if (line.startsWith("x")) {
        this.#owner.laneFinished(this, value);
      } else {
        this.#group = value;
        this.#state = { type: "free" };
        this.#owner.laneReady(this);
      }
    }
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
    this.#state = { type: "running", job, files, startedAtMs: performance.now(), isFollowed: false };
    const write = (file: string, contents: string | Uint8Array) => {
      files.push(file);
      writeFileSync(file, contents, { mode: 0o600 });
    };
    const inputFile = job.input === undefined || job.input.length === 0 ? undefined : this.#path("i");
    if (inputFile !== undefined) write(inputFile, job.input as string | Uint8Array);
    this.#started += 1;
    let code = commandCode({ ...job.command, inputFile }, this.#started);
    // Programs inherit the binding: a lane that is used again costs no process for it.
    if (bind !== undefined) code = `taskset -c -p ${quote(bind)} $$ 5>&-\n${code}`;
    if (code.length * MOST_BYTES_A_UNIT > INLINE_CODE_BYTES && Buffer.byteLength(code) > INLINE_CODE_BYTES) {
      write(this.#path("t"), code);
      code = `. ${quote(this.#path("t"))}\n`;
    }
    writeSync(this.#control, code);
    this.#idsDue.set(this.#started, job.processId);
    job.processId.expect(this);
    this.#lookAfter(FOLLOW_AFTER_MS);
  }

  /** One timer for one program after another: most end before it fires. */
  #lookAfter(ms: number): void {
    this.#follow ??= setTimeout(() => {
      this.#follow = undefined;
      this.#look();
    }, ms).unref();
  }

  /** Follows a program that has run for a while. */
  #look(): void {
    const state = this.#state;
    if (state.type !== "running" || state.isFollowed) return;
    const { job, startedAtMs } = state;
    const restMs = startedAtMs + FOLLOW_AFTER_MS - performance.now();
    if (restMs > 0) {
      this.#lookAfter(Math.ceil(restMs));
      return;
    }
    this.readProcessIds();
    if (!job.processId.isKnown) {
      // It has not been started yet.
      this.#lookAfter(FOLLOW_AFTER_MS);
      return;
    }
    state.isFollowed = true;
    this.#stdout.follow((bytes) => job.output(bytes, false));
    this.#stderr.follow((bytes) => job.output(bytes, true));
    job.started(this.#group);
  }

  readProcessIds(): void {
    if (this.#state.type === "closed" || this.#idsDue.size === 0) return;
    let text: string;
    try {
      text = this.#idText + idBuffer.toString("latin1", 0, readSync(this.#pids, idBuffer));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return;
      throw error;
    }
    const lines = text.split("\n");
    this.#idText = lines.pop() ?? "";
    for (const line of lines) {
      const [number = 0, pid = 0] = line.split(" ").map(Number);
      for (const [due, processId] of this.#idsDue) {
        if (due > number) break;
        this.#idsDue.delete(due);
        if (due === number) processId.tell(pid);
        else processId.fail(new Error("It was not told."));
      }
    }
  }

  /**
   * The program has ended: tells the job.
   *
   * @returns whether the lane is free for another job; otherwise what the program left holds its FIFOs
   */
  ended(status: number): boolean {
    const state = this.#state;
    if (state.type !== "running") return false;
    const { job, files } = state;
    if (job.processId.isAwaited || this.#idsDue.size >= MOST_IDS_DUE) this.readProcessIds();
    const outClear = this.#stdout.finish((bytes) => job.output(bytes, false));
    const errClear = this.#stderr.finish((bytes) => job.output(bytes, true));
    const clear = outClear && errClear;
    for (const file of files) unlinkSync(file);
    this.#state = clear ? { type: "free" } : { type: "held" };
    if (!clear) {
      this.#stdout.discard();
      this.#stderr.discard();
    }
    job.ended(status, !clear, this.#group);
    return clear;
  }

  /** Whether what held its FIFOs has gone. */
  get isClear(): boolean {
    const outClear = this.#stdout.finish(ignore);
    return this.#stderr.finish(ignore) && outClear;
  }

  /** The shell has ended: as a rule with its program, by a SIGKILL to the group. Waits for the group's end. */
  #died(polls = 0): void {
    if (this.#state.type === "closed") return;
    this.kill();
    if (this.#group !== 0 && polls < GONE_POLLS && groupLives(this.#group)) {
      setTimeout(() => this.#died(polls + 1), GONE_POLL_MS);
      return;
    }
    this.ended(128 + os.signals.SIGKILL);
    this.#owner.laneDied(this);
  }

  /** Ends its shell and all that it runs, at once. */
  kill(): void {
    if (this.#group !== 0) killGroup(this.#group, "SIGKILL");
  }

  /** Lets the lane's shell end, which ends what its programs left, and forgets it. */
  close(): void {
    if (this.#state.type === "closed") return;
    this.readProcessIds();
    for (const processId of this.#idsDue.values()) processId.fail(new Error("Its launcher has ended."));
    this.#state = { type: "closed" };
    clearTimeout(this.#follow);
    this.#told.destroy();
    this.#stdout.close();
    this.#stderr.close();
    closeSync(this.#pids);
    closeSync(this.#control);
    for (const kind of ["c", "o", "e", "p", "d", "i", "t"]) rmSync(this.#path(kind), { force: true });
  }
}
