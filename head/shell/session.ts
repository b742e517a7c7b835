/**
 * What the shell knows of one client, beside what the core schedules by. It outlives the client's
 * streams: while there is none, what the client is to be told waits here.
 */

import type { HeadToClient, Hello, OpenSession, Spec } from "../../proto/grain.js";
import type { Received } from "../../proto/link/unacknowledged.js";
import { oneLine } from "./check/hello.js";
import type { ClientPeer } from "./client-peer.js";
import { Failures } from "./failures.js";
import { isTokenOf } from "./fingerprint.js";
import type { Holding } from "./holds.js";
import { Holds } from "./holds.js";
import { KeptArguments } from "./inline/arguments.js";
import { Delivery } from "./inline/delivery.js";
import type { Keeper } from "./inline/keeper.js";

/** What a session works with. */
export interface SessionParts {
  readonly store: Holding;
  readonly keeper: Keeper;
  /** What counts its client's messages. */
  readonly received: Received;
}

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
  /** As its client opened it. */
  readonly open: OpenSession;
  readonly specs = new Map<number, Spec>();
  readonly holds: Holds;
  /** The small arguments of its tasks. */
  readonly args = new KeptArguments();
  /**
   * The highest task number submitted so far. Numbers only rise and messages come in order, so a
   * submission up to here that comes again has been taken before, whether its tasks have ended or not.
   */
  lastTask = 0;
  /** The client wants it ended. */
  closing = false;
  /** An earlier life of the head had it, and its client has not come back since. */
  recovered = false;
  /** Of its client's messages so many have been sent: when they have arrived it is as it was. */
  expected = 0;
  /** It has gone on after a stream was lost: what was said before may be said again. */
  resumed = false;
  /** Its program is gone for good since then (milliseconds since 1970); undefined: it may come back. */
  leftMs: number | undefined;
  /** The credential that it was opened with; empty: none is asked for. */
  owner = "";
  /** The client's stream; undefined: it is cut off, and may come back. */
  peer: ClientPeer | undefined;
  /** The fingerprint of what the client shows when it comes back; undefined: it will not. */
  readonly token: Uint8Array | undefined;
  /** Of the client's messages. */
  readonly received: Received;
  /** When it was opened, on the head's clock; undefined: in an earlier life of the head. */
  openedMs: number | undefined;
  /** What failed last. */
  readonly failures = new Failures();
  /** What its client is told, if it can come back. */
  readonly delivery: Delivery;

  constructor(number: number, open: OpenSession, hello: Hello, { store, keeper, received }: SessionParts) {
    this.number = number;
    this.open = open;
    this.received = received;
    this.name = open.name;
    this.hello = hello;
    this.prioritized = open.prioritized;
    this.outputs = open.outputs;
    this.counts = open.counts;
    this.token = open.token;
    this.holds = new Holds(store);
    this.delivery = new Delivery(keeper);
  }

  /** What the function of a spec is called; empty: not known. */
  functionOf(spec: number): string {
    const known = this.specs.get(spec);
    return known === undefined ? "" : known.name || known.function;
  }

  /** Tells the client something that must not be lost; later, if it is cut off. */
  send(message: HeadToClient): void {
    this.tell([message], 0);
  }

  /**
   * Tells the client how tasks have ended.
   *
   * @param queued how many others wait for a worker, see {@link Delivery.push}
   */
  tell(messages: readonly HeadToClient[], queued: number): void {
    for (const message of messages) {
      if (this.token === undefined) this.peer?.send(message);
      else this.delivery.push(message, queued);
    }
  }

  /** Tasks have ended and will not run again. */
  ended(tasks: readonly number[]): void {
    this.holds.ended(tasks);
    this.args.ended(tasks);
  }

  /** It has ended. */
  releaseAll(): void {
    this.holds.releaseAll();
    this.args.releaseAll();
    this.delivery.releaseAll();
  }

  /** Whether this is the token of its client. */
  isOf(token: Uint8Array | undefined): boolean {
    const own = this.leftMs === undefined ? this.token : undefined;
    return own !== undefined && token !== undefined && isTokenOf(own, token);
  }

  /** As it is named in the log. */
  toString(): string {
    const name = this.name === "" ? "client" : `"${oneLine(this.name)}"`;
    return `${name} (session ${this.number}, ${this.hello.host}, pid ${this.hello.pid})`;
  }
}
