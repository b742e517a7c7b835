/**
 * The queue of a class: in the order of submission; what is put back goes to the front.
 *
 * What has been submitted waits as *batches*, ranges of task numbers, and becomes single
 * tasks only when taken. So a submission costs the same however many tasks it holds, and a
 * million queued tasks are a few hundred objects that the garbage collector has to visit.
 */

import { QUEUED, type Task } from "./task.js";
import type { TaskClass } from "./task-class.js";

/** Tasks of one class that were submitted together and of which none has been looked at. */
export interface Batch {
  readonly class: TaskClass;
  readonly first: number;
  /** The number after the last. */
  readonly end: number;
  /** The first of them that still waits; `end`: none does. */
  next: number;
  /** Where their arguments are: task `number` is item `number - base`. Opaque; let go when none waits. */
  source: unknown;
  readonly base: number;
  /** Those from `next` on that have ended; `next` is never one of them. */
  dropped: Set<number> | undefined;
}

/** A first-in-first-out queue of tasks with a front for what comes back. */
export class TaskQueue {
  /** Put back; the next one last. */
  #front: Task[] = [];
  #batches: Batch[] = [];
  #from = 0;
  #live = 0;

  /** How many wait. */
  get size(): number {
    return this.#live;
  }

  /** Whether the next one is to run again. */
  get runsAgain(): boolean {
    const { length } = this.#front;
    return length > 0 && this.#front[length - 1]!.again;
  }

  /** Whether the next one was put back. */
  get hasPutBack(): boolean {
    return this.#front.length > 0;
  }

  /** The number of the next one. */
  get next(): number | undefined {
    // An array is never asked for what it cannot have: the engine would look for a property of that name.
    const { length } = this.#front;
    if (length > 0) return this.#front[length - 1]!.number;
    return this.#from < this.#batches.length ? this.#batches[this.#from]!.next : undefined;
  }

  push(batch: Batch): void {
    this.#batches.push(batch);
    this.#live += batch.end - batch.next;
  }

  /** Puts a task back to the front, in order of number among those put back. */
  putBack(task: Task): void {
    this.#front.splice(firstBelow(this.#front, task.number), 0, task);
    this.#live += 1;
  }

  /** The next task; one that was never looked at becomes known to its session now. */
  take(): Task | undefined {
    const returned = this.#front.pop();
    if (returned !== undefined) {
      this.#live -= 1;
      return returned;
    }
    const batch = this.#batches[this.#from];
    if (batch === undefined) return undefined;
    const task = newTask(batch.class, batch.next, batch.source, batch.next - batch.base);
    task.class.session.tasks.set(task.number, task);
    this.#pass(batch);
    this.#live -= 1;
    return task;
  }

  /** Takes out a task that was put back. */
  remove(task: Task): void {
    const at = firstBelow(this.#front, task.number + 1);
    if (this.#front[at] !== task) return;
    this.#front.splice(at, 1);
    this.#live -= 1;
  }

  /** Takes out one of a batch: it is over before anybody looked at it. It must still wait. */
  drop(batch: Batch, number: number): void {
    this.#live -= 1;
    if (number !== batch.next) {
      batch.dropped ??= new Set();
      batch.dropped.add(number);
    } else this.#pass(batch);
  }

  /** Takes one out of a batch, whichever is next. It must still wait. */
  takeOut(batch: Batch, number: number): Task {
    const task = newTask(batch.class, number, batch.source, number - batch.base);
    task.class.session.tasks.set(number, task);
    this.drop(batch, number);
    return task;
  }

  /** Takes out everything. Tasks that were put back are returned: they are known to their session. */
  clear(): Task[] {
    const front = this.#front;
    for (const batch of this.#batches) exhaust(batch);
    this.#front = [];
    this.#batches = [];
    this.#from = 0;
    this.#live = 0;
    return front;
  }

  /** Whether a waiting task was put back. */
  isPutBack(number: number): boolean {
    return this.#front[firstBelow(this.#front, number + 1)]?.number === number;
  }

  /** How many of those that wait go before a task of this number, put back or not. */
  before(number: number, putBack: boolean): number {
    if (putBack) return this.#front.length - firstBelow(this.#front, number);
    let before = this.#front.length;
    for (let i = this.#from; i < this.#batches.length; i += 1) {
      const { next, end, dropped } = this.#batches[i]!;
      if (next >= number) break;
      before += Math.min(end, number) - next;
      for (const gone of dropped ?? []) if (gone < number) before -= 1;
    }
    return before;
  }

  /** The numbers of those that wait, in order. */
  *[Symbol.iterator](): Generator<number> {
    for (let i = this.#front.length - 1; i >= 0; i -= 1) yield this.#front[i]!.number;
    for (let i = this.#from; i < this.#batches.length; i += 1) {
      const { next, end, dropped } = this.#batches[i]!;
      for (let number = next; number < end; number += 1) if (dropped?.has(number) !== true) yield number;
    }
  }

  /** Goes over a batch's next one, and over those behind it that have ended. */
  #pass(batch: Batch): void {
    do {
      batch.next += 1;
    } while (batch.dropped?.delete(batch.next) === true);
    if (isEmpty(batch)) exhaust(batch);
    while (this.#from < this.#batches.length && isEmpty(this.#batches[this.#from]!)) this.#from += 1;
    // Half of the array is behind us: give its memory back, at a constant cost per batch.
    if (this.#from < 64 || this.#from * 2 < this.#batches.length) return;
    this.#batches = this.#batches.slice(this.#from);
    this.#from = 0;
  }
}

/** Whether nothing of a batch waits any more. */
export function isEmpty(batch: Batch): boolean {
  return batch.next >= batch.end;
}

/** Whether this one of the batch waits. */
export function waitsIn(batch: Batch, number: number): boolean {
  return number >= batch.next && number < batch.end && batch.dropped?.has(number) !== true;
}

function exhaust(batch: Batch): void {
  batch.next = batch.end;
  batch.source = undefined;
  batch.dropped = undefined;
}

/** A task that has been nowhere yet. Its arguments are item `index` of `source`. */
export function newTask(cls: TaskClass, number: number, source: unknown, index: number): Task {
  return {
    class: cls,
    number,
    attempt: 1,
    state: QUEUED,
    source,
    index,
    grantedMs: 0,
    gang: undefined,
    again: false,
    failures: 0,
    memoryFailures: 0,
    lostWorkers: undefined,
    cancelledBy: undefined,
  };
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
