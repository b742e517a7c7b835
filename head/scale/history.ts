/** The last decisions, each once. */

/** One of them. */
export interface Entry {
  readonly atMs: number;
  readonly text: string;
}

/** Older ones are forgotten. */
const KEPT = 200;

/** How it is logged: as what goes on, or as what somebody should look at. */
type Level = "info" | "warn";

/** Keeps them. */
export class History {
  readonly #entries: Entry[] = [];
  #key: string | undefined;

  /** @param log is told each that is kept */
  constructor(private readonly log: (text: string, level: Level) => void) {}

  /** The latest first. */
  get entries(): readonly Entry[] {
    return [...this.#entries].reverse();
  }

  add(atMs: number, text: string, level: Level = "info"): void {
    this.#entries.push({ atMs, text });
    if (this.#entries.length > KEPT) this.#entries.shift();
    this.log(text, level);
  }

  /** Adds it if it is not decided for the same reasons as what was decided last. */
  decided(atMs: number, [situation = "", ...why]: readonly string[], acts: boolean): void {
    const key = why.join("; ");
    if (!acts && key === this.#key) return;
    this.#key = key;
    // That all is as it should be goes without saying.
    if (!acts && why.length === 0) return;
    this.add(atMs, [situation, ...why].join("; "));
  }
}
