/** A journal in memory: a map for the disk, and a codec for the scheduler of tests, whose sources and results are words. */

import { Core } from "../../../head/core/core.js";
import type { State } from "../../../head/core/state.js";
import type { Task } from "../../../head/core/task.js";
import { Changes, written } from "../../../head/journal/changes.js";
import { Ledger } from "../../../head/journal/ledger.js";
import { type Recovery, recover } from "../../../head/journal/recover.js";
import type { TestEvent } from "../../kit/core.js";
import { WORD_HEAD, WordCodec } from "../../kit/word-codec.js";

/** A scheduler with a journal on a disk that is a map. */
export class JournalledCore {
  readonly core = new Core<string, string, string>();
  readonly disk: Map<string, Uint8Array>;
  readonly changes = new Changes(() => {});
  readonly recovery: Recovery<string, string, string>;
  readonly #codec = new WordCodec();
  readonly #ledger: Ledger<string, string, string>;
  /** What has been delivered and not acknowledged: session, then task, to how it ended. */
  readonly unacknowledged = new Map<number, Map<number, string>>();
  nowMs = 0;

  /** @param disk as an earlier one has left it */
  constructor(disk: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.disk = new Map(disk);
    this.#ledger = new Ledger(this.changes, this.#codec, this.core.view, WORD_HEAD);
    const records = [...this.disk].sort(([a], [b]) => (a < b ? -1 : 1));
    this.recovery = recover(this.#ledger, records);
    for (const event of this.recovery.events) this.core.step(event, 0);
    for (const { number, results } of this.recovery.sessions) {
      const map = new Map<number, string>();
      for (const { record, tasks } of results) for (const task of tasks) map.set(task, record.type);
      this.unacknowledged.set(number, map);
    }
  }

  step(event: TestEvent, nowMs: number): void {
    this.nowMs = nowMs;
    if (event.type === "sessionOpened") this.unacknowledged.set(event.session, new Map());
    this.#codec.note(event);
    const effects = this.core.step(event, nowMs);
    this.#ledger.record(event, effects);
    if (event.type === "sessionClosed") this.unacknowledged.delete(event.session);
    for (const effect of effects) {
      if (effect.type === "deliver") this.#ended(effect.session, effect.tasks, "results");
      if (effect.type === "reject") this.#ended(effect.session, [effect.task], "failure");
      if (effect.type === "conclude") this.#ended(effect.session, effect.tasks, "concluded");
    }
  }

  acknowledge(session: number, tasks: readonly number[]): void {
    for (const task of tasks) this.unacknowledged.get(session)?.delete(task);
    this.#ledger.acknowledged(session, tasks);
  }

  #ended(session: number, tasks: readonly number[], how: string): void {
    for (const task of tasks) this.unacknowledged.get(session)?.set(task, how);
  }

  /** What has changed is on the disk. @param fails it was not, the first time */
  commit(fails = false): void {
    const batch = this.changes.take();
    if (fails) {
      this.changes.bringBack(batch);
      return;
    }
    for (const [key, entry] of batch) {
      if (entry === undefined) this.disk.delete(key);
      else this.disk.set(key, entry.encode!());
    }
    written(batch);
  }

  /** What must be the same after a crash. */
  snapshot(): unknown {
    const state = this.core.view.internals;
    return {
      workers: [...state.workers.keys()].sort(),
      groups: [...state.groups].map(([name, group]) => [name, { ...group }]),
      sessions: [...state.sessions.values()].filter(({ closed }) => !closed).map((each) => sessionOf(each)),
      unacknowledged: [...this.unacknowledged].map(([session, tasks]) => [session, [...tasks].sort(byTask)]),
    };
  }
}

function byTask([a]: [number, string], [b]: [number, string]): number {
  return a - b;
}

type CoreSession = State["sessions"] extends Map<number, infer S> ? S : never;

function sessionOf({ number, name, prioritized, priority, classes, tasks, queued, placed }: CoreSession) {
  return {
    number,
    name,
    prioritized,
    priority,
    queued,
    placed,
    specs: [...classes.values()]
      .filter(({ alone, queue }) => !alone || queue.size > 0)
      .map((cls) => ({
        spec: cls.spec,
        level: [cls.level.prioritized, cls.level.priority],
        shapes: cls.shapes.map(({ key }) => key),
        retries: cls.retries,
        failInfeasible: cls.failInfeasible,
        queue: [...cls.queue],
      })),
    tasks: [...tasks.values()].map((task) => taskOf(task)).sort((a, b) => a.task - b.task),
  };
}

function taskOf({
  number,
  class: cls,
  attempt,
  failures,
  lostWorkers,
  again,
  memoryFailures,
  state,
  gang,
}: Task) {
  const stopping = state.type === "stopping" ? (state.again ? "again" : "over") : undefined;
  return {
    task: number,
    spec: cls.spec,
    attempt,
    failures,
    // Of one that is not to run again they do not matter.
    lostWorkers: stopping === "over" ? [] : (lostWorkers ?? []),
    again,
    memoryFailures,
    delayed: state.type === "delayed",
    worker: "worker" in state ? state.worker.number : undefined,
    gang: gang?.map((each) => each.number),
    stopping,
  };
}
