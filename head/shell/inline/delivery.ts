/**
 * What one client is told and must not miss: sent as fast as the client reads, kept until it has arrived,
 * and sent again on its next stream. What waits for the client does not pile up in memory, however much it is.
 */

import { HeadToClient } from "../../../proto/grain.js";
import { Unacknowledged } from "../../../proto/link/unacknowledged.js";
import type { Keeper, Kept } from "./keeper.js";

/** A client that leaves more than this unread is sent no more until it has read. */
const AHEAD_BYTES = 4 * 1024 * 1024;
/** After so many ends were told together… */
const GATHER_TASKS = 16;
/** …the next are gathered for so long: to a program that has just started a message costs as much as hundreds of ends… */
const GATHER_MS = 25;
/** …or until their results are this large. */
const GATHER_BYTES = 512 * 1024;

/** A client's stream. */
export interface Stream {
  send(message: HeadToClient): void;
  /** Sends what is queued, as much as the transport takes. */
  flush(): void;
  /** Bytes that the transport has not taken. */
  readonly pendingBytes: number;
  /** Resolves when the transport takes bytes again. */
  drained(): Promise<void>;
}

/** A message, in memory or encoded in a file. */
interface Waiting {
  /** Those that it says the end of. */
  readonly tasks: readonly number[];
  readonly message: HeadToClient | Kept;
  /** Frees the room that it takes; undefined: none. */
  readonly release: (() => void) | undefined;
}

/** What one client is told. */
export class Delivery {
  readonly #keeper: Keeper;
  readonly #waiting = new Unacknowledged<Waiting>(({ release }) => release?.());
  #stream: Stream | undefined;
  /** So many messages, of all there were, have been sent to this stream or one before. */
  #sent = 0;
  #blocked = false;
  /** Ends that have been gathered, and the bytes of their results. */
  #gathered = 0;
  #gatheredBytes = 0;
  /** What comes until then may be gathered. */
  #gatherUntil = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
  }

  /** How many messages there were. */
  get count(): number {
    return this.#waiting.sent;
  }

  /**
   * Tells the client something: at once, or, of results where many tasks end, a moment later with more.
   *
   * @param queued how many of its tasks wait for a worker, so that nothing idles until it has heard of this one
   */
  push(message: HeadToClient, queued = 0): void {
    const weight = weightOf(message);
    const kept = this.#keep(message, weight);
    this.#waiting.push(kept);
    this.#gathered += kept.tasks.length;
    this.#gatheredBytes += weight;
    const isMuch = this.#gathered > queued || this.#gatheredBytes >= GATHER_BYTES;
    const urgent = message.body?.$case !== "results" || this.#stream === undefined;
    if (urgent || isMuch) return this.flush();
    const restMs = this.#gatherUntil - performance.now();
    if (restMs <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), restMs);
  }

  /** Tells what has been gathered. */
  flush(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#gatherUntil =
      this.#gathered >= GATHER_TASKS ? performance.now() + GATHER_MS : Number.NEGATIVE_INFINITY;
    this.#gathered = 0;
    this.#gatheredBytes = 0;
    this.#pump();
  }

  /** From now on it is sent here, beginning with what has not arrived. */
  begin(stream: Stream): void {
    this.#stream = stream;
    this.#blocked = false;
    this.#sent = this.#waiting.arrivedCount;
    this.flush();
  }

  /** There is no stream. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stream = undefined;
  }

  /** So many messages have arrived. @returns false, and nothing happens, when so many were never sent */
  arrived(count: number): boolean {
    if (!this.#waiting.arrived(count)) return false;
    this.#sent = Math.max(this.#sent, this.#waiting.arrivedCount);
    return true;
  }

  /** See {@link Unacknowledged.renumber}. */
  renumber(arrived: number): void {
    this.#waiting.renumber(arrived);
    this.#sent = arrived;
  }

  /** Its client will never be told what waits. @returns the tasks whose end that was */
  forget(): number[] {
    const tasks: number[] = [];
    for (const waiting of this.#waiting) for (const task of waiting.tasks) tasks.push(task);
    this.releaseAll();
    return tasks;
  }

  /** The session has ended. */
  releaseAll(): void {
    this.flush();
    this.stop();
    this.#waiting.arrived(this.#waiting.sent);
  }

  #keep(message: HeadToClient, weight: number): Waiting {
    const tasks = tasksOf(message);
    if (weight === 0) return { tasks, message, release: undefined };
    const release = this.#keeper.count(weight);
    if (release !== undefined) return { tasks, message, release };
    try {
      const kept = this.#keeper.write(HeadToClient.encode(message).finish());
      return { tasks, message: kept, release: () => kept.release() };
    } catch {
      // There is no room for it anywhere, and it cannot be refused: it stays in memory, uncounted.
      return { tasks, message, release: undefined };
    }
  }

  #pump(): void {
    while (!this.#blocked && this.#stream !== undefined) {
      const next = this.#waiting.after(this.#sent);
      if (next === undefined) return;
      if (this.#stream.pendingBytes > AHEAD_BYTES) return void this.#wait(this.#stream);
      this.#sent += 1;
      this.#stream.send(read(next));
    }
  }

  async #wait(stream: Stream): Promise<void> {
    this.#blocked = true;
    stream.flush();
    await stream.drained();
    if (this.#stream !== stream) return;
    this.#blocked = false;
    this.#pump();
  }
}

function read({ message }: Waiting): HeadToClient {
  return "read" in message ? HeadToClient.decode(message.read(0, message.byteLength)) : message;
}

/** The bytes of a message that may be many. */
function weightOf({ body }: HeadToClient): number {
  switch (body?.$case) {
    case "results":
      return body.results.values.byteLength;
    case "output":
      return body.output.text.byteLength;
    case "failure":
      return body.failure.error.byteLength + body.failure.stderrTail.length;
    default:
      return 0;
  }
}

function tasksOf({ body }: HeadToClient): readonly number[] {
  if (body?.$case === "results") return body.results.tasks;
  return body?.$case === "failure" ? [body.failure.task] : [];
}
