/** Blobs that nothing refers to: dropped after a while. One timer for all, and none while there is none. */

/** Remembers when each was last needed. */
export class Grace {
  readonly #graceMs: number;
  readonly #nowMs: () => number;
  readonly #expire: (hash: string) => void;
  /** In the order in which they run out: each is put last when it is touched. */
  readonly #deadlines = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param expire told each blob whose time has run out */
  constructor(graceMs: number, nowMs: () => number, expire: (hash: string) => void) {
    this.#graceMs = graceMs;
    this.#nowMs = nowMs;
    this.#expire = expire;
  }

  /** Its time begins, or begins anew. */
  begin(hash: string): void {
    this.#deadlines.delete(hash);
    this.#deadlines.set(hash, this.#nowMs() + this.#graceMs);
    if (this.#timer === undefined) this.#wait(this.#graceMs);
  }

  /** Its time begins anew, if it had begun. */
  touch(hash: string): void {
    if (this.#deadlines.has(hash)) this.begin(hash);
  }

  /** Something refers to it again. */
  end(hash: string): void {
    this.#deadlines.delete(hash);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#deadlines.clear();
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#fire(), ms);
    this.#timer.unref();
  }

  #fire(): void {
    this.#timer = undefined;
    const nowMs = this.#nowMs();
    for (const [hash, deadlineMs] of this.#deadlines) {
      if (deadlineMs > nowMs) {
        // Rounded up: a timer may fire within the millisecond before.
        this.#wait(Math.ceil(deadlineMs - nowMs));
        return;
      }
      this.#deadlines.delete(hash);
      this.#expire(hash);
    }
  }
}
