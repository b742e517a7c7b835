/** The streams that are being served, whether their peers have said hello or not; and their end. */

import type { Link, LinkEnd, LinkHandler } from "../../proto/link/link.js";

/** How long a peer may take to read its goodbye. */
const GOODBYE_MS = 1_000;

type AnyLink = Pick<Link<never, never>, "close" | "destroy">;

/** Every stream of a head. */
export class Links {
  readonly #open = new Set<AnyLink>();
  #closing = false;
  #allEnded: () => void = () => {};

  /** Lets the handler hear the stream, and remembers it until it has ended. */
  serve<Out, In>(link: Link<Out, In>, handler: LinkHandler<In>): void {
    // One that comes during the end is told so by its handler, and is not waited for.
    if (!this.#closing) this.#open.add(link);
    link.receive({
      messages: (batch) => handler.messages(batch),
      ended: (end: LinkEnd) => {
        this.#open.delete(link);
        handler.ended(end);
        if (this.#closing && this.#open.size === 0) this.#allEnded();
      },
    });
  }

  /** Ends every stream: what has been sent goes out first, unless the peer does not read it within a second. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#destroyAll(), GOODBYE_MS);
      this.#allEnded = () => {
        clearTimeout(timer);
        resolve();
      };
      for (const link of [...this.#open]) link.close();
    });
  }

  #destroyAll(): void {
    for (const link of [...this.#open]) link.destroy("the head is shutting down");
  }
}
