/**
 * One client's stream: checks what it says and turns it into events.
 *
 *   greeting ──open──▶ open ──close──▶ closing ──▶ gone
 *
 * From every state a broken link, or a message that breaks the protocol, leads
 * to gone. Nothing of a message that breaks the protocol reaches the core. When the
 * link of a client that has a token breaks, its session goes on without it, and
 * another stream may take it up.
 */

import { messageOf } from "../../proto/errors.js";
import {
  type BlobAt,
  type ClientMessage,
  FailureKind,
  type HeadToClient,
  type OpenSession,
  type Recall,
  Refused_Code,
  type Resume,
  type Spec,
  type Submit,
  type Tasks,
} from "../../proto/grain.js";
import type { Link, LinkEnd, LinkHandler } from "../../proto/link/link.js";
import { hello } from "../../proto/version.js";
import { ownFailure } from "./carry-out.js";
import { wrongOpen, wrongSpec, wrongSubmit, wrongTaskList } from "./check/client.js";
import { badMessage, type Refusal, refusedMessage, refuseHello, whyEnded } from "./check/hello.js";
import { readRequest } from "./check/resources.js";
import type { Detached } from "./detached.js";
import type { Stream } from "./inline/delivery.js";
import type { Keeper, Kept } from "./inline/keeper.js";
import type { Loop } from "./loop.js";
import { Outbox } from "./outbox.js";
import type { Recalls } from "./recalls.js";
import type { Session } from "./session.js";
import { Source } from "./source.js";

/** What a client's stream needs of the head. */
export interface ClientHost {
  readonly loop: Loop;
  /** Takes large arguments that are files. Throws when there is no room for them. */
  takeNamed(blobs: readonly BlobAt[]): void;
  /** Where small arguments wait. */
  readonly keeper: Keeper;
  /** Gives a client that said hello a session, or says why not. */
  admitClient(peer: ClientPeer, open: OpenSession): Session | Refusal;
  /** The session that a client comes back to, or why there is none. */
  resumeClient(peer: ClientPeer, open: OpenSession): Session | Refusal;
  /** How long a session outlives its stream. */
  readonly leaseMs: number;
  /** Its stream was lost; it may come back. */
  clientCutOff(session: Session, why: string): void;
  /** Calls this once what has happened so far will not be forgotten. */
  whenDurable(then: () => void): void;
  /** Messages of the client have been taken. @param tell called when it is worth telling it so */
  heard(session: Session, tell: () => void): void;
  /** The client is here; perhaps it has sent again all that was not known to have arrived. */
  caughtUp(session: Session): void;
  /** Why no tasks can be taken now; undefined: they can. */
  whyNoTasks(): string | undefined;
  /** Stored results. */
  readonly recalls: Recalls;
  /** Of sessions that outlive their programs; undefined: this head keeps none. */
  readonly detached: Detached | undefined;
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
  /** The credential it has shown; empty: it needed none. */
  readonly owner: string;
  readonly #link: Link<HeadToClient, ClientMessage>;
  readonly #host: ClientHost;
  readonly #outbox: Outbox<HeadToClient, ClientMessage>;
  #state: State = { type: "greeting" };

  constructor(link: Link<HeadToClient, ClientMessage>, host: ClientHost, owner = "") {
    this.owner = owner;
    this.#link = link;
    this.#host = host;
    this.#outbox = new Outbox(link, host.loop, () => this.#acknowledgement());
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
    const state = this.#state;
    if (!("session" in state)) return;
    this.#host.heard(state.session, () => this.#outbox.touch());
    this.#host.caughtUp(state.session);
    if (state.session.received.isDue) this.#outbox.touch();
  }

  ended(end: LinkEnd): void {
    const state = this.#state;
    if (end.type === "broken" && "session" in state && state.session.token !== undefined) {
      this.#state = { type: "gone" };
      return this.#host.clientCutOff(state.session, end.message);
    }
    this.#leave(whyEnded(end));
  }

