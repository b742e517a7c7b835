/**
 * A line: the classes of one session, at one level, that ask for the same.
 *
 * Whether one of them fits is whether all of them do, so a decision looks at lines
 * and never at the classes in them. Within a line the class whose next task was
 * submitted first goes first; what is to run again goes before everything else.
 */

import { KeyedHeap } from "./heap.js";
import type { Level } from "./level.js";
import type { Session } from "./session.js";
import type { Shape } from "./shape.js";
import type { TaskClass } from "./task-class.js";

/** Puts a task that runs again before any number a client can give. */
const AGAIN = 2 ** 40;

/** The classes with queued tasks of one session and level with one request. */
export class Line {
  readonly #classes = new KeyedHeap<TaskClass>();
  /** Since when it could place nothing, on the clock of the events. */
  waitingSinceMs = 0;

  constructor(
    readonly level: Level,
    readonly session: Session,
    /** In order of preference. */
    readonly shapes: readonly Shape[],
  ) {}

  /** How many classes wait in it. */
  get size(): number {
    return this.#classes.size;
  }

  [Symbol.iterator](): Iterator<TaskClass> {
    return this.#classes[Symbol.iterator]();
  }

  /** The class whose turn it is. The line must not be empty. */
  first(): TaskClass {
    for (;;) {
      const first = this.#classes.first!;
      const key = keyOf(first);
      if (key === this.#classes.firstKey) return first;
      // Its next task was cancelled in the meantime: it may have to go further back.
      this.#classes.rekeyFirst(key);
    }
  }

  /** Orders the lines of one session, smaller first; negative: the next task is to run again. */
  get key(): number {
    return keyOf(this.first());
  }

  /** A class has got its first queued task. */
  add(cls: TaskClass): void {
    this.#classes.push(cls, keyOf(cls));
  }

  /** The next task of a class is another one. */
  moved(cls: TaskClass): void {
    this.#classes.rekey(cls, keyOf(cls));
  }

  /** A class has no queued tasks any more. */
  remove(cls: TaskClass): void {
    this.#classes.remove(cls);
  }
}

function keyOf(cls: TaskClass): number {
  const next = cls.queue.next;
  if (next === undefined) return Number.POSITIVE_INFINITY;
  return cls.queue.runsAgain ? next - AGAIN : next;
}
