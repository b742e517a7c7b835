/**
 * The agent's way to its head, over all streams that it takes: what is sent is kept until the head
 * has it; when a stream is lost another is opened, and the head is told what is here.
 *
 *   joining ──accepted──▶ connected ──stream lost──▶ cut off ──accepted──▶ connected
 *      └─────────────────────┴──────── lost for good ────┴──▶ ended
 *
 * Not its job: what the messages mean, and what is here.
 */

import {
  type Accepted,
  type HeadToWorker,
  type Held,
  type JoinCluster,
  type Refused,
  Refused_Code,
  type WorkerMessage,
} from "../../proto/grain.js";
import type { Connection, Link, LinkEnd } from "../../proto/link/link.js";
import { type Attempt, persist } from "../../proto/link/reopen.js";
import { Unacknowledged } from "../../proto/link/unacknowledged.js";
import { Turn } from "../../proto/turn.js";
import { wrongAccepted } from "./check.js";

/** What the way to the head needs of the agent. */
export interface HeadLinkHost {
  /** What the agent introduces itself with. */
  join(): Omit<JoinCluster, "id" | "resume">;
  /** The head has let it in, for the first time or again. */
  accepted(accepted: Accepted): void;
  /** The head does not let it in, or not any more. */
  refused(refused: Refused): void;
  messages(batch: HeadToWorker[]): void;
  /** The stream was lost; it is being opened again. */
  cutOff(why: string): void;
  /** All that is to be told of before `held` is to be sent now. */
  settle(): void;
  /** What is here. */
  held(): Held;
  /** The head can be reached again. */
  back(): void;
  /** The head cannot be reached any more, or knows nothing of what is here. */
  lost(message: string): void;
}

/** How long a head may take to answer a worker that comes back. */
const ANSWER_MS = 5_000;

type WorkerLink = Link<WorkerMessage, HeadToWorker>;
type State = "joining" | "connected" | "cutOff" | "ended";

/** One agent's way to its head. */
export class HeadLink {
  readonly #connection: Connection<WorkerMessage, HeadToWorker>;
  readonly #host: HeadLinkHost;
  /** Names it when it comes back; undefined: its streams cannot be opened again. */
  readonly #id: Uint8Array | undefined;
  readonly #ended = new AbortController();
  #state: State = "joining";
  #link: WorkerLink;
  readonly #turn = new Turn(() => this.#link.flush());
  #unacknowledged = new Unacknowledged<WorkerMessage>();
  #first: Accepted | undefined;
  #whenBack: (() => void)[] = [];

  /** @param id 16 random bytes */
  constructor(
    connection: Connection<WorkerMessage, HeadToWorker>,
    id: Uint8Array | undefined,
    host: HeadLinkHost,
  ) {
    this.#connection = connection;
    this.#host = host;
    this.#id = connection.reopen === undefined ? undefined : id;
    this.#link = connection.link;
  }

  get isCutOff(): boolean {
    return this.#state === "cutOff";
  }

  /** Whether the head may not have received all that it was sent. */
  get owes(): boolean {
    return this.#unacknowledged.size > 0;
  }

