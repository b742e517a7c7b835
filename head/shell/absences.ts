/** Peers whose connection was lost, each with the time after which it is not waited for any more. */

/** Waits for peers. */
export class Absences<Peer> {
  readonly #waiting = new Map<Peer, NodeJS.Timeout>();

  /** Waits for a peer. @param over called when it has not come back in time */
  begin(peer: Peer, ms: number, over: () => void): void {
    this.end(peer);
    const timer = setTimeout(() => {
      this.#waiting.delete(peer);
      over();
    }, ms);
    timer.unref();
    this.#waiting.set(peer, timer);
  }

  /** It is back, or is not waited for any more. */
  end(peer: Peer): void {
    clearTimeout(this.#waiting.get(peer));
    this.#waiting.delete(peer);
  }

  close(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