  /** Its client has come back on another stream. */
  replaced(): void {
    if (this.#state.type === "gone") return;
    this.#state = { type: "gone" };
    this.#link.destroy("the client has come back on another connection");
  }

  /** Says why and ends the stream. */
  refuse(refusal: Refusal): void {
    const state = this.#state;
    if (state.type === "gone") return;
    if ("session" in state) state.session.delivery.flush();
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
    if ("session" in state) state.session.delivery.stop();
    if (state.type === "open") this.#host.loop.step({ type: "sessionClosed", session: state.session.number });
    this.#host.clientGone(state.type === "greeting" ? undefined : state.session, why);
  }

  /** Answers with what is wrong with it. Bodies that a newer client may send beside ours are skipped. */
  #take({ body }: ClientMessage): Refusal | undefined {
    const state = this.#state;
    if (body === undefined || state.type === "gone") return undefined;
    if (state.type === "greeting") {
      if (body.$case === "open") {
        const { open } = body;
        return open.resume === undefined ? this.#open(open) : this.#resume(open, open.resume);
      }
      return badMessage(`"${body.$case}" came before "open"`);
    }
    const { session } = state;
    if (body.$case === "received") return this.#received(session, body.received);
    if (body.$case === "recall") return this.#recall(session, body.recall);
    if (body.$case === "waive") {
      this.#host.recalls.waived(session, body.waive.tasks);
      return undefined;
    }
    if (!session.received.add(body.$case === "submit" ? body.submit.args.byteLength : 0)) return undefined;
    switch (body.$case) {
      case "cancel":
        return this.#cancel(session, body.cancel);
      case "ack":
        return this.#acknowledge(session, body.ack);
      case "open":
        return badMessage('a second "open"');
    }
    if (state.type === "closing" && session.resumed) return undefined;
    if (state.type === "closing") return badMessage(`"${body.$case}" came after "close"`);
    switch (body.$case) {
      case "spec":
        return this.#define(session, body.spec);
      case "submit":
        return this.#submit(session, body.submit);
      case "close":
        this.#state = { type: "closing", session };
        session.closing = true;
        this.#host.detached?.closed(session, body.close.done === true);
        this.#host.loop.step({ type: "sessionClosed", session: session.number });
        return undefined;
      case "leave":
        return this.#goAway(session);
      default:
        return body satisfies never;
    }
  }

