/** A link within one process: the embedded mode's transport, and the tests'. Nothing is encoded. */

import type { Link, LinkEnd, LinkHandler } from "./link.js";

class MemoryLink<Out, In> implements Link<Out, In> {
  #peer: MemoryLink<In, Out> | undefined;
  #outgoing: Out[] = [];
  #incoming: In[][] = [];
  #handler: LinkHandler<In> | undefined;
  #flushDue = false;
  #deliverDue = false;
  #paused = false;
  #end: LinkEnd | undefined;
  #endTold = false;

  join(peer: MemoryLink<In, Out>): void {
    this.#peer = peer;
  }

  get pendingBytes(): number {
    return 0;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  send(message: Out): void {
    if (this.#end !== undefined) return;
    this.#outgoing.push(message);
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#flushDue = false;
    if (this.#outgoing.length === 0 || this.#peer === undefined) return;
    const batch = this.#outgoing;
    this.#outgoing = [];
    this.#peer.#arrive(batch);
  }

  receive(handler: LinkHandler<In>): void {
    this.#handler = handler;
    this.#scheduleDelivery();
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#scheduleDelivery();
  }

  close(): void {
    if (this.#end !== undefined) return;
    this.flush();
    this.#finish({ type: "closed" });
    if (this.#peer !== undefined) this.#peer.#finish({ type: "closed" });
  }

  destroy(message: string): void {
    if (this.#end !== undefined) return;
    this.#outgoing = [];
    this.#incoming = [];
    this.#finish({ type: "broken", message });
    if (this.#peer !== undefined) {
      this.#peer.#finish({ type: "broken", message: "the other side ended the connection" });
    }
  }

  #arrive(batch: In[]): void {
    if (this.#end !== undefined) return;
    this.#incoming.push(batch);
    this.#scheduleDelivery();
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#scheduleDelivery();
  }

  #scheduleDelivery(): void {
    if (this.#deliverDue || this.#handler === undefined || this.#paused) return;
    if (this.#incoming.length === 0 && this.#end === undefined) return;
    this.#deliverDue = true;
    // Never within the peer's send or flush: a handler would see the peer in mid-change.
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    this.#deliverDue = false;
    const handler = this.#handler;
    if (handler === undefined || this.#paused) return;
    const batches = this.#incoming;
    this.#incoming = [];
    for (const batch of batches) handler.messages(batch);
    if (this.#end !== undefined && !this.#endTold && this.#incoming.length === 0) {
      this.#endTold = true;
      handler.ended(this.#end);
    }
  }
}

/**
 * Makes two ends of one link in this process.
 *
 * @returns both ends; what one sends the other receives, in order, never within `send`
 * @example
 * const [client, head] = memoryLink<ClientMessage, HeadToClient>();
 */
export function memoryLink<A, B>(): [Link<A, B>, Link<B, A>] {
  const left = new MemoryLink<A, B>();
  const right = new MemoryLink<B, A>();
  left.join(right);
  right.join(left);
  return [left, right];
}
