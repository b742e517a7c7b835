/**
 * One worker's stream: checks what it says and turns it into events, and tells it
 * each specification before the first task of it.
 *
 *   greeting ──join──▶ ready ──leaving──▶ leaving ──▶ gone
 *       └──join, resume──▶ resuming ──held──▶ ready or leaving
 *
 * From every state a broken link, or a message that breaks the protocol, leads
 * to gone. Nothing of a message that breaks the protocol reaches the core. When the
 * link of a worker that has an identity breaks, it is suspect, not lost: another
 * stream may take it up.
 */

import { messageOf } from "../../proto/errors.js";
import type {
  BlobAt,
  Failure,
  Finished,
  HeadToWorker,
  Held,
  Hello,
  JoinCluster,
  Output,
  Spec,
  WorkerMessage,
} from "../../proto/grain.js";
import type { Link, LinkEnd, LinkHandler } from "../../proto/link/link.js";
import type { Received } from "../../proto/link/unacknowledged.js";
import { hello } from "../../proto/version.js";
import { badMessage, type Refusal, refusedMessage, refuseHello, whyEnded } from "./check/hello.js";
import {
  wrongAbout,
  wrongFailure,
  wrongFinished,
  wrongHeld,
  wrongJoin,
  wrongOutput,
} from "./check/worker.js";
import { causeOf, labelsOf, notKept } from "./failure.js";
import type { Loop } from "./loop.js";
import { Outbox } from "./outbox.js";
import { without } from "./source.js";

/** A worker that has joined. */
export interface Member {
  /** Numbered by the head, never reused. */
  readonly worker: number;
  readonly name: string;
  readonly hello: Hello;
  readonly pool: NonNullable<JoinCluster["pool"]>;
  readonly joinedMs: number;
  /** Names it when it comes back; undefined: it is lost with its stream. */
  readonly id: Uint8Array | undefined;
  /** The batch job that it is in, as "system:id". */
  readonly job: string | undefined;
  /** It has said that it leaves. */
  leaving: boolean;
  /** It has said that it is short of memory. */
  pressed: boolean;
  /** Of its messages, on all its streams. */
  readonly received: Received;
}

/** A worker that was let in. */
export interface Admitted {
  readonly member: Member;
  /** It goes on as what it was. */
  readonly resumed: boolean;
}

/** What a worker's stream needs of the head. */
export interface WorkerHost {
  readonly loop: Loop;
  readonly heartbeatMs: number;
  /** The highest session number given out. */
  readonly lastSession: number;
  /** A clock that never goes back. */
  nowMs(): number;
  /** How long a worker may be away. */
  readonly resumeMs: number;
  /** The head's own identity: a worker of another head knows other tasks by the same numbers. */
  readonly headId: Uint8Array;
  /** Makes a worker that said hello a member, or finds the one that it was, or says why not. */
  admitWorker(peer: WorkerPeer, join: JoinCluster): Admitted | Refusal;
  /** It has said what it has: it can be talked to again. */
  workerBack(peer: WorkerPeer, member: Member): void;
  /** Calls this once the worker will not be forgotten. */
  keep(member: Member, then: () => void): void;
  /** Messages of the worker have been taken. @param tell called when it is worth telling it so */
  heard(member: Member, tell: () => void): void;
  /** Calls this when the programs of an earlier life of the head have submitted again what that had forgotten. */
  whenClientsAreBack(then: () => void): void;
  /** Takes large results that are files. Throws when there is no room for them. */
  takeNamed(blobs: readonly BlobAt[]): void;
  /** Whether the head holds a large value. */
  hasValue(hash: string): boolean;
  /** Whether a session has not ended. */
  hasSession(session: number): boolean;
  /** Its stream was lost; it may come back. */
  workerCutOff(peer: WorkerPeer, member: Member, why: string): void;
  /** What a task printed. */
  printed(member: Member, output: Output): void;
  /** Its stream has ended or is refused. */
  workerGone(peer: WorkerPeer, member: Member | undefined, why: string): void;
}

type State =
  | { readonly type: "greeting" }
  | { readonly type: "resuming" | "ready" | "leaving"; readonly member: Member }
  | { readonly type: "gone" };

/** One connected worker. */
export class WorkerPeer implements LinkHandler<WorkerMessage> {
  /** When anything of it was last heard. */
  heardMs: number;
  readonly #link: Link<HeadToWorker, WorkerMessage>;
  readonly #host: WorkerHost;
  readonly #outbox: Outbox<HeadToWorker, WorkerMessage>;
  /** Specifications it has been told, by session. */
  readonly #told = new Map<number, Set<number>>();
  #state: State = { type: "greeting" };
  #isAccepted = false;

  constructor(link: Link<HeadToWorker, WorkerMessage>, host: WorkerHost) {
    this.#link = link;
    this.#host = host;
    this.#outbox = new Outbox(link, host.loop, () => this.#acknowledgement());
    this.heardMs = host.nowMs();
  }

