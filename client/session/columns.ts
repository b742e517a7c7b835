/**
 * What waits to be sent, in order, with consecutive calls merged into columns.
 *
 *   calls    e1 e2 e3 | r4 | e5 e6          (e, r: two specs)
 *   messages {e, 1, n=3} {r, 4, n=1} {e, 5, n=2}
 *
 * Arguments are copied in, so that what the caller changes after the call does
 * not change what is sent. Invariants: a submission holds calls of one spec and
 * one owner; calls of a queue that is sent from are numbered in its order.
 */

import type { BlobAt, ClientMessage } from "../../proto/grain.js";
import type { Encoded } from "../../proto/values/value.js";
import type { CallOwner, RemoteCall } from "./call.js";
import type { Upload } from "./uploads.js";

/** Most tasks of one message. */
export const MAX_SUBMIT_TASKS = 4_096;
/** A message is closed when its arguments reach so many bytes. */
export const MAX_SUBMIT_BYTES = 1024 * 1024;

const NOTHING = new Uint8Array(0);
const FIRST_GROWTH_BYTES = 1_024;

/** Calls of one spec and one owner that will travel in one message. */
export class PendingSubmit {
  /** Begins with the first call: of an array that begins empty the engine expects numbers. */
  readonly calls: RemoteCall[];
  /** What it refers to. */
  readonly uploads: Upload[] = [];
  readonly #sizes: number[] = [];
  readonly #blobs: BlobAt[] = [];
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  /** @param first is to be added first */
  constructor(first: RemoteCall) {
    this.calls = [first];
  }

  /** Whether a call may join: it is of the same spec and owner, and there is room. */
  takes(call: RemoteCall, byteLength: number): boolean {
    const first = this.calls[0]!;
    return (
      first.spec === call.spec &&
      first.owner === call.owner &&
      this.calls.length < MAX_SUBMIT_TASKS &&
      this.#length + byteLength <= MAX_SUBMIT_BYTES
    );
  }

  /** Adds a call with its arguments. */
  add(call: RemoteCall, args: Encoded): void {
    this.#reserve(args.byteLength);
    let at = this.#length;
    for (const part of args.parts) {
      this.#bytes.set(part, at);
      at += part.byteLength;
    }
    this.#length = at;
    this.#take(call);
    this.#sizes.push(args.byteLength);
  }

  /** Adds a call whose arguments the head holds already, or is to take with this submission. */
  addBlob(call: RemoteCall, upload: Upload): void {
    const { ref } = upload;
    const index = this.#sizes.length;
    const file = upload.name?.();
    this.#blobs.push(file === undefined ? { index, ref } : { index, ref, file });
    this.uploads.push(upload);
    this.#take(call);
    this.#sizes.push(0);
  }

  /** Of the arguments that are in it. */
  get byteLength(): number {
    return this.#length;
  }

  /** The message; this submission must not be added to any more. */
  toMessage(): ClientMessage {
    const full = this.#length === this.#bytes.byteLength;
    const args = full ? this.#bytes : this.#bytes.slice(0, this.#length);
    const { spec, task } = this.calls[0]!;
    const isKeyed = this.calls[0]!.key !== undefined;
    const keys = isKeyed ? { keys: Buffer.concat(this.calls.map((call) => call.key!)) } : {};
    const submit = { spec: spec.number, first: task, sizes: this.#sizes, args, blobs: this.#blobs, ...keys };
    return { body: { $case: "submit", submit } };
  }

  #take(call: RemoteCall): void {
    if (call !== this.calls[0]) this.calls.push(call);
  }

  #reserve(byteLength: number): void {
    const needed = this.#length + byteLength;
    if (needed <= this.#bytes.byteLength) return;
    // A lone call gets exactly what it needs; the second one starts the doubling.
    const grown = this.#sizes.length === 0 ? needed : Math.max(needed * 2, FIRST_GROWTH_BYTES);
    const bytes = new Uint8Array(grown);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}

/** A message as it will travel, and the blobs that it refers to. */
interface Ready {
  readonly message: ClientMessage;
  readonly uploads: readonly Upload[];
}

const NO_UPLOADS: readonly Upload[] = [];

/** First in, first out: submissions and the messages between them. */
export class SendQueue {
  readonly #onMessage: () => void;
  #items: (PendingSubmit | Ready)[] = [];
  #head = 0;
  /** The last item, while calls may still join it. */
  #open: PendingSubmit | undefined;

  /** @param onMessage called when a message has been added, not when a call joins one */
  constructor(onMessage: () => void = () => {}) {
    this.#onMessage = onMessage;
  }

  /** Of the arguments that wait in it. */
  get byteLength(): number {
    let bytes = 0;
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i]!;
      if (item instanceof PendingSubmit) bytes += item.byteLength;
    }
    return bytes;
  }

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  /** Adds a call with its arguments: to the last submission if it takes it. */
  add(call: RemoteCall, args: Encoded): void {
    this.#submitFor(call, args.byteLength).add(call, args);
  }

  /** Adds a call whose arguments the head holds already. */
  addBlob(call: RemoteCall, upload: Upload): void {
    this.#submitFor(call, 0).addBlob(call, upload);
  }

  /** Adds a message as it is, and what it refers to. */
  push(message: ClientMessage, uploads: readonly Upload[] = NO_UPLOADS): void {
    this.#open = undefined;
    this.#items.push({ message, uploads });
    this.#onMessage();
  }

  /** Moves everything of another queue to the end of this one. */
  append(other: SendQueue): void {
    this.#open = undefined;
    for (let i = other.#head; i < other.#items.length; i++) this.#items.push(other.#items[i]!);
    other.clear();
    this.#onMessage();
  }

  /** The calls that wait in it, in order. */
  calls(): RemoteCall[] {
    return this.#items.slice(this.#head).flatMap((item) => (item instanceof PendingSubmit ? item.calls : []));
  }

  /** Forgets everything. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#open = undefined;
  }

  /** Takes out the submissions of one owner. */
  withdraw(owner: CallOwner): PendingSubmit[] {
    const withdrawn: PendingSubmit[] = [];
    const kept: (PendingSubmit | Ready)[] = [];
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i]!;
      if (item instanceof PendingSubmit && item.calls[0]!.owner === owner) withdrawn.push(item);
      else kept.push(item);
    }
    this.#items = kept;
    this.#head = 0;
    this.#open = undefined;
    return withdrawn;
  }

  /** What the first message refers to. */
  get nextUploads(): readonly Upload[] {
    return this.#items[this.#head]?.uploads ?? NO_UPLOADS;
  }

  /** Takes the first message; undefined when there is none. */
  next(): ClientMessage | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head] = TAKEN;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    }
    if (item === this.#open) this.#open = undefined;
    return item instanceof PendingSubmit ? item.toMessage() : item.message;
  }

  #submitFor(call: RemoteCall, byteLength: number): PendingSubmit {
    if (this.#open?.takes(call, byteLength)) return this.#open;
    const submit = new PendingSubmit(call);
    this.#items.push(submit);
    this.#open = submit;
    this.#onMessage();
    return submit;
  }
}

/** Stands where a message was taken, so that its bytes can be freed before the queue has emptied. */
const TAKEN: Ready = { message: { body: undefined }, uploads: NO_UPLOADS };
