/**
 * A session's tasks by number: a map for numbers given out in sequence.
 *
 * A plain Map of a million entries is copied whole, in one step of 100 ms, each time it is
 * full of what has been deleted. Here numbers are looked up in pages, and an empty page goes.
 */

import type { Task } from "./task.js";

const PAGE_BITS = 10;
const PAGE = 1 << PAGE_BITS;

interface Page {
  readonly tasks: (Task | undefined)[];
  live: number;
}

/** Tasks by number. Numbers are whole and not negative. */
export class TaskTable {
  readonly #pages = new Map<number, Page>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(number: number): Task | undefined {
    return this.#pages.get(Math.floor(number / PAGE))?.tasks[number % PAGE];
  }

  has(number: number): boolean {
    return this.get(number) !== undefined;
  }

  set(number: number, task: Task): void {
    const at = Math.floor(number / PAGE);
    let page = this.#pages.get(at);
    if (page === undefined) {
      page = { tasks: new Array<Task | undefined>(PAGE).fill(undefined), live: 0 };
      this.#pages.set(at, page);
    }
    if (page.tasks[number % PAGE] === undefined) {
      page.live += 1;
      this.#size += 1;
    }
    page.tasks[number % PAGE] = task;
  }

  delete(number: number): void {
    const at = Math.floor(number / PAGE);
    const page = this.#pages.get(at);
    if (page?.tasks[number % PAGE] === undefined) return;
    page.tasks[number % PAGE] = undefined;
    page.live -= 1;
    this.#size -= 1;
    if (page.live === 0) this.#pages.delete(at);
  }

  /** Every task, page by page. */
  *values(): Generator<Task> {
    for (const { tasks } of this.#pages.values())
      for (const task of tasks) if (task !== undefined) yield task;
  }
}
