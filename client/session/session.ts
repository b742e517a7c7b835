/**
 * The shell of a session: owns the link, the blobs, the bundles and their ends.
 *
 * What is sent and what an answer means is decided by `state.ts`; which head it
 * talks to, by whoever gives it `open`.
 */

import { randomBytes } from "node:crypto";
import { ConnectionError, GrainError, messageOf, TaskCancelledError } from "../../proto/errors.js";
import {
  type Counts,
  type HeadStatus,
  type HeadToClient,
  type OpenSession,
  type Refused,
  Refused_Code,
  type Welcome,
} from "../../proto/grain.js";
import type { BlobTransport, LinkEnd } from "../../proto/link/link.js";
import { encodeArgs, INLINE_LIMIT_BYTES } from "../../proto/values/value.js";
import { hello } from "../../proto/version.js";
import type { Call, SpawnedCall } from "../call.js";
import { Bound } from "./bound.js";
import type { CallOwner, RemoteCall } from "./call.js";
import { wrongMessage, wrongWelcome } from "./check.js";
import { comeBack } from "./come-back.js";
import { headEnded, linkEnded, protocolBroken, refusal, sessionClosed } from "./head-error.js";
import { Modules } from "./modules.js";
import { Sender } from "./sender.js";
import type {
  ClientConnection,
  OpenedHead,
  SessionFigures,
  SessionListener,
  SessionSettings,
} from "./settings.js";
import type { SpecEntry } from "./spec.js";
import { type Fetch, SessionState } from "./state.js";
import { Uploads } from "./uploads.js";
import { LargeValues } from "./values.js";

export type { ClientConnection, OpenedHead, SessionFigures, SessionListener, SessionSettings };

/** One session with one head. */
export class HeadSession {
  readonly #settings: SessionSettings;
  readonly #state = new SessionState();
  readonly #abort = new AbortController();
  readonly #modules: Modules;
  readonly #values: LargeValues;
  readonly #sender: Sender;
  readonly #bound: Bound;
  readonly #connected: (blobs: BlobTransport) => void;
  readonly #notConnected: (error: unknown) => void;
  #head: OpenedHead | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
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
    let connected!: (blobs: BlobTransport) => void;
    let notConnected!: (error: unknown) => void;
    const blobs = new Promise<BlobTransport>((resolve, reject) => {
      connected = resolve;
      notConnected = reject;
    });
    // Whoever needs the blobs hears of it; nobody may.
    blobs.catch(() => {});
    this.#connected = connected;
    this.#notConnected = notConnected;
    const uploads = new Uploads(blobs, settings.nowMs ?? (() => performance.now()));
    this.#modules = new Modules(settings.bundle, uploads);
    this.#values = new LargeValues(uploads, blobs);
    this.#sender = new Sender(this.#state, uploads);
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
    if (spec.stage.type === "new") this.#prepare(spec);
    let submitted: RemoteCall;
    if (args.byteLength <= INLINE_LIMIT_BYTES) {
      submitted = state.submit(spec, owner, args);
    } else {
      const argument = this.#values.put(args);
      submitted = state.submitLarge(spec, owner, args.byteLength, argument.release);
      this.#follow(
        argument.stored,
        (upload) => state.stored(submitted, upload),
        (error) => state.notStored(submitted, error),
      );
    }
    this.#sender.schedule();
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

  /** Ends the session: what is left of it is cancelled; resolves when the head has confirmed that, and all is freed. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(): Promise<void> {
    if (this.#state.phase.type === "ended") throw this.#state.phase.error;
    this.#state.phase = { type: "opening" };
    try {
      this.#head = await this.#settings.open(this.#abort.signal);
      await this.#introduce(this.#head.connection);
    } catch (error) {
      const known =
        error instanceof GrainError
          ? error
          : new ConnectionError(`The head could not be reached: ${messageOf(error)}`, { cause: error });
      this.#notConnected(known);
      this.#state.end(known);
      throw known;
    }
    const { link, reopen } = this.#head.connection;
    this.#sender.start(link, reopen !== undefined && this.#leaseMs !== undefined);
  }

  /** What the session says first. */
  #hello(connection: ClientConnection): OpenSession {
    const { name, prioritized, priority, outputs, counts } = this.#settings;
    const again = connection.reopen === undefined ? {} : { token: this.#token };
    return { hello: hello(), name, prioritized, priority, outputs, counts, ...again };
  }

  #introduce(connection: ClientConnection): Promise<void> {
    const { link, blobs, address } = connection;
    return new Promise((resolve, reject) => {
      const welcome = () => {
        this.#connected(blobs);
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
      link.send({ body: { $case: "open", open: this.#hello(connection) } });
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
        this.#answered?.welcome();
        return;
      case "refused":
        this.#refused(body.refused);
        return;
      case "results":
        this.#sender.received.add();
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
    const goodbye = refused.code === Refused_Code.DRAINING && this.#state.phase.type !== "opening";
    const error = goodbye
      ? headEnded(refused.message, address, this.#state.unfinished)
      : refusal(refused, address);
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
      return { ...this.#hello(connection), resume };
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

  #prepare(spec: SpecEntry): void {
    const module = this.#modules.find(spec.definition);
    if (typeof module === "string") {
      this.#state.prepared(spec, module);
      return;
    }
    spec.stage = { type: "preparing" };
    this.#follow(
      module,
      (upload) => this.#state.prepared(spec, upload),
      (error) => this.#state.notPrepared(spec, error),
    );
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

  async #close(): Promise<void> {
    const state = this.#state;
    if (state.phase.type === "idle") state.end(sessionClosed());
    if (state.phase.type === "opening") this.#abort.abort(sessionClosed());
    // Its failure was told to whoever asked for the opening.
    await this.#opening?.catch(() => {});
    // Of a session in which nothing is left to do the head need not be told: its lease ends.
    const needless = this.#isCutOff && state.unfinished === 0;
    if (state.phase.type === "open" && !needless) await this.#sayClose(state.phase.session);
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

  #sayClose(session: number): Promise<void> {
    return new Promise((resolve) => {
      this.#ended = resolve;
      this.#state.phase = { type: "closing", session };
      this.#sender.sayClose();
    });
  }
}
