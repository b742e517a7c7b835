/**
 * A class: the tasks of one spec of one session. They ask for the same, at the
 * same priority, so that one answer serves them all, and wait in one queue.
 *
 * The queue gives tasks in the order of submission; what is put back goes to the
 * front. A task that ends while it waits is skipped later, not searched for.
 */

import type { Estimate } from "./estimate.js";
import type { Level } from "./level.js";
import type { Line } from "./line.js";
import type { Session } from "./session.js";
import type { Shape } from "./shape.js";
import type { Task } from "./task.js";

/** The tasks of one spec. */
export interface TaskClass {
  readonly session: Session;
  readonly spec: number;
  readonly level: Level;
  /** Shared with the session's other classes of this level that ask for the same. */
  readonly line: Line;
  /** In order of preference. */
  readonly shapes: readonly Shape[];
  readonly retries: number;
  readonly failInfeasible: boolean;
  readonly queue: TaskQueue;
  readonly estimate: Estimate;
  /** Since when it could place nothing, on the clock of the events. */
  waitingSinceMs: number;
  /** Its client has been told that no worker could ever run it. */
  warned: boolean;
}

/** A first-in-first-out queue of tasks with a front for what comes back. */
export class TaskQueue {
  /** Put back; the next one last. */
  #front: Task[] = [];
  #back: Task[] = [];
  #from = 0;
  #live = 0;

  /** How many wait. */
  get size(): number {
    return this.#live;
  }

  /** Whether the next one was put back. */
  get hasReturned(): boolean {
    this.#skipEnded();
    return this.#front.length > 0;
  }

  push(task: Task): void {
    this.#back.push(task);
    this.#live += 1;
  }

  /** Puts a task back to the front, in order of number among those put back. */
  putBack(task: Task): void {
    const front = this.#front;
    let at = front.length;
    while (at > 0 && front[at - 1]!.number < task.number) at -= 1;
    front.splice(at, 0, task);
    this.#live += 1;
  }

  peek(): Task | undefined {
    this.#skipEnded();
    return this.#front[this.#front.length - 1] ?? this.#back[this.#from];
  }

  take(): Task | undefined {
    const task = this.peek();
    if (task === undefined) return undefined;
    if (this.#front.length > 0) this.#front.pop();
    else this.#advance();
    this.#live -= 1;
    return task;
  }

  /** Whether a waiting task was put back. */
  isReturned(task: Task): boolean {
    return this.#front[firstBelow(this.#front, task.number + 1)] === task;
  }

  /**
   * How many of those that wait go before a task of this number, put back or not.
   * Tasks that ended are counted until they are skipped.
   */
  before(number: number, returned: boolean): number {
    const front = this.#front.length - firstBelow(this.#front, number);
    const all = returned
      ? front
      : this.#front.length + firstFrom(this.#back, number, this.#from) - this.#from;
    return Math.min(all, this.#live);
  }

  /** Says that a waiting task has ended; its state must be "ended" already. */
  forget(): void {
    this.#live -= 1;
    if (this.#live === 0) {
      this.#front = [];
      this.#back = [];
      this.#from = 0;
    }
  }

  /** Those that wait, in order. */
  *[Symbol.iterator](): Generator<Task> {
    for (let i = this.#front.length - 1; i >= 0; i -= 1) {
      if (this.#front[i]!.state.type === "queued") yield this.#front[i]!;
    }
    for (let i = this.#from; i < this.#back.length; i += 1) {
      if (this.#back[i]!.state.type === "queued") yield this.#back[i]!;
    }
  }

  #skipEnded(): void {
    while (this.#front.length > 0 && this.#front[this.#front.length - 1]!.state.type === "ended")
      this.#front.pop();
    if (this.#front.length > 0) return;
    while (this.#from < this.#back.length && this.#back[this.#from]!.state.type === "ended") this.#advance();
  }

  #advance(): void {
    this.#from += 1;
    // Half of the array is behind us: give its memory back, at a constant cost per task.
    if (this.#from >= 1024 && this.#from * 2 >= this.#back.length) {
      this.#back = this.#back.slice(this.#from);
      this.#from = 0;
    }
  }
}

/** Where, in falling order of number, the first task below this number is. */
function firstBelow(tasks: readonly Task[], number: number): number {
  let from = 0;
  let to = tasks.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (tasks[middle]!.number < number) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** Where, in rising order of number, the first task from this number on is. */
function firstFrom(tasks: readonly Task[], number: number, from: number): number {
  let to = tasks.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (tasks[middle]!.number < number) from = middle + 1;
    else to = middle;
  }
  return from;
}
