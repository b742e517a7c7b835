/** The scheduler of a simulated cluster over all of its lives, and its journal, of which the disk is a map. */

import { Changes, written } from "../../head/journal/changes.js";
import { Ledger } from "../../head/journal/ledger.js";
import { type Recovery, recover } from "../../head/journal/recover.js";
import { CoreDriver, type TestEffect, type TestEvent } from "../kit/core.js";
import { WORD_HEAD, WordCodec } from "../kit/word-codec.js";
import type { WorldOptions } from "./member.js";

type WordLedger = Ledger<string, string, string>;

export class LastingHead {
  driver: CoreDriver;
  /** Lives so far. */
  life = 1;
  /** Events that planned. */
  plans = 0;
  /** Workers that it has given up. */
  lost = 0;
  /** It was killed, and is not started again yet. */
  isDown = false;
  #ledger: WordLedger;
  #codec: WordCodec;
  #changes: Changes;
  readonly #disk = new Map<string, Uint8Array>();
  readonly #options: WorldOptions;
  readonly #nowMs: () => number;
  readonly #changed: () => void;
  #earlierSteps = 0;

  /** @param changed there is something to write, when there was nothing */
  constructor(options: WorldOptions, nowMs: () => number, changed: () => void) {
    this.#options = options;
    this.#nowMs = nowMs;
    this.#changed = changed;
    this.driver = new CoreDriver(options.scheduling, options.checkEvery);
    this.#codec = new WordCodec(nowMs);
    this.#changes = new Changes(changed);
    this.#ledger = this.#newLedger();
  }

  /** Events given to the core in all lives. */
  get steps(): number {
    return this.#earlierSteps + this.driver.events.length;
  }

  step(event: TestEvent): TestEffect[] {
    if (event.type === "planDue") this.plans += 1;
    if (event.type === "workerLost" && !event.planned) this.lost += 1;
    this.driver.nowMs = this.#nowMs();
    this.#codec.note(event);
    const effects = this.driver.step(event);
    this.#ledger.record(event, effects);
    return effects;
  }

  /** Whether a task, "session.task", is on this worker as far as the head knows. */
  knows(task: string, worker: number): boolean {
    const [session, number] = task.split(".").map(Number) as [number, number];
    const state = this.driver.core.view.internals.sessions.get(session)?.tasks.get(number)?.state;
    return state !== undefined && "worker" in state && state.worker.number === worker;
  }

  acknowledged(session: number, tasks: readonly number[]): void {
    this.#ledger.acknowledged(session, tasks);
  }

  /** What has changed is on the disk. */
  commit(): void {
    this.#ledger.noteEstimates();
    const batch = this.#changes.take();
    for (const [key, entry] of batch) {
      if (entry === undefined) this.#disk.delete(key);
      else this.#disk.set(key, entry.encode!());
    }
    written(batch);
  }

  /** It is killed: what is not on the disk is gone. */
  kill(): void {
    this.isDown = true;
    this.life += 1;
  }

  /** It is started again. */
  recover(): Recovery<string, string, string> {
    this.#earlierSteps += this.driver.events.length;
    this.driver = new CoreDriver(this.#options.scheduling, this.#options.checkEvery);
    this.driver.nowMs = this.#nowMs();
    this.#codec = new WordCodec(this.#nowMs);
    this.#changes = new Changes(this.#changed);
    this.#ledger = this.#newLedger();
    const records = [...this.#disk].sort(([a], [b]) => (a < b ? -1 : 1));
    const recovery = recover(this.#ledger, records);
    if (recovery.damages.length > 0) throw new Error(recovery.damages.join("\n"));
    for (const event of recovery.events) this.driver.step(event);
    this.isDown = false;
    return recovery;
  }

  #newLedger(): WordLedger {
    return new Ledger(this.#changes, this.#codec, this.driver.core.view, WORD_HEAD);
  }
}
