/** Tells clients that asked how many of their tasks are in which state: while something changes, and not too often. */

import type { Counts } from "../../proto/grain.js";
import type { CoreView } from "../core/view.js";
import type { Registry } from "./registry.js";
import type { Session } from "./session.js";

const INTERVAL_MS = 200;

/** Sends counts. One timer for all sessions, and none while nothing changes. */
export class CountsTimer {
  readonly #registry: Registry;
  readonly #view: CoreView;
  readonly #changed = new Set<number>();
  readonly #sent = new Map<number, Counts>();
  #timer: NodeJS.Timeout | undefined;

  constructor(registry: Registry, view: CoreView) {
    this.#registry = registry;
    this.#view = view;
  }

  /** Something changed for this session: its counts are sent within 200 ms, if its client wants them. */
  changed(session: Session): void {
    if (!session.counts) return;
    this.#changed.add(session.number);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#fire(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** What a client was told is not known to it any more, or not needed. */
  forget(session: number): void {
    this.#sent.delete(session);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#changed.clear();
  }

  #fire(): void {
    this.#timer = undefined;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const session of changed) this.#send(session);
  }

  #send(number: number): void {
    const peer = this.#registry.sessions.get(number)?.peer;
    const seen = this.#view.session(number);
    if (peer === undefined || seen === undefined) return;
    const { queued, running } = seen;
    const counts: Counts = { queued, running, workers: this.#registry.connectedWorkers };
    if (sameCounts(this.#sent.get(number), counts)) return;
    this.#sent.set(number, counts);
    peer.send({ body: { $case: "counts", counts } });
  }
}

/** Whether two counts say the same. */
function sameCounts(a: Counts | undefined, b: Counts): boolean {
  return a !== undefined && a.queued === b.queued && a.running === b.running && a.workers === b.workers;
}
