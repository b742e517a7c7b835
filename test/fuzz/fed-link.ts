/** One side of a link, whose other side is a test: what it feeds is handled within the call, so that it sees what is thrown. */

import type { Link, LinkEnd, LinkHandler } from "../../proto/link/link.js";

/** A link that a test feeds. */
export class FedLink<Out, In> implements Link<Out, In> {
  readonly sent: Out[] = [];
  readonly pendingBytes = 0;
  #handler: LinkHandler<In> | undefined;
  #ended = false;

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** The peer sends this. Throws what its handler throws. */
  feed(batch: In[]): void {
    if (!this.#ended) this.#handler?.messages(batch);
  }

  /** The peer ends it like this. */
  end(end: LinkEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#handler?.ended(end);
  }

  send(message: Out): void {
    if (!this.#ended) this.sent.push(message);
  }

  flush(): void {}

  receive(handler: LinkHandler<In>): void {
    this.#handler = handler;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  pause(): void {}

  close(): void {
    this.#endSoon({ type: "closed" });
  }

  destroy(message: string): void {
    this.#endSoon({ type: "broken", message });
  }

  #endSoon(end: LinkEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    queueMicrotask(() => this.#handler?.ended(end));
  }
}
