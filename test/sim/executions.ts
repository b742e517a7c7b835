/** The executions of a simulated cluster that began: those of one task in one life of the head with rising attempts. */

import type { Begin } from "./member.js";
import type { WorkerTask } from "./model-worker.js";

export class Executions {
  readonly started: Begin[] = [];
  /** The last of each task. */
  readonly #last = new Map<string, { readonly attempt: number; readonly life: number }>();

  /** @param life of the head that ordered it, as far as is known */
  begin(name: string, task: WorkerTask, atMs: number, life: number): void {
    this.started.push({ atMs, task });
    const { attempt } = task;
    const before = this.#last.get(name);
    if (before !== undefined && attempt <= before.attempt && life === before.life)
      throw new Error(`attempt ${attempt} of task ${name} began after attempt ${before.attempt}`);
    this.#last.set(name, { attempt, life });
  }
}
