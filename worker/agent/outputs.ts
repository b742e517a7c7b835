/**
 * What tasks print, on its way to the head. While the link does not take bytes,
 * the latest of each task is kept and the rest dropped with a note.
 */

import type { WorkerMessage } from "../../proto/grain.js";
import type { Link } from "../../proto/link/link.js";
import type { Task } from "./core/task.js";

/** So much is kept of one task. */
const RING_BYTES = 1024 * 1024;
/** From so many bytes on that the link has not taken, output waits. */
const CONGESTED_BYTES = 1024 * 1024;
/** So much is kept of what a task or process wrote to standard error. */
const TAIL_BYTES = 64 * 1024;

interface Piece {
  readonly text: Uint8Array;
  readonly stderr: boolean;
}

interface Ring {
  readonly session: number;
  readonly task: number;
  pieces: Piece[];
  bytes: number;
  dropped: number;
}

type OutputLink = Pick<Link<WorkerMessage, never>, "send" | "pendingBytes" | "drained">;

/** The output of all tasks. */
export class Outputs {
  readonly #link: OutputLink;
  readonly #worker: string;
  readonly #rings = new Map<number, Ring>();
  #draining = false;

  constructor(link: OutputLink, worker: string) {
    this.#link = link;
    this.#worker = worker;
  }

  /** Takes what a task printed. */
  print(task: Task, text: Uint8Array, stderr: boolean): void {
    if (!this.#rings.has(task.ref) && this.#link.pendingBytes < CONGESTED_BYTES) {
      this.#send(task, text, stderr);
      return;
    }
    let ring = this.#rings.get(task.ref);
    if (ring === undefined) {
      ring = { session: task.session, task: task.task, pieces: [], bytes: 0, dropped: 0 };
      this.#rings.set(task.ref, ring);
    }
    ring.pieces.push({ text, stderr });
    ring.bytes += text.byteLength;
    while (ring.bytes > RING_BYTES && ring.pieces.length > 1) {
      const oldest = ring.pieces.shift()!;
      ring.bytes -= oldest.text.byteLength;
      ring.dropped += oldest.text.byteLength;
    }
    this.#drain();
  }

  /** A task is about to be reported as ended: what it printed goes first. */
  end(task: Task): void {
    const ring = this.#rings.get(task.ref);
    if (ring === undefined) return;
    this.#rings.delete(task.ref);
    this.#release(ring);
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    void this.#link.drained().then(() => {
      this.#draining = false;
      const rings = [...this.#rings.values()];
      this.#rings.clear();
      for (const ring of rings) this.#release(ring);
    });
  }

  #release(ring: Ring): void {
    if (ring.dropped > 0) {
      const note = `[${ring.dropped} bytes of output were dropped here: the head could not take them in time]\n`;
      this.#send(ring, Buffer.from(note), true);
    }
    for (const { text, stderr } of ring.pieces) this.#send(ring, text, stderr);
  }

  #send(of: { readonly session: number; readonly task: number }, text: Uint8Array, stderr: boolean): void {
    const output = { session: of.session, task: of.task, stderr, text, worker: this.#worker };
    this.#link.send({ body: { $case: "output", output } });
  }
}

/** The last of what was written to standard error. */
export class Tail {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  add(text: Uint8Array): void {
    this.#pieces.push(text);
    this.#bytes += text.byteLength;
    while (this.#pieces.length > 1 && this.#bytes - this.#pieces[0]!.byteLength >= TAIL_BYTES) {
      this.#bytes -= this.#pieces.shift()!.byteLength;
    }
  }

  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }

  get text(): string {
    const bytes = Buffer.concat(this.#pieces);
    return bytes.subarray(Math.max(0, bytes.byteLength - TAIL_BYTES)).toString("utf8");
  }
}
