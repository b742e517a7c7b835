/**
 * A worker of one core that runs nothing: granted tasks begin at once, what waits takes the place of what has ended,
 * in the order in which it came. What has happened is told as a worker's agent tells it: by the same code.
 *
 * Not its job: connecting, and what a demand of more than its core is.
 */

import type { Assign, HeadToWorker, WorkerMessage } from "../proto/grain.js";
import type { Link } from "../proto/link/link.js";
import { Reports } from "../worker/agent/reports.js";

/** Calls back at a time. */
export interface Timers {
  at(dueMs: number, then: () => void): void;
}

interface Waiting {
  readonly session: number;
  readonly task: number;
  readonly attempt: number;
  readonly arrivedMs: number;
}

const NOTHING = new Uint8Array(0);

export class PlayedWorker {
  readonly #link: Link<WorkerMessage, HeadToWorker>;
  readonly #reports: Reports;
  readonly #taskMs: number;
  readonly #timers: Timers;
  #waiting: Waiting[] = [];
  #running = 0;

  constructor(link: Link<WorkerMessage, HeadToWorker>, taskMs: number, timers: Timers) {
    this.#link = link;
    this.#reports = new Reports(link, "");
    this.#taskMs = taskMs;
    this.#timers = timers;
  }

  take(body: NonNullable<HeadToWorker["body"]>): void {
    switch (body.$case) {
      case "assign":
        return this.#assigned(body.assign);
      case "promote":
        for (const task of this.#remove(body.promote)) this.#begin(task, performance.now());
        return;
      case "retract":
        for (const task of this.#remove(body.retract)) this.#reports.returned(task);
        return this.#reports.settle(this.#waiting.length);
      case "cancel":
        throw new Error("a played worker cannot cancel");
    }
  }

  /** Lets the head know that it lives. */
  beat(everyMs: number): void {
    setInterval(
      () =>
        this.#link.send({
          body: { $case: "heartbeat", heartbeat: { running: this.#running, loopLagMs: 0 } },
        }),
      everyMs,
    ).unref();
  }

  #assigned({ session, tasks, attempts, granted, reportMs }: Assign): void {
    this.#reports.pace(reportMs);
    const now = performance.now();
    for (let i = 0; i < tasks.length; i += 1) {
      const task = { session, task: tasks[i]!, attempt: attempts[i] ?? 1, arrivedMs: now };
      if (granted) this.#begin(task, now);
      else this.#waiting.push(task);
    }
  }

  #begin(task: Waiting, atMs: number): void {
    this.#running += 1;
    const dueMs = atMs + this.#taskMs;
    this.#timers.at(dueMs, () => this.#end(task, dueMs));
  }

  #end(task: Waiting, endedMs: number): void {
    this.#running -= 1;
    this.#reports.finished(task, NOTHING, Math.round(this.#taskMs * 1000));
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#reports.started(next);
      this.#begin(next, Math.max(endedMs, next.arrivedMs));
    }
    this.#reports.settle(this.#waiting.length);
  }

  #remove({ session, tasks }: { session: number; tasks: number[] }): Waiting[] {
    const named = new Set(tasks);
    const removed = this.#waiting.filter((task) => task.session === session && named.has(task.task));
    this.#waiting = this.#waiting.filter((task) => !removed.includes(task));
    return removed;
  }
}
