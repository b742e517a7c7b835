/**
 * How much a program may have under way: a loop that only submits, and waits for nothing, is refused with
 * an error while the program still can be told, before its process dies for want of memory.
 *
 * Not its job: slowing a program down. That does whatever it awaits; see `queueLimiter`.
 */

import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";
import { GrainError } from "../../proto/errors.js";

/** What a process has to do with. */
export interface Room {
  /** Of the JavaScript heap, now: how much is in use, from 0 to 1. */
  heapUse(): number;
  /** So many bytes of arguments may wait. */
  readonly argumentBytes: number;
}

/** Fewer calls than this are not what fills a heap. */
const FEW_CALLS = 50_000;
/** Beyond this part of the heap there is no more room for calls: what has ended still has to come home. */
const HEAP_PART = 0.7;
/** What is young has its own room in the limit; there is none in it for what stays. */
const YOUNG_BYTES = 48 * 1024 * 1024;
/** Looked at after so many calls, or so many bytes of arguments. */
const LOOK_CALLS = 1_024;
const LOOK_BYTES = 16 * 1024 * 1024;
/** Of the machine's memory, or of what the process may have of it. */
const MEMORY_PART = 0.25;

/** Of this process. */
function ownRoom(): Room {
  const most = process.constrainedMemory?.() ?? 0;
  const total = most > 0 ? Math.min(most, totalmem()) : totalmem();
  return {
    heapUse() {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
      return used / Math.max(limit - YOUNG_BYTES, limit / 2);
    },
    argumentBytes: total * MEMORY_PART,
  };
}

/** What a session has under way. */
export interface UnderWay {
  readonly unfinished: number;
  /** Arguments that have not left yet. */
  readonly waitingBytes: number;
}

/** The bound of one session. */
export class Bound {
  readonly #room: Room;
  #calls = 0;
  #bytes = 0;

  constructor(room: Room = ownRoom()) {
    this.#room = room;
  }

  /**
   * Another call is about to be taken.
   *
   * @throws GrainError when there is no room for it
   */
  admit(underWay: UnderWay, byteLength: number): void {
    this.#calls += 1;
    this.#bytes += byteLength;
    if (this.#calls < LOOK_CALLS && this.#bytes < LOOK_BYTES) return;
    this.#calls = 0;
    this.#bytes = 0;
    this.#look(underWay);
  }

  /** Apart, since what it does now and then would make the engine take back the code of every call. */
  #look({ unfinished, waitingBytes }: UnderWay): void {
    const mebibytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MiB`;
    if (waitingBytes > this.#room.argumentBytes) {
      throw tooMuch(
        `${mebibytes(waitingBytes)} of arguments wait to be sent, and ${mebibytes(this.#room.argumentBytes)} may`,
        "",
      );
    }
    if (unfinished >= FEW_CALLS && this.#room.heapUse() > HEAP_PART) {
      throw tooMuch(
        `${unfinished} calls are under way, and the heap of this program is nearly full`,
        " Or give it more: NODE_OPTIONS=--max-old-space-size=<MiB>.",
      );
    }
  }
}

function tooMuch(what: string, more: string): GrainError {
  return new GrainError(
    `Too much is submitted at once: ${what}. ` +
      `Wait for some results before submitting more; queueLimiter(n) does that in a loop.${more}`,
  );
}
