/** What waits to be sent on a link: gathered per event-loop turn, cut into batches bounded in bytes. */

/** A batch is closed once it weighs this much. */
const BATCH_BYTES = 1024 * 1024;

/** What may be large in a message. */
interface Heavy {
  readonly args?: unknown;
  readonly values?: unknown;
  readonly text?: unknown;
  readonly error?: unknown;
  readonly tasks?: unknown;
}

type Weighed = { readonly body?: { readonly $case: string } | undefined };

/** Those after which no batch ends while there is a next one. */
const joined = new WeakSet<object>();

/**
 * Keeps a message and the next one in one batch, however large: also when they are sent again after a connection was lost.
 *
 * @returns the message
 */
export function joinNext<T extends object>(message: T): T {
  joined.add(message);
  return message;
}

/** Roughly how many bytes a message takes on the wire. */
function weigh(message: Weighed): number {
  const body = message.body as Record<string, unknown> | undefined;
  if (body === undefined) return 16;
  const content = body[body.$case as string] as Heavy | number | undefined;
  if (typeof content !== "object") return 16;
  const { args, values, text, error, tasks } = content;
  return 64 + bytesIn(args) + bytesIn(values) + bytesIn(text) + bytesIn(error) + bytesIn(tasks);
}

function bytesIn(value: unknown): number {
  if (value === undefined) return 0;
  if (value instanceof Uint8Array) return value.byteLength;
  return Array.isArray(value) ? 8 * value.length : 0;
}

/** Messages in the order they are to be sent. */
export class Outbox<Out extends Weighed> {
  #waiting: Out[] = [];
  #weights: number[] = [];
  #from = 0;
  #bytes = 0;

  /** Bytes waiting, roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  get empty(): boolean {
    return this.#from === this.#waiting.length;
  }

  push(message: Out): void {
    const weight = weigh(message);
    this.#waiting.push(message);
    this.#weights.push(weight);
    this.#bytes += weight;
  }

  /** Takes the next batch; at least one message unless empty. */
  take(): Out[] {
    const start = this.#from;
    let bytes = 0;
    let end = start;
    while (end < this.#waiting.length) {
      const isJoined = end === start || joined.has(this.#waiting[end - 1]!);
      if (!isJoined && bytes + this.#weights[end]! > BATCH_BYTES) break;
      bytes += this.#weights[end]!;
      end += 1;
    }
    this.#bytes -= bytes;
    if (start === 0 && end === this.#waiting.length) {
      const all = this.#waiting;
      this.clear();
      return all;
    }
    const batch = this.#waiting.slice(start, end);
    this.#from = end;
    if (end === this.#waiting.length) this.clear();
    return batch;
  }

  clear(): void {
    this.#waiting = [];
    this.#weights = [];
    this.#from = 0;
    this.#bytes = 0;
  }
}
