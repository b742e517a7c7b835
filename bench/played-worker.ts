/**
 * A worker of one core that runs nothing: granted tasks begin at once, what waits takes the place of what has ended,
 * in the order in which it came. Results are told when the task's time is over.
 *
 * Not its job: connecting, and what a demand of more than its core is.
 */

import type { Assign, HeadToWorker, WorkerMessage } from "../proto/grain.js";
import type { Link } from "../proto/link/link.js";

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
  readonly #taskMs: number;
  readonly #timers: Timers;
  #waiting: Waiting[] = [];
  #running = 0;

  constructor(link: Link<WorkerMessage, HeadToWorker>, taskMs: number, timers: Timers) {
    this.#link = link;
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
        return this.#giveBack(this.#remove(body.retract));
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

  #assigned({ session, tasks, attempts, granted }: Assign): void {
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

  #end({ session, task, attempt }: Waiting, endedMs: number): void {
    this.#running -= 1;
    const runUs = [Math.round(this.#taskMs * 1000)];
    this.#link.send({
      body: {
        $case: "finished",
        finished: {
          session,
          tasks: [task],
          attempts: [attempt],
          sizes: [0],
          values: NOTHING,
          blobs: [],
          runUs,
        },
      },
    });
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#link.send({
      body: {
        $case: "started",
        started: { session: next.session, tasks: [next.task], attempts: [next.attempt] },
      },
    });
    this.#begin(next, Math.max(endedMs, next.arrivedMs));
  }

  #remove({ session, tasks }: { session: number; tasks: number[] }): Waiting[] {
    const named = new Set(tasks);
    const removed = this.#waiting.filter((task) => task.session === session && named.has(task.task));
    this.#waiting = this.#waiting.filter((task) => !removed.includes(task));
    return removed;
  }

  #giveBack(given: Waiting[]): void {
    const bySession = new Map<number, Waiting[]>();
    for (const task of given) bySession.set(task.session, [...(bySession.get(task.session) ?? []), task]);
    for (const [session, tasks] of bySession) {
      this.#link.send({
        body: {
          $case: "returned",
          returned: {
            session,
            tasks: tasks.map(({ task }) => task),
            attempts: tasks.map(({ attempt }) => attempt),
          },
        },
      });
    }
  }
}