  #open(open: OpenSession): Refusal | undefined {
    const refusal = refuseHello("client", open.hello);
    if (refusal !== undefined) return refusal;
    const wrong = wrongOpen(open);
    if (wrong !== undefined) return badMessage(wrong);
    const why = this.#host.whyNoTasks();
    if (why !== undefined) return { code: Refused_Code.UNABLE, message: `it takes nobody now: ${why}` };
    if (open.detach === true) {
      const refused = this.#detach(open);
      if (refused !== undefined) return refused;
    }
    const admitted = this.#host.admitClient(this, open);
    if ("code" in admitted) return admitted;
    this.#state = { type: "open", session: admitted };
    this.#host.loop.step({
      type: "sessionOpened",
      session: admitted.number,
      name: open.name,
      prioritized: open.prioritized,
      priority: open.priority,
    });
    const lease = open.token === undefined ? {} : { leaseMs: this.#host.leaseMs };
    const { stores } = this.#host.recalls;
    const welcome = { session: admitted.number, hello: hello(), stores, ...lease };
    // Whoever has been welcomed can come back, whatever happens to this head.
    this.#host.whenDurable(() => {
      this.send({ body: { $case: "welcome", welcome } });
      if (admitted.peer === this) admitted.delivery.begin(this.stream());
    });
    this.#host.changed(admitted);
    return undefined;
  }

  /** @returns why its session cannot outlive its program */
  #detach(open: OpenSession): Refusal | undefined {
    const { detached } = this.#host;
    return detached === undefined ? NOT_KEPT : detached.takeOver(open.name, this.owner);
  }

  /** Takes up a session where its last stream has left it. */
  #resume(open: OpenSession, { received, sent }: Resume): Refusal | undefined {
    const refusal = refuseHello("client", open.hello);
    if (refusal !== undefined) return refusal;
    const odd = wrongOpen(open);
    if (odd !== undefined) return badMessage(odd);
    const session = this.#host.resumeClient(this, open);
    if ("code" in session) return session;
    this.#state = { type: session.closing ? "closing" : "open", session };
    const { number, delivery } = session;
    if (session.recovered) delivery.renumber(received);
    session.recovered = false;
    session.expected = sent ?? 0;
    const wrong = this.#received(session, received);
    if (wrong !== undefined) return wrong;
    const count = session.received.resume();
    const { leaseMs, recalls } = this.#host;
    const welcome = { session: number, hello: hello(), received: count, leaseMs, stores: recalls.stores };
    this.#outbox.send({ body: { $case: "welcome", welcome } });
    delivery.begin(this.stream());
    this.#host.caughtUp(session);
    this.#host.changed(session);
    return undefined;
  }

  #received(session: Session, count: number): Refusal | undefined {
    if (session.delivery.arrived(count)) return undefined;
    return badMessage(`received: ${count} messages have arrived, but ${session.delivery.count} were sent`);
  }

  /** This stream, for what must not be missed. */
  stream(): Stream {
    const link = this.#link;
    return {
      send: (message) => this.send(message),
      flush: () => link.flush(),
      get pendingBytes() {
        return link.pendingBytes;
      },
      drained: () => link.drained(),
    };
  }

  #acknowledgement(): HeadToClient | undefined {
    const state = this.#state;
    if (!("session" in state) || state.session.token === undefined) return undefined;
    const received = state.session.received.tell();
    return received === undefined ? undefined : { body: { $case: "received", received } };
  }

  #recall(session: Session, recall: Recall): Refusal | undefined {
    const wrong = this.#host.recalls.asked(session, recall);
    return wrong === undefined ? undefined : badMessage(wrong);
  }

  /** Its program is gone, and comes to no harm if this head is killed now. */
  #goAway(session: Session): Refusal | undefined {
    const { detached } = this.#host;
    if (detached === undefined || session.open.detach !== true)
      return badMessage('"leave" of a session that was not opened with "detach"');
    this.#host.whenDurable(() => {
      if (session.peer !== this || this.#state.type === "gone") return;
      this.#outbox.send({ body: { $case: "closed", closed: {} } });
      this.#outbox.flush();
      this.#state = { type: "gone" };
      this.#link.close();
      session.peer = undefined;
      detached.left(session);
    });
    return undefined;
  }

  #define(session: Session, spec: Spec): Refusal | undefined {
    if (session.resumed && session.specs.has(spec.spec)) return undefined;
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
    if (session.resumed && submit.first + submit.sizes.length - 1 <= session.lastTask) return undefined;
    const wrong = wrongSubmit(submit, session);
    if (wrong !== undefined) return badMessage(wrong);
    const count = submit.sizes.length;
    session.lastTask = submit.first + count - 1;
    const why = this.#host.whyNoTasks();
    if (why !== undefined) {
      for (let task = submit.first; task <= session.lastTask; task += 1) session.send(notTaken(task, why));
      return undefined;
    }
    let kept: Kept;
    try {
      this.#host.takeNamed(submit.blobs);
      kept = this.#host.keeper.keep(submit.args);
    } catch (error) {
      const full = `it has no room for more arguments, neither in memory nor on disk (${messageOf(error)})`;
      for (let task = submit.first; task <= session.lastTask; task += 1) session.send(notTaken(task, full));
      return undefined;
    }
    session.args.submitted(submit.first, count, kept);
    session.holds.submitted(submit.first, submit.blobs);
    this.#host.recalls.submitted(session, submit);
    this.#host.loop.step({
      type: "submitted",
      session: session.number,
      spec: submit.spec,
      first: submit.first,
      count,
      source: new Source(submit, kept),
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

const NOT_KEPT: Refusal = {
  code: Refused_Code.UNABLE,
  message:
    "it keeps no session of a program that is gone, since it was started without a journal; " +
    "start it with --journal DIR, or leave the option detach out.",
};

function notTaken(task: number, why: string): HeadToClient {
  return {
    body: { $case: "failure", failure: { ...ownFailure(task, FailureKind.NOT_TAKEN), message: why } },
  };
}