  /** Introduces the worker. */
  start(): void {
    this.#link.send({ body: { $case: "join", join: this.#join(false) } });
    this.#link.receive({
      messages: (batch) => this.#receive(batch),
      ended: (end) => this.#linkEnded(end),
    });
  }

  /** Sends what must not be lost; later, if the head cannot be reached now. */
  send(message: WorkerMessage): void {
    if (this.#id !== undefined) this.#unacknowledged.push(message);
    if (this.#state === "cutOff") return;
    this.#link.send(message);
    this.#turn.schedule();
  }

  /** Sends what only matters now. */
  sendNow(message: WorkerMessage): void {
    if (this.#state === "connected") this.#link.send(message);
  }

  /** Bytes that the transport has not taken. Without end while there is no transport. */
  get pendingBytes(): number {
    return this.#state === "cutOff" ? Number.POSITIVE_INFINITY : this.#link.pendingBytes;
  }

  /** Resolves when the transport takes bytes again. */
  async drained(): Promise<void> {
    if (this.#state === "cutOff") await new Promise<void>((resolve) => this.#whenBack.push(resolve));
    await this.#link.drained();
  }

  /** Ends it; nothing is told of that. */
  async close(): Promise<void> {
    this.#state = "ended";
    this.#ended.abort();
    this.#wake();
    await this.#connection.close();
  }

  #join(resume: boolean): JoinCluster {
    const id = this.#id === undefined ? {} : { id: this.#id };
    return { ...this.#host.join(), ...id, resume };
  }

  #receive(batch: HeadToWorker[]): void {
    if (this.#state === "ended") return;
    const rest: HeadToWorker[] = [];
    for (const message of batch) {
      const { body } = message;
      switch (body?.$case) {
        case "accepted": {
          const wrong = this.#state === "joining" ? wrongAccepted(body.accepted) : 'a second "accepted"';
          if (wrong !== undefined) return this.#broken(wrong);
          this.#first = body.accepted;
          this.#state = "connected";
          this.#host.accepted(body.accepted);
          break;
        }
        case "refused":
          return this.#host.refused(body.refused);
        case "received":
          if (this.#unacknowledged.arrived(body.received)) break;
          return this.#broken(
            `received: ${body.received} reports, but ${this.#unacknowledged.sent} were sent`,
          );
        default:
          if (body !== undefined && this.#state === "joining")
            return this.#broken(`"${body.$case}" came before "accepted"`);
          rest.push(message);
      }
    }
    if (rest.length > 0) this.#host.messages(rest);
  }

  #broken(wrong: string): void {
    this.#host.lost(`a message of the head breaks the protocol: ${wrong}`);
  }

  #linkEnded(end: LinkEnd): void {
    if (this.#state === "ended") return;
    const message = end.type === "closed" ? "the head closed the connection" : end.message;
    const resumeMs = this.#first?.resumeMs;
    if (this.#state !== "connected" || end.type !== "broken" || resumeMs === undefined)
      return this.#host.lost(message);
    this.#state = "cutOff";
    this.#host.cutOff(message);
    void this.#comeBack(message, resumeMs);
  }

  async #comeBack(why: string, giveUpMs: number): Promise<void> {
    const { signal } = this.#ended;
    const outcome = await persist(() => this.#attempt(), { giveUpMs, signal });
    if (signal.aborted || outcome.type === "done") return;
    if (outcome.type === "over") return this.#host.lost(outcome.error.message);
    this.#host.lost(`${why}; then: ${outcome.reason}`);
  }

  async #attempt(): Promise<Attempt<true>> {
    const { signal } = this.#ended;
    let link: WorkerLink;
    try {
      link = await this.#connection.reopen!(signal);
    } catch (error) {
      return { type: "failed", reason: (error as Error).message };
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => link.destroy("the head did not answer in time"), ANSWER_MS);
      const settle = (attempt: Attempt<true>) => {
        clearTimeout(timer);
        resolve(attempt);
      };
      link.receive({
        messages: (batch) => {
          if (this.#link === link) return this.#receive(batch);
          const body = batch[0]?.body;
          if (body?.$case === "refused") {
            const { code, message } = body.refused;
            const passes = code === Refused_Code.DRAINING;
            settle(
              passes ? { type: "failed", reason: message } : { type: "over", error: new Error(message) },
            );
          } else if (body?.$case === "accepted") {
            settle(this.#resume(link, body.accepted));
            if (this.#link === link && batch.length > 1) this.#receive(batch.slice(1));
          } else if (body !== undefined) link.destroy(`"${body.$case}" came before "accepted"`);
        },
        ended: (end) => {
          if (this.#link === link) return this.#linkEnded(end);
          settle({ type: "failed", reason: end.type === "closed" ? "the head closed it" : end.message });
        },
      });
      link.send({ body: { $case: "join", join: this.#join(true) } });
      link.flush();
    });
  }

  /** The head has answered: sends again what it has not received, and what is here. */
  #resume(link: WorkerLink, accepted: Accepted): Attempt<true> {
    const ours = Buffer.from(this.#first?.head ?? []);
    if (ours.compare(accepted.head ?? new Uint8Array(0)) !== 0)
      return { type: "over", error: new Error("another head has taken its place") };
    const wrong = wrongAccepted(accepted);
    if (wrong !== undefined)
      return { type: "over", error: new Error(`a message of the head breaks the protocol: ${wrong}`) };
    this.#host.settle();
    if (accepted.received === undefined) this.#countAnew();
    else if (!this.#unacknowledged.arrived(accepted.received))
      return { type: "over", error: new Error("the head has counted more reports than there were") };
    this.#first = accepted;
    this.#link = link;
    for (const message of this.#unacknowledged) link.send(message);
    link.send({ body: { $case: "held", held: this.#host.held() } });
    link.flush();
    this.#state = "connected";
    this.#host.accepted(accepted);
    this.#wake();
    this.#host.back();
    return { type: "done", value: true };
  }

  /** The head does not remember this worker: it counts from what it is sent now. */
  #countAnew(): void {
    const kept = new Unacknowledged<WorkerMessage>();
    for (const message of this.#unacknowledged) kept.push(message);
    this.#unacknowledged = kept;
  }

  #wake(): void {
    for (const resolve of this.#whenBack.splice(0)) resolve();
  }
}
