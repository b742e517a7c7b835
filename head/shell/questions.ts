/**
 * Questions for stored results that are not looked at yet, by session. They are answered in short pieces, each
 * when the stream takes bytes: one program may ask for very much at once, and others are served meanwhile.
 *
 * What is asked on a stream that is lost is forgotten: the program asks again on another one.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Asker } from "./claims.js";
import type { Stream } from "./inline/delivery.js";

/** A program that leaves more than this unread is answered when it has read. */
const AHEAD_BYTES = 4 * 1024 * 1024;

/** Asks for the result of this id. */
export interface Question extends Asker {
  readonly id: string;
}

/** What is needed to answer. */
export interface QuestionsParts {
  /** The program's stream now; undefined: it is cut off. */
  stream(session: number): Stream | undefined;
  /** Answers the first of them, at least one. @returns how many */
  answer(questions: readonly Question[], stream: Stream): number;
}

interface Queue {
  questions: Question[];
  /** On which they were asked. */
  readonly link: object;
}

/** The questions of all sessions. */
export class Questions {
  readonly #parts: QuestionsParts;
  readonly #queues = new Map<number, Queue>();

  constructor(parts: QuestionsParts) {
    this.#parts = parts;
  }

  /** A program asks. @param link names the stream that it asks on */
  ask(session: number, link: object, questions: readonly Question[]): void {
    const known = this.#queues.get(session);
    if (known?.link === link) {
      for (const question of questions) known.questions.push(question);
      return;
    }
    const queue = { questions: [...questions], link };
    this.#queues.set(session, queue);
    void this.#work(session, queue);
  }

  /** These are not wanted any more. */
  drop(session: number, asks: readonly number[]): void {
    const queue = this.#queues.get(session);
    if (queue === undefined) return;
    const dropped = new Set(asks);
    queue.questions = queue.questions.filter(({ ask }) => !dropped.has(ask));
  }

  /** Its program is gone. */
  forget(session: number): void {
    this.#queues.delete(session);
  }

  async #work(session: number, queue: Queue): Promise<void> {
    while (this.#queues.get(session) === queue) {
      const stream = this.#parts.stream(session);
      if (stream === undefined || queue.questions.length === 0) return this.forget(session);
      queue.questions.splice(0, this.#parts.answer(queue.questions, stream));
      if (queue.questions.length === 0) return this.forget(session);
      if (stream.pendingBytes > AHEAD_BYTES) {
        stream.flush();
        await stream.drained();
      } else await nextTurn();
    }
  }
}
