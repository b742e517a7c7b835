/** Cuts long work into slices, so that whatever else waits for the event loop comes in between. */

/** The longest slice. Half of the 10 ms that nothing in the head may exceed: a piece of work may end late. */
const SLICE_MS = 4;

/** Counts the time of work that is done in pieces. */
export class Slices {
  #sinceMs = performance.now();

  /** Call between pieces, each well below a slice: lets others run when it is time to. */
  async pause(): Promise<void> {
    if (performance.now() - this.#sinceMs < SLICE_MS) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#sinceMs = performance.now();
  }
}
