/**
 * One worker's stream: checks what it says and turns it into events, and tells it
 * each specification before the first task of it.
 *
 *   greeting ──join──▶ ready ──leaving──▶ leaving ──▶ gone
 *
 * From every state a broken link, or a message that breaks the protocol, leads
 * to gone. Nothing of a message that breaks the protocol reaches the core.
 */

import {
  type Failure,
  FailureKind,
  type Finished,
  type HeadToWorker,
  type Hello,
  type JoinCluster,
  type Output,
  type Spec,
  type WorkerMessage,
} from "../../proto/grain.js";
import type { Link, LinkEnd, LinkHandler } from "../../proto/link/link.js";
import { OUT_OF_MEMORY } from "../../proto/retries.js";
import { hello } from "../../proto/version.js";
import type { FailureCause } from "../core/event.js";
import { badMessage, type Refusal, refusedMessage, refuseHello } from "./check/hello.js";
import { wrongAbout, wrongFailure, wrongFinished, wrongJoin, wrongOutput } from "./check/worker.js";
import type { Loop } from "./loop.js";
import { Outbox } from "./outbox.js";

/** A worker that has joined. */
export interface Member {
  /** Numbered by the head, never reused. */
  readonly worker: number;
  readonly name: string;
  readonly hello: Hello;
  readonly pool: NonNullable<JoinCluster["pool"]>;
  readonly joinedMs: number;
}

/** What a worker's stream needs of the head. */
export interface WorkerHost {
  readonly loop: Loop;
  readonly heartbeatMs: number;
  /** The highest session number given out. */
  readonly lastSession: number;
  /** A clock that never goes back. */
  nowMs(): number;
  /** Makes a worker that said hello a member, or says why not. */
  admitWorker(peer: WorkerPeer, join: JoinCluster): Member | Refusal;
  /** What a task printed. */
  printed(member: Member, output: Output): void;
  /** Its stream has ended or is refused. */
  workerGone(peer: WorkerPeer, member: Member | undefined, why: string): void;
}

type State =
  | { readonly type: "greeting" }
  | { readonly type: "ready" | "leaving"; readonly member: Member }
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
  /** As it said last. */
  #pressed = false;

  constructor(link: Link<HeadToWorker, WorkerMessage>, host: WorkerHost) {
    this.#link = link;
    this.#host = host;
    this.#outbox = new Outbox(link, host.loop);
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
  }

  ended(end: LinkEnd): void {
    this.#leave(end.type === "closed" ? "closed" : end.message);
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

  /** Ends the stream of a worker that is not heard any more. */
  drop(why: string): void {
    if (this.#state.type === "gone") return;
    this.#leave(why);
    this.#link.destroy(why);
  }

  #leave(why: string): void {
    const state = this.#state;
    if (state.type === "gone") return;
    this.#state = { type: "gone" };
    const member = state.type === "greeting" ? undefined : state.member;
    if (member !== undefined) {
      this.#host.loop.step({ type: "workerLost", worker: member.worker, planned: state.type === "leaving" });
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
    switch (body.$case) {
      case "finished":
        return this.#finished(member.worker, body.finished);
      case "started":
        return this.#about("started", member.worker, body.started);
      case "returned":
        return this.#about("returned", member.worker, body.returned);
      case "failure":
        return this.#failed(member, body.failure);
      case "output":
        return this.#printed(member, body.output);
      case "heartbeat":
        return this.#lives(member.worker, body.heartbeat.pressed ?? false);
      case "leaving":
        this.#state = { type: "leaving", member };
        if (state.type === "ready") this.#host.loop.step({ type: "workerLeaving", worker: member.worker });
        return undefined;
      case "join":
        return badMessage('a second "join"');
      default:
        return body satisfies never;
    }
  }

  #join(join: JoinCluster): Refusal | undefined {
    const refusal = refuseHello("worker", join.hello);
    if (refusal !== undefined) return refusal;
    const wrong = wrongJoin(join);
    if (wrong !== undefined) return badMessage(wrong);
    const admitted = this.#host.admitWorker(this, join);
    if ("code" in admitted) return admitted;
    const { worker, name, pool } = admitted;
    this.#state = { type: "ready", member: admitted };
    this.send({
      body: { $case: "accepted", accepted: { worker, hello: hello(), heartbeatMs: this.#host.heartbeatMs } },
    });
    this.#host.loop.step({ type: "workerJoined", worker, name, pool });
    return undefined;
  }

  #lives(worker: number, pressed: boolean): undefined {
    if (pressed === this.#pressed) return;
    this.#pressed = pressed;
    this.#host.loop.step({ type: "workerPressed", worker, pressed });
  }

  #finished(worker: number, finished: Finished): Refusal | undefined {
    const wrong = wrongFinished(finished, this.#host.lastSession);
    if (wrong !== undefined) return badMessage(wrong);
    const { session, tasks, attempts, runUs } = finished;
    if (tasks.length > 0) {
      this.#host.loop.step({ type: "finished", worker, session, tasks, attempts, runUs, result: finished });
    }
    return undefined;
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

/** What a function's `retries.on` may name the failure by. */
function labelsOf({ kind, errorName, exitCode, signal }: Failure): string[] {
  if (kind === FailureKind.OUT_OF_MEMORY) return [OUT_OF_MEMORY];
  if (kind === FailureKind.DIED) return signal === "" ? ["exit", `exit ${exitCode}`] : ["signal", signal];
  return errorName === undefined ? [] : [errorName];
}

/** What the core decides by: only a function that threw or a process that ended is worth another try. */
function causeOf(kind: FailureKind): FailureCause {
  switch (kind) {
    case FailureKind.THREW:
    case FailureKind.DIED:
    case FailureKind.OUT_OF_MEMORY:
      return "function";
    case FailureKind.CANCELLED:
      return "cancelled";
    default:
      return "final";
  }
}
