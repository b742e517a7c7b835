/** Task numbers: each call gets the next one, and is found by it until it has ended. */

import { NumberedTable } from "../../proto/numbered-table.js";
import type { RemoteCall } from "./call.js";

/** Numbers calls. */
export class TaskNumbers {
  readonly #calls = new NumberedTable<RemoteCall>();
  #last = 0;

  /** The highest number given so far; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Numbers a call, if need be again. */
  give(call: RemoteCall): void {
    this.#last += 1;
    call.task = this.#last;
    this.#calls.set(this.#last, call);
  }

  get(task: number): RemoteCall | undefined {
    return this.#calls.get(task);
  }

  /** Forgets a call, if it has its number from here. */
  forget(call: RemoteCall): void {
    if (this.#calls.get(call.task) === call) this.#calls.delete(call.task);
  }

  /** Those that have not been forgotten. */
  calls(): Iterable<RemoteCall> {
    return this.#calls.values();
  }
}
