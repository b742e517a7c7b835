/**
 * The shell of a session: owns the link, the blobs, the bundles and their ends.
 *
 * What is sent and what an answer means is decided by `state.ts`; which head it
 * talks to, by whoever gives it `open`.
 */

import { randomBytes } from "node:crypto";
import { type GrainError, TaskCancelledError } from "../../proto/errors.js";
import type { Counts, HeadStatus, HeadToClient, Refused, Welcome } from "../../proto/grain.js";
import type { BlobTransport, LinkEnd } from "../../proto/link/link.js";
import { encodeArgs } from "../../proto/values/value.js";
import type { Call, SpawnedCall } from "../call.js";
import { Awaited } from "./awaited.js";
import { Bound } from "./bound.js";
import type { CallOwner } from "./call.js";
import { wrongMessage, wrongWelcome } from "./check.js";
import { comeBack } from "./come-back.js";
import {
  leftWithHead,
  linkEnded,
  notStored,
  protocolBroken,
  refusedBy,
  sessionClosed,
  unreachable,
} from "./head-error.js";
import { Keys } from "./key.js";
import { Modules } from "./modules.js";
import { Sender } from "./sender.js";
import {
  type ClientConnection,
  type OpenedHead,
  openOf,
  type SessionFigures,
  type SessionListener,
  type SessionSettings,
} from "./settings.js";
import { type Fetch, SessionState } from "./state.js";
import { Submissions } from "./submissions.js";
import { Uploads } from "./uploads.js";
import { LargeValues } from "./values.js";

export type { ClientConnection, OpenedHead, SessionFigures, SessionListener, SessionSettings };

/** One session with one head. */
export class HeadSession {
  readonly #settings: SessionSettings;
  readonly #state: SessionState;
  readonly #keys: Keys;
  readonly #submissions: Submissions;
  readonly #abort = new AbortController();
  readonly #modules: Modules;
  readonly #values: LargeValues;
  readonly #sender: Sender;
  readonly #bound: Bound;
  readonly #blobs = new Awaited<BlobTransport>();
  #head: OpenedHead | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Until the head has taken over what this program has left. */
  #leaving: Promise<void> | undefined;
  #answered: { readonly welcome: () => void; readonly refused: (error: GrainError) => void } | undefined;
  #ended: (() => void) | undefined;
  #counts: Counts | undefined;
  /** How long the head keeps the session when the stream is lost; undefined: it does not. */
  #leaseMs: number | undefined;
  /** The stream was lost, and another is being opened. */
  #isCutOff = false;
  /** How many streams followed the first. */
  #streams = 0;
  /** Names the session when it comes back. */
  readonly #token: Uint8Array = randomBytes(16);