  send(message: HeadToWorker): void {
    if (this.#state.type !== "gone") this.#outbox.send(message);
  }

  /** Tells it a specification that it does not know yet. */
  tell(session: number, spec: Spec, outputs: boolean): void {
    let told = this.#told.get(session);
    if (told === undefined) {
      told = new Set();
      this.#told.set(session, told);
    }
    if (told.has(spec.spec)) return;
    told.add(spec.spec);
    this.send({ body: { $case: "spec", spec: { session, spec, outputs } } });
  }

  /** Lets it forget a session that has ended, if it ever knew it. */
  forget(session: number): void {
    if (this.#told.delete(session)) this.send({ body: { $case: "forget", forget: session } });
  }

  messages(batch: WorkerMessage[]): void {
    this.heardMs = this.#host.nowMs();
    for (const message of batch) {
      if (this.#state.type === "gone") return;
      const refusal = this.#take(message);
      if (refusal !== undefined) this.refuse(refusal);
    }
    const state = this.#state;
    if (!("member" in state)) return;
    this.#host.heard(state.member, () => this.#outbox.touch());
    if (state.member.received.isDue) this.#outbox.touch();
  }

  ended(end: LinkEnd): void {
    if (end.type === "broken") this.#cutOff(end.message);
    else this.#leave(whyEnded(end));
  }

  /** The worker has come back on another stream, or another has taken its place. */
  replaced(): void {
    if (this.#state.type === "gone") return;
    this.#state = { type: "gone" };
    this.#link.destroy("the worker has come back on another connection");
  }

  /** Says why and ends the stream. */
  refuse(refusal: Refusal): void {
    if (this.#state.type === "gone") return;
    this.#outbox.send({ body: { $case: "refused", refused: refusedMessage(refusal) } });
    this.#leave(`refused: ${refusal.message}`);
    this.#link.close();
  }

  /** Sends it away: its tasks are ended. */
  dismiss(reason: string): void {
    if (this.#state.type === "gone") return;
    this.#outbox.send({ body: { $case: "leave", leave: { kill: true, reason } } });
    this.#leave(reason);
    this.#link.close();
  }

  /** Asks it to leave when what runs there has ended; nothing new is given to it from now on. */
  askToLeave(reason: string): void {
    const state = this.#state;
    if (!("member" in state)) return;
    this.#leaving(state.member);
    this.send({ body: { $case: "leave", leave: { kill: false, reason } } });
  }

  /** Ends the stream of a worker that is not heard any more. */
  drop(why: string): void {
    if (this.#state.type === "gone") return;
    this.#cutOff(why);
    this.#link.destroy(why);
  }

  /** The stream is lost, but not the worker, if it can come back. */
  #cutOff(why: string): void {
    const state = this.#state;
    if (!("member" in state) || state.member.id === undefined || !this.#isAccepted) return this.#leave(why);
    this.#state = { type: "gone" };
    this.#host.workerCutOff(this, state.member, why);
  }

  #acknowledgement(): HeadToWorker | undefined {
    const state = this.#state;
    if (!("member" in state) || state.member.id === undefined) return undefined;
    const received = state.member.received.tell();
    return received === undefined ? undefined : { body: { $case: "received", received } };
  }

  #leave(why: string): void {
    const state = this.#state;
    if (state.type === "gone") return;
    this.#state = { type: "gone" };
    const member = state.type === "greeting" ? undefined : state.member;
    if (member !== undefined) {
      this.#host.loop.step({ type: "workerLost", worker: member.worker, planned: member.leaving });
    }
    this.#host.workerGone(this, member, why);
  }

  /** Answers with what is wrong with it. Bodies that a newer worker may send beside ours are skipped. */
  #take({ body }: WorkerMessage): Refusal | undefined {
    const state = this.#state;
    if (body === undefined || state.type === "gone") return undefined;
    if (state.type === "greeting") {
      if (body.$case === "join") return this.#join(body.join);
      return badMessage(`"${body.$case}" came before "join"`);
    }
    const { member } = state;
    if (body.$case === "heartbeat") {
      this.#outbox.touch();
      return this.#lives(member, body.heartbeat.pressed ?? false);
    }
    if (body.$case === "held") return this.#held(state.type, member, body.held);
    if (!member.received.add(body.$case === "finished" ? body.finished.values.byteLength : 0))
      return undefined;
    switch (body.$case) {
      case "finished":
        return this.#finished(member, body.finished);
      case "started":
        return this.#about("started", member.worker, body.started);
      case "returned":
        return this.#about("returned", member.worker, body.returned);
      case "failure":
        return this.#failed(member, body.failure);
      case "output":
        return this.#printed(member, body.output);
      case "leaving":
        this.#leaving(member);
        return undefined;
      case "join":
        return badMessage('a second "join"');
      default:
        return body satisfies never;
    }
  }

  #leaving(member: Member): void {
    if (this.#state.type === "ready") this.#state = { type: "leaving", member };
    if (!member.leaving) this.#host.loop.step({ type: "workerLeaving", worker: member.worker });
    member.leaving = true;
  }

  #join(join: JoinCluster): Refusal | undefined {
    const refusal = refuseHello("worker", join.hello);
    if (refusal !== undefined) return refusal;
    const wrong = wrongJoin(join);
    if (wrong !== undefined) return badMessage(wrong);
    const admitted = this.#host.admitWorker(this, join);
    if ("code" in admitted) return admitted;
    const { member, resumed } = admitted;
    const { worker, name, pool } = member;
    const { heartbeatMs, resumeMs, headId } = this.#host;
    this.#state = { type: join.resume ? "resuming" : "ready", member };
    const again = member.id === undefined ? {} : { resumeMs, head: headId };
    // Of one of which nothing was counted the head may be another life of the one that it knew.
    const known = resumed && member.received.count > 0 ? { received: member.received.resume() } : {};
    const accepted = { worker, hello: hello(), heartbeatMs, ...again, ...known };
    const begin = () => {
      if (this.#state.type === "gone") return;
      this.#isAccepted = true;
      this.send({ body: { $case: "accepted", accepted } });
      if (resumed) return;
      this.#host.loop.step({ type: "workerJoined", worker, name, pool, returning: join.resume });
    };
    if (join.resume && resumed) this.#host.whenClientsAreBack(begin);
    // Whoever may be given tasks is found again, whatever happens to this head.
    else this.#host.keep(member, begin);
    return undefined;
  }

  /** What a worker has that comes back. */
  #held(now: "resuming" | "ready" | "leaving", member: Member, held: Held): Refusal | undefined {
    if (now !== "resuming") return badMessage('"held" of a worker that did not come back');
    const wrong = wrongHeld(held, this.#host.lastSession);
    if (wrong !== undefined) return badMessage(wrong);
    this.#state = { type: member.leaving ? "leaving" : "ready", member };
    this.#host.workerBack(this, member);
    // It may have been asked to while it was away.
    if (member.leaving) this.askToLeave("it was asked to leave before its connection was lost");
    // It may not have received the last specifications: each is told again before it is needed.
    for (const session of held.sessions) this.#told.set(session, new Set());
    for (const session of held.sessions) if (!this.#host.hasSession(session)) this.forget(session);
    const { worker } = member;
    this.#host.loop.step({ type: "workerResumed", worker, executions: held.executions });
    return undefined;
  }

  #lives(member: Member, pressed: boolean): undefined {
    if (pressed === member.pressed) return;
    member.pressed = pressed;
    this.#host.loop.step({ type: "workerPressed", worker: member.worker, pressed });
  }

  #finished(member: Member, finished: Finished): Refusal | undefined {
    const wrong = wrongFinished(finished, this.#host.lastSession);
    if (wrong !== undefined) return badMessage(wrong);
    const { worker } = member;
    if (finished.blobs.length === 0) return this.#ended(worker, finished);
    const { tasks, attempts } = finished;
    let full: string | undefined;
    try {
      this.#host.takeNamed(finished.blobs);
    } catch (error) {
      full = messageOf(error);
    }
    // A head that was restarted may not have what was handed to the earlier one in its last moments.
    const lost = new Set(
      finished.blobs.filter(({ ref }) => !this.#host.hasValue(ref!.hash)).map(({ index }) => index),
    );
    if (lost.size === 0) return this.#ended(worker, finished);
    const returned = tasks.filter((_, i) => lost.has(i));
    const { session } = finished;
    this.#ended(worker, without(finished, lost));
    if (full !== undefined) {
      for (const index of lost) this.#failed(member, notKept(finished, index, full));
      return undefined;
    }
    const which = attempts.filter((_, i) => lost.has(i));
    this.#host.loop.step({ type: "returned", worker, session, tasks: returned, attempts: which });
    return undefined;
  }

  #ended(worker: number, finished: Finished): undefined {
    const { session, tasks, attempts, runUs } = finished;
    if (tasks.length === 0) return;
    this.#host.loop.step({ type: "finished", worker, session, tasks, attempts, runUs, result: finished });
  }

  #about(
    type: "started" | "returned",
    worker: number,
    about: { session: number; tasks: number[]; attempts: number[] },
  ): Refusal | undefined {
    const wrong = wrongAbout(type, about, this.#host.lastSession);
    if (wrong !== undefined) return badMessage(wrong);
    const { session, tasks, attempts } = about;
    if (tasks.length > 0) {
      this.#host.loop.step({ type, worker, session, tasks, attempts });
    }
    return undefined;
  }

  #failed(member: Member, failure: Failure): Refusal | undefined {
    const wrong = wrongFailure(failure, this.#host.lastSession);
    if (wrong !== undefined) return badMessage(wrong);
    const { session, task, attempt } = failure;
    this.#host.loop.step({
      type: "failed",
      worker: member.worker,
      session,
      task,
      attempt,
      cause: causeOf(failure.kind),
      labels: labelsOf(failure),
      failure: { ...failure, session: 0, worker: member.name },
    });
    return undefined;
  }

  #printed(member: Member, output: Output): Refusal | undefined {
    const wrong = wrongOutput(output, this.#host.lastSession);
    if (wrong !== undefined) return badMessage(wrong);
    this.#host.printed(member, output);
    return undefined;
  }
}
