/**
 * One client's stream: checks what it says and turns it into events.
 *
 *   greeting ──open──▶ open ──close──▶ closing ──▶ gone
 *
 * From every state a broken link, or a message that breaks the protocol, leads
 * to gone. Nothing of a message that breaks the protocol reaches the core.
 */

import {
  type ClientMessage,
  FailureKind,
  type HeadToClient,
  type OpenSession,
  type Spec,
  type Submit,
  type Tasks,
} from "../../proto/grain.js";
import type { Link, LinkEnd, LinkHandler } from "../../proto/link/link.js";
import { hello } from "../../proto/version.js";
import { wrongSpec, wrongSubmit, wrongTaskList } from "./check/client.js";
import { badMessage, type Refusal, refusedMessage, refuseHello } from "./check/hello.js";
import { readRequest } from "./check/resources.js";
import type { Loop } from "./loop.js";
import { Outbox } from "./outbox.js";
import type { Session } from "./session.js";
import { Source } from "./source.js";

const NO_BYTES = new Uint8Array(0);

/** What a client's stream needs of the head. */
export interface ClientHost {
  readonly loop: Loop;
  /** Gives a client that said hello a session, or says why not. */
  admitClient(peer: ClientPeer, open: OpenSession): Session | Refusal;
  /** Why no tasks can be taken now; undefined: they can. */
  readonly whyNoTasks: string | undefined;
  /** The client has these results. */
  acknowledged(session: Session, tasks: readonly number[]): void;
  /** Something about the session's tasks changed. */
  changed(session: Session): void;
  /** Its stream has ended or is refused. Its session lives on until its tasks have ended. */
  clientGone(session: Session | undefined, why: string): void;
}

type State =
  | { readonly type: "greeting" }
  | { readonly type: "open"; readonly session: Session }
  | { readonly type: "closing"; readonly session: Session }
  | { readonly type: "gone" };

/** One connected client. */
export class ClientPeer implements LinkHandler<ClientMessage> {
  readonly #link: Link<HeadToClient, ClientMessage>;
  readonly #host: ClientHost;
  readonly #outbox: Outbox<HeadToClient, ClientMessage>;
  #state: State = { type: "greeting" };

  constructor(link: Link<HeadToClient, ClientMessage>, host: ClientHost) {
    this.#link = link;
    this.#host = host;
    this.#outbox = new Outbox(link, host.loop);
  }

  send(message: HeadToClient): void {
    if (this.#state.type !== "gone") this.#outbox.send(message);
  }

  messages(batch: ClientMessage[]): void {
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

  /** Every task of its session has ended: answers `close`. */
  sessionEnded(): void {
    if (this.#state.type !== "closing") return;
    this.#outbox.send({ body: { $case: "closed", closed: {} } });
    this.#leave("closed");
    this.#link.close();
  }

  #leave(why: string): void {
    const state = this.#state;
    if (state.type === "gone") return;
    this.#state = { type: "gone" };
    if (state.type === "open") this.#host.loop.step({ type: "sessionClosed", session: state.session.number });
    this.#host.clientGone(state.type === "greeting" ? undefined : state.session, why);
  }

  /** Answers with what is wrong with it. Bodies that a newer client may send beside ours are skipped. */
  #take({ body }: ClientMessage): Refusal | undefined {
    const state = this.#state;
    if (body === undefined || state.type === "gone") return undefined;
    if (state.type === "greeting") {
      if (body.$case === "open") return this.#open(body.open);
      return badMessage(`"${body.$case}" came before "open"`);
    }
    const { session } = state;
    session.heard += 1;
    switch (body.$case) {
      case "cancel":
        return this.#cancel(session, body.cancel);
      case "ack":
        return this.#acknowledge(session, body.ack);
      case "open":
        return badMessage('a second "open"');
    }
    if (state.type === "closing") return badMessage(`"${body.$case}" came after "close"`);
    switch (body.$case) {
      case "spec":
        return this.#define(session, body.spec);
      case "submit":
        return this.#submit(session, body.submit);
      case "close":
        this.#state = { type: "closing", session };
        this.#host.loop.step({ type: "sessionClosed", session: session.number });
        return undefined;
      default:
        return body satisfies never;
    }
  }

  #open(open: OpenSession): Refusal | undefined {
    const refusal = refuseHello("client", open.hello);
    if (refusal !== undefined) return refusal;
    if (open.priority !== (open.priority | 0)) return badMessage(`open: its priority is ${open.priority}`);
    const admitted = this.#host.admitClient(this, open);
    if ("code" in admitted) return admitted;
    this.#state = { type: "open", session: admitted };
    this.#outbox.send({ body: { $case: "welcome", welcome: { session: admitted.number, hello: hello() } } });
    this.#host.loop.step({
      type: "sessionOpened",
      session: admitted.number,
      name: open.name,
      prioritized: open.prioritized,
      priority: open.priority,
    });
    this.#host.changed(admitted);
    return undefined;
  }

  #define(session: Session, spec: Spec): Refusal | undefined {
    const wrong = wrongSpec(spec, session);
    if (wrong !== undefined) return badMessage(wrong);
    const read = readRequest(spec.request);
    if ("wrong" in read) return badMessage(`spec ${spec.spec}: ${read.wrong}`);
    const { request } = read;
    session.specs.set(spec.spec, { ...spec, request });
    session.holds.registered(spec.module);
    this.#host.loop.step({
      type: "specDefined",
      session: session.number,
      spec: spec.spec,
      request,
      priority: spec.priority,
      retries: { max: spec.retries, backoffMs: spec.retryBackoffMs, on: spec.retryOn },
      failInfeasible: spec.failInfeasible,
    });
    return undefined;
  }

  #submit(session: Session, submit: Submit): Refusal | undefined {
    const wrong = wrongSubmit(submit, session);
    if (wrong !== undefined) return badMessage(wrong);
    const count = submit.sizes.length;
    session.lastTask = submit.first + count - 1;
    const why = this.#host.whyNoTasks;
    if (why !== undefined) {
      for (let task = submit.first; task <= session.lastTask; task += 1) this.send(notTaken(task, why));
      return undefined;
    }
    session.holds.submitted(submit.first, submit.blobs);
    this.#host.loop.step({
      type: "submitted",
      session: session.number,
      spec: submit.spec,
      first: submit.first,
      count,
      source: new Source(submit),
    });
    this.#host.changed(session);
    return undefined;
  }

  #cancel(session: Session, tasks: Tasks): Refusal | undefined {
    const wrong = wrongTaskList("cancel", tasks, session);
    if (wrong !== undefined) return badMessage(wrong);
    this.#host.loop.step({ type: "cancelRequested", session: session.number, tasks: tasks.tasks });
    return undefined;
  }

  #acknowledge(session: Session, tasks: Tasks): Refusal | undefined {
    const wrong = wrongTaskList("ack", tasks, session);
    if (wrong !== undefined) return badMessage(wrong);
    session.holds.acknowledged(tasks.tasks);
    this.#host.acknowledged(session, tasks.tasks);
    return undefined;
  }
}

function notTaken(task: number, why: string): HeadToClient {
  const failure = {
    session: 0,
    task,
    attempt: 0,
    kind: FailureKind.NOT_TAKEN,
    message: why,
    error: NO_BYTES,
    worker: "",
    exitCode: 0,
    signal: "",
    stderrTail: "",
    runMs: 0,
  };
  return { body: { $case: "failure", failure } };
}