  constructor(settings: SessionSettings) {
    this.#settings = settings;
    this.#state = new SessionState(settings.detach, () => this.#sender.schedule());
    this.#keys = new Keys(settings.detach === true);
    const blobs = this.#blobs.promise;
    const uploads = new Uploads(blobs, settings.nowMs ?? (() => performance.now()));
    this.#modules = new Modules(settings.bundle, uploads);
    this.#values = new LargeValues(uploads, blobs);
    this.#sender = new Sender(this.#state, uploads);
    this.#submissions = new Submissions(
      this.#state,
      this.#modules,
      this.#values,
      (work, done, failed) => this.#follow(work, done, failed),
      () =>
        settings.listener.notice({ text: notStored(this.#head?.connection.address ?? ""), warning: true }),
    );
    this.#bound = new Bound(settings.room);
  }

  /**
   * Finds the head and opens the session; remembered. The first remote call does it otherwise.
   *
   * @throws ConnectionError when there is no head, or it refuses
   */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  get figures(): SessionFigures {
    return {
      ...this.#state.totals,
      running: this.#counts?.running ?? 0,
      workers: this.#counts?.workers,
    };
  }

  /**
   * Submits a call; returns at once.
   *
   * @throws SerializationError when an argument cannot be sent
   * @throws GrainError when the session has ended, or too much is under way
   */
  submit(call: Call & { readonly request: NonNullable<Call["request"]> }, owner: CallOwner): SpawnedCall {
    const state = this.#state;
    const { phase } = state;
    if (phase.type === "ended") throw phase.error;
    if (phase.type === "closing") throw sessionClosed();
    const args = encodeArgs(call.args);
    this.#bound.admit(state, args.byteLength);
    const spec = state.specOf(call.definition, call.request);
    // A head that cannot be had ends the session, and with it this call.
    if (phase.type === "idle") this.open().catch(() => {});
    if (spec.stage.type === "new") this.#submissions.prepare(spec);
    const submitted = state.start(spec, owner, spec.keyed ? this.#keys.of(call, args) : undefined);
    this.#submissions.take(submitted, args);
    // Others are sent when they are put into a message, or their arguments or module are with the head.
    if (spec.keyed) this.#sender.schedule();
    return submitted;
  }

  /** Cancels all calls of an owner; it hears of the end of each. */
  cancel(owner: CallOwner): void {
    this.#state.cancel(owner);
    this.#sender.schedule();
  }

  /** Asks the head for its workers, sessions and queues. */
  async status(): Promise<HeadStatus> {
    await this.open();
    const { phase } = this.#state;
    if (phase.type === "ended") throw phase.error;
    return this.#head!.connection.status();
  }

  /**
   * Ends the session: what is left of it is cancelled; resolves when the head has confirmed that, and all is freed.
   *
   * @param done a detached program has done its work: what was stored for it is not needed any more
   */
  close(done = false): Promise<void> {
    this.#closing ??= this.#close(done);
    return this.#closing;
  }

  /** Leaves the calls under way to the head: they go on, here they are over. To be closed after that. @returns how many */
  leave(): number {
    const { phase, unfinished } = this.#state;
    if (this.#settings.detach !== true || phase.type !== "open" || unfinished === 0) return 0;
    if (!this.#isCutOff) {
      this.#leaving = new Promise((resolve) => {
        this.#ended = resolve;
      });
      this.#sender.sayLeave();
    }
    this.#state.end(sessionClosed(), leftWithHead(this.#head?.connection.address ?? "", this.#settings.name));
    return unfinished;
  }

  async #open(): Promise<void> {
    if (this.#state.phase.type === "ended") throw this.#state.phase.error;
    this.#state.phase = { type: "opening" };
    try {
      this.#head = await this.#settings.open(this.#abort.signal);
      await this.#introduce(this.#head.connection);
    } catch (error) {
      const known = unreachable(error);
      this.#blobs.reject(known);
      this.#state.end(known);
      throw known;
    }
    const { link, reopen } = this.#head.connection;
    this.#sender.start(link, reopen !== undefined && this.#leaseMs !== undefined);
  }

  #introduce(connection: ClientConnection): Promise<void> {
    const { link, blobs, address } = connection;
    return new Promise((resolve, reject) => {
      const welcome = () => {
        this.#blobs.resolve(blobs);
        resolve();
      };
      this.#answered = { welcome, refused: reject };
      const { signal } = this.#abort;
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      link.receive({
        messages: (batch) => this.#messages(batch),
        ended: (end) => this.#linkEnded(end, address),
      });
      link.send({ body: { $case: "open", open: openOf(this.#settings, connection, this.#token) } });
      link.flush();
    });
  }

  #messages(batch: HeadToClient[]): void {
    for (const message of batch) {
      if (this.#state.phase.type === "ended") return;
      const wrong = wrongMessage(message, this.#state);
      if (wrong !== undefined) return this.#broken(wrong);
      this.#message(message);
    }
    // An acknowledgement goes along with what is submitted because of what has arrived.
    this.#sender.scheduleLate();
  }

  #message({ body }: HeadToClient): void {
    if (body === undefined) return;
    const state = this.#state;
    const { listener } = this.#settings;
    switch (body.$case) {
      case "welcome":
        if (state.phase.type !== "opening") return;
        state.phase = { type: "open", session: body.welcome.session };
        this.#leaseMs = body.welcome.leaseMs;
        state.stores = body.welcome.stores === true;
        this.#submissions.settle();
        this.#answered?.welcome();
        return;
      case "refused":
        this.#refused(body.refused);
        return;
      case "results":
        this.#sender.received.add(body.results.values.byteLength);
        for (const task of body.results.tasks) listener.ended(task);
        for (const fetch of state.results(body.results)) this.#fetch(fetch);
        return;
      case "failure":
        this.#sender.received.add();
        listener.ended(body.failure.task);
        state.failed(body.failure);
        return;
      case "output":
        this.#sender.received.add();
        listener.output(body.output, state.functionOf(body.output.task));
        return;
      case "counts":
        this.#counts = body.counts;
        return;
      case "notice":
        this.#sender.received.add();
        listener.notice(body.notice);
        return;
      case "closed":
        this.#ended?.();
        return;
      case "received":
        if (!this.#sender.arrived(body.received))
          this.#broken(
            `received: ${body.received} messages have arrived, but ${this.#sender.sent} were sent`,
          );
        return;
      case "recalled":
        this.#submissions.recalled(body.recalled);
        return;
      default:
        body satisfies never;
    }
  }

  /** Nothing that this head says can be relied on. */
  #broken(complaint: string): void {
    const { address } = this.#head!.connection;
    const error = protocolBroken(complaint, address, this.#state.unfinished);
    this.#answered?.refused(error);
    this.#state.end(error);
    this.#ended?.();
    this.#sender.destroy(error.message);
  }

  /** At the opening, later because of what this session has sent, or because the head ends. */
  #refused(refused: Refused): void {
    const address = this.#head?.connection.address ?? "";
    const { phase, unfinished } = this.#state;
    const error = refusedBy(refused, address, phase.type !== "opening", unfinished);
    this.#answered?.refused(error);
    if (this.#ended === undefined) this.#state.end(error);
  }

  #linkEnded(end: LinkEnd, address: string): void {
    const { phase, unfinished } = this.#state;
    const connection = this.#head?.connection;
    const mayGoOn = phase.type === "open" || (phase.type === "closing" && unfinished > 0);
    if (mayGoOn && end.type === "broken" && this.#leaseMs !== undefined && connection?.reopen !== undefined) {
      void this.#comeBack(connection, phase.session, this.#leaseMs);
      return;
    }
    const error = linkEnded(end, address, this.#state.unfinished);
    this.#answered?.refused(error);
    if (this.#ended === undefined) this.#state.end(error);
    else this.#ended();
  }

  /** The stream was lost, the session was not: goes on with it on another. */
  async #comeBack(connection: ClientConnection, session: number, giveUpMs: number): Promise<void> {
    this.#isCutOff = true;
    this.#sender.stop();
    const open = () => {
      const resume = { session, received: this.#sender.received.count, sent: this.#sender.sent };
      return { ...openOf(this.#settings, connection, this.#token), resume };
    };
    const handler = {
      messages: (batch: HeadToClient[]) => this.#messages(batch),
      ended: (end: LinkEnd) => this.#linkEnded(end, connection.address),
    };
    const { listener } = this.#settings;
    const error = await comeBack(
      {
        connection,
        open,
        handler,
        welcomed: (link, welcome) => this.#welcomedBack(link, welcome),
        say: (text) => listener.notice({ text, warning: true }),
      },
      { giveUpMs, signal: this.#abort.signal },
    );
    if (error === undefined) return;
    this.#isCutOff = false;
    this.#state.end(error(this.#state.unfinished));
    this.#ended?.();
  }

  #welcomedBack(link: ClientConnection["link"], welcome: Welcome): void {
    const { received, leaseMs } = welcome;
    this.#isCutOff = false;
    this.#leaseMs = leaseMs;
    const wrong = wrongWelcome(welcome);
    if (wrong !== undefined || received === undefined || !this.#sender.arrived(received)) {
      this.#broken(
        wrong ?? `welcome: it has counted ${received} messages, but ${this.#sender.sent} were sent`,
      );
      return link.destroy("the head broke the protocol");
    }
    this.#streams += 1;
    const stream = this.#streams;
    void this.#sender.resume(link, () => stream === this.#streams && !this.#isCutOff);
  }

  #fetch({ call, ref }: Fetch): void {
    this.#follow(
      this.#values.get(ref),
      (value) => this.#state.fetched(call, value),
      (error) => this.#state.notFetched(call, error),
    );
  }

  /** Tells the state how something ended, then sends what came of it. */
  #follow<T>(work: Promise<T>, done: (value: T) => void, failed: (error: unknown) => void): void {
    work.then(done, failed).finally(() => this.#sender.schedule());
  }

  async #close(done: boolean): Promise<void> {
    const state = this.#state;
    await this.#leaving;
    if (state.phase.type === "idle") state.end(sessionClosed());
    if (state.phase.type === "opening") this.#abort.abort(sessionClosed());
    // Its failure was told to whoever asked for the opening.
    await this.#opening?.catch(() => {});
    // Of a session in which nothing is left to do the head need not be told: its lease ends.
    const needless = this.#isCutOff && state.unfinished === 0;
    if (state.phase.type === "open" && !needless) await this.#sayClose(state.phase.session, done);
    state.end(sessionClosed(), new TaskCancelledError("The session was closed before the task had ended"));
    this.#abort.abort(sessionClosed());
    const head = this.#head;
    if (head === undefined) return;
    try {
      await head.connection.close();
    } finally {
      await head.release();
    }
  }

  #sayClose(session: number, done: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#ended = resolve;
      this.#state.phase = { type: "closing", session };
      this.#sender.sayClose(done);
    });
  }
}
