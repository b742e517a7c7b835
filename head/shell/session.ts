/** What the shell knows of one connected client, beside what the core schedules by. */

import type { Hello, OpenSession, Spec } from "../../proto/grain.js";
import type { Holding } from "./holds.js";
import { Holds } from "./holds.js";

/** One session. */
export class Session {
  readonly number: number;
  readonly name: string;
  readonly hello: Hello;
  readonly prioritized: boolean;
  /** The client wants to see what its tasks print. */
  readonly outputs: boolean;
  /** The client wants to hear how many tasks are in which state. */
  readonly counts: boolean;
  readonly specs = new Map<number, Spec>();
  readonly holds: Holds;
  /** As its client opened it. */
  readonly open: OpenSession;
  /** The highest task number submitted so far. */
  lastTask = 0;
  /** How many messages of its client have been taken, the first one not counted. */
  heard = 0;

  constructor(number: number, open: OpenSession, hello: Hello, store: Holding) {
    this.number = number;
    this.open = open;
    this.name = open.name;
    this.hello = hello;
    this.prioritized = open.prioritized;
    this.outputs = open.outputs;
    this.counts = open.counts;
    this.holds = new Holds(store);
  }

  /** As it is named in the log. */
  toString(): string {
    return `${this.name === "" ? "client" : `"${this.name}"`} (session ${this.number}, ${this.hello.host}, pid ${this.hello.pid})`;
  }
}
