/** Carries the core's effects out: each becomes messages to one peer. */

import { type Failure, FailureKind, type Gang_Node, type HeadToClient } from "../../proto/grain.js";
import type { Verdict, Warn } from "../core/effect.js";
import { badMessage } from "./check/hello.js";
import type { ShellEffect } from "./loop.js";
import type { Recalls } from "./recalls.js";
import type { Session } from "./session.js";
import { assignMessage, resultsMessage } from "./source.js";
import type { WorkerPeer } from "./worker-peer.js";

/** Whom effects are for. */
export interface Peers {
  worker(worker: number): WorkerPeer | undefined;
  /** The head is part of the one program that it serves. */
  readonly embedded: boolean;
  session(session: number): Session | undefined;
  /** A worker as the others of its gang are told of it; undefined: it is gone. */
  node(worker: number): Gang_Node | undefined;
  readonly recalls: Recalls;
  /** The head's clock. */
  nowMs(): number;
  /** Tells a client how tasks have ended; of a program that is gone nobody needs to know. */
  tell(session: Session, tasks: readonly number[], messages: readonly HeadToClient[]): void;
  /** Every task of a closed session has ended. */
  sessionEnded(session: number): void;
  /** Something about the session's tasks changed. */
  changed(session: Session): void;
}

const NO_BYTES = new Uint8Array(0);

/** Carries one effect out. Effects for peers that are gone are dropped. */
export function carryOut(effect: ShellEffect, peers: Peers): void {
  switch (effect.type) {
    case "assign":
    case "promote":
    case "retract":
    case "stop":
      return tellWorker(effect, peers);
    case "deliver":
    case "reject":
    case "conclude":
    case "warn":
      return tellClient(effect, peers);
    case "remember":
      // For the journal.
      return;
    case "sessionEnded":
      return peers.sessionEnded(effect.session);
    case "dropWorker":
      return peers.worker(effect.worker)?.refuse(badMessage(effect.reason));
    default:
      return effect satisfies never;
  }
}

type ForWorker = Extract<ShellEffect, { worker: number; session: number }>;
type ForClient = Exclude<ShellEffect, ForWorker | { type: "remember" | "sessionEnded" | "dropWorker" }>;

function tellWorker(effect: ForWorker, peers: Peers): void {
  const worker = peers.worker(effect.worker);
  const client = peers.session(effect.session);
  // A worker that is cut off says what it has when it comes back, and is told then.
  if (worker === undefined || client === undefined) return;
  const { session, tasks } = effect;
  switch (effect.type) {
    case "assign":
      worker.tell(session, client.specs.get(effect.spec)!, client.outputs);
      worker.send({ body: { $case: "assign", assign: assignMessage(effect, peers.node) } });
      break;
    case "promote":
      worker.send({ body: { $case: "promote", promote: { session, tasks } } });
      break;
    case "retract":
      worker.send({ body: { $case: "retract", retract: { session, tasks } } });
      break;
    case "stop":
      worker.send({ body: { $case: "cancel", cancel: { session, tasks } } });
      break;
    default:
      effect satisfies never;
  }
  peers.changed(client);
}

function tellClient(effect: ForClient, peers: Peers): void {
  const session = peers.session(effect.session);
  if (session === undefined) return;
  switch (effect.type) {
    case "deliver": {
      const results = resultsMessage(effect);
      session.holds.delivered(results.tasks, results.blobs);
      session.args.ended(results.tasks);
      const message: HeadToClient = { body: { $case: "results", results } };
      peers.recalls.delivered(session, results, () => peers.tell(session, results.tasks, [message]));
      break;
    }
    case "reject":
      session.failures.add(effect.failure, effect.spec, peers.nowMs());
      session.ended([effect.task]);
      peers.recalls.ended(session, [effect.task]);
      peers.tell(session, [effect.task], [{ body: { $case: "failure", failure: effect.failure } }]);
      break;
    case "conclude": {
      const failures = effect.tasks.map((task) => concluded(task, effect.verdict));
      session.failures.addAll(failures, effect.spec, peers.nowMs());
      session.ended(effect.tasks);
      peers.recalls.ended(session, effect.tasks);
      peers.tell(
        session,
        effect.tasks,
        failures.map((failure) => ({ body: { $case: "failure", failure } })),
      );
      break;
    }
    case "warn":
      session.send({
        body: {
          $case: "notice",
          notice: { text: neverFits(session, effect, peers.embedded), warning: true },
        },
      });
      return;
    default:
      effect satisfies never;
  }
  peers.changed(session);
}

function neverFits(session: Session, { spec, wanted, reason }: Warn, embedded: boolean): string {
  const name = session.functionOf(spec);
  const calls = name === "" ? "some calls" : `"${name}"`;
  return embedded
    ? `This program's own worker can never run ${calls}: it asks for ${wanted}; ${reason}. ` +
        "Its calls wait in vain: ask for less, give the program more with the option local, or run it against a head (GRAIN_ADDRESS) with larger workers."
    : `No connected worker can ever run ${calls}: it asks for ${wanted}; ${reason}. ` +
        "Its calls wait until workers join that can; ask for less, or start such workers (`grain ls` shows what there is).";
}

/** The failure of a task that ended by the head's own decision. */
export function concluded(task: number, verdict: Verdict): Failure {
  const worker = verdict.type === "workersLost" ? (verdict.workers.at(-1) ?? "") : "";
  return { ...ownFailure(task, FailureKind.FAILURE_UNSPECIFIED), ...explain(verdict), worker };
}

/** A failure that no worker has reported, without words. */
export function ownFailure(task: number, kind: FailureKind): Failure {
  return {
    session: 0,
    task,
    attempt: 0,
    kind,
    message: "",
    error: NO_BYTES,
    worker: "",
    exitCode: 0,
    signal: "",
    stderrTail: "",
    runMs: 0,
  };
}

function explain(verdict: Verdict): { kind: FailureKind; message: string } {
  switch (verdict.type) {
    case "cancelled":
      return { kind: FailureKind.CANCELLED, message: verdict.by ?? "" };
    case "workersLost":
      return {
        kind: FailureKind.WORKER_LOST,
        message:
          `${verdict.workers.length} workers were lost while it ran on them (${listed(verdict.workers)}); ` +
          "it is probably the cause: look at what it does to memory, and at the workers' own logs",
      };
    case "infeasible":
      return { kind: FailureKind.INFEASIBLE, message: verdict.reason };
    default:
      return verdict satisfies never;
  }
}

function listed(names: readonly string[]): string {
  return [...new Set(names)].join(", ");
}
