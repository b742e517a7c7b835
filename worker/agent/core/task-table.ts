/** The tasks of an agent by what the head calls them. */

import { NumberedTable } from "../../../proto/numbered-table.js";
import type { Task } from "./task.js";

/** Tasks by session and number. */
export class TaskTable {
  readonly #sessions = new Map<number, NumberedTable<Task>>();
  #size = 0;
  /** The session that was used last: neighbours are mostly of one. */
  #lastSession = 0;
  #last: NumberedTable<Task> | undefined;
  /** The session that became empty last; it stays until another is: where there is one task at a time, no table is made for each. */
  #emptySession = 0;

  get size(): number {
    return this.#size;
  }

  get(session: number, number: number): Task | undefined {
    return this.#of(session)?.get(number);
  }

  has(session: number, number: number): boolean {
    return this.get(session, number) !== undefined;
  }

  add(task: Task): void {
    let tasks = this.#of(task.session);
    if (tasks === undefined) {
      tasks = new NumberedTable();
      this.#sessions.set(task.session, tasks);
      this.#lastSession = task.session;
      this.#last = tasks;
    }
    const before = tasks.size;
    tasks.set(task.task, task);
    this.#size += tasks.size - before;
  }

  delete({ session, task }: Pick<Task, "session" | "task">): void {
    const tasks = this.#of(session);
    if (tasks === undefined) return;
    const before = tasks.size;
    tasks.delete(task);
    this.#size += tasks.size - before;
    if (tasks.size > 0 || session === this.#emptySession) return;
    if (this.#sessions.get(this.#emptySession)?.size === 0) this.#sessions.delete(this.#emptySession);
    this.#emptySession = session;
  }

  /** Every one, session by session; may be changed meanwhile. */
  *values(): Generator<Task> {
    for (const tasks of this.#sessions.values()) yield* tasks.values();
  }

  #of(session: number): NumberedTable<Task> | undefined {
    if (session === this.#lastSession) return this.#last;
    const tasks = this.#sessions.get(session);
    if (tasks === undefined) return undefined;
    this.#lastSession = session;
    this.#last = tasks;
    return tasks;
  }
}
