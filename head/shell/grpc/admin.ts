/** The Admin service: who may see and order what, and the head's answers. */

import { type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import { messageOf } from "../../../proto/errors.js";
import type {
  AccessAnswer,
  AccessQuery,
  CacheAnswer,
  CacheQuery,
  CancelAnswer,
  CancelQuery,
  Empty,
  ExplainQuery,
  Explanation,
  HeadStatus,
  QuitAnswer,
  QuitRequest,
  ScaleRequest,
  ScaleStatus,
  SessionDetail,
  SessionExplanation,
  SessionQuery,
} from "../../../proto/grain.js";
import type { Door } from "../../access/door.js";
import type { Caller } from "../../access/gate.js";
import { maySee, ownerSeenBy, visibleDetail, visibleStatus } from "../../access/visible.js";
import type { Swarm } from "../../scale/swarm.js";
import type { Head } from "../head.js";
import { denied } from "./guard.js";
import { callerOf, peerOf } from "./peer.js";

/** Answers for a head. */
export function adminHandlers(head: Head, door: Door, swarm: Swarm | undefined) {
  const owns = (session: number, credential: string) => head.owns(session, credential);
  /** Answers, if the session is one that the caller may ask for. */
  const ofSession = <Q extends { readonly session: number }, R>(
    call: ServerUnaryCall<Q, R>,
    answer: sendUnaryData<R>,
    work: (query: Q, caller: Caller | undefined) => R | Promise<R>,
  ) => {
    const caller = callerOf(call);
    const { session } = call.request;
    if (maySee(caller, session, owns)) reply(() => work(call.request, caller), answer);
    else answer(denied({ type: "forbidden", message: notYours(caller, session) }));
  };
  return {
    status(call: ServerUnaryCall<Empty, HeadStatus>, answer: sendUnaryData<HeadStatus>) {
      const text = swarm?.text;
      const all = { ...head.status(), ...(text === undefined ? {} : { swarm: text }) };
      answer(null, visibleStatus(all, callerOf(call), owns));
    },
    explain(call: ServerUnaryCall<ExplainQuery, Explanation>, answer: sendUnaryData<Explanation>) {
      ofSession(call, answer, ({ session, task }) => head.explain(session, task));
    },
    explainSession(
      call: ServerUnaryCall<SessionQuery, SessionExplanation>,
      answer: sendUnaryData<SessionExplanation>,
    ) {
      ofSession(call, answer, ({ session }) => head.desk.explain(session));
    },
    session(call: ServerUnaryCall<SessionQuery, SessionDetail>, answer: sendUnaryData<SessionDetail>) {
      ofSession(call, answer, ({ session }, caller) => visibleDetail(head.desk.detail(session), caller));
    },
    cancel(call: ServerUnaryCall<CancelQuery, CancelAnswer>, answer: sendUnaryData<CancelAnswer>) {
      ofSession(call, answer, (query, caller) => head.desk.cancel({ ...query, by: whoOf(query.by, caller) }));
    },
    cacheList(call: ServerUnaryCall<CacheQuery, CacheAnswer>, answer: sendUnaryData<CacheAnswer>) {
      reply(() => head.recalls.list(call.request.pattern, ownerSeenBy(callerOf(call))), answer);
    },
    cacheRemove(call: ServerUnaryCall<CacheQuery, CacheAnswer>, answer: sendUnaryData<CacheAnswer>) {
      reply(() => head.recalls.remove(call.request.pattern, ownerSeenBy(callerOf(call))), answer);
    },
    quit(call: ServerUnaryCall<QuitRequest, QuitAnswer>, answer: sendUnaryData<QuitAnswer>) {
      answer(null, head.workers.quit(call.request));
    },
    scale(call: ServerUnaryCall<ScaleRequest, ScaleStatus>, answer: sendUnaryData<ScaleStatus>) {
      if (swarm === undefined) answer(NO_SWARM);
      else reply(() => swarm.set(call.request), answer);
    },
    explainScale(_: ServerUnaryCall<Empty, ScaleStatus>, answer: sendUnaryData<ScaleStatus>) {
      if (swarm === undefined) answer(NO_SWARM);
      else reply(() => swarm.status(), answer);
    },
    access(call: ServerUnaryCall<AccessQuery, AccessAnswer>, answer: sendUnaryData<AccessAnswer>) {
      const peer = peerOf(call);
      if (peer === undefined || door.type === "open") return answer(null, { credential: "", role: "admin" });
      const decision = door.gate.admit(peer, call.request.rpc);
      if ("type" in decision) answer(denied(decision));
      else answer(null, { credential: decision.id, role: decision.role });
    },
  };
}

/** It belongs to a program, which has said nothing of jobs. */
const NO_SWARM = {
  code: status.UNIMPLEMENTED,
  details:
    "it is part of a program and starts no workers; use one that grain-head or grain start has started",
};

async function reply<T>(work: () => T | Promise<T>, answer: sendUnaryData<T>): Promise<void> {
  let value: T;
  try {
    value = await work();
  } catch (error) {
    return answer({ code: status.INTERNAL, details: messageOf(error) });
  }
  answer(null, value);
}

/** Of longer names the beginning is told. */
const MAX_NAME_CHARS = 64;

/** The name is what the asker says, and must not look like what follows; the credential is what has been verified. */
function whoOf(name: string, caller: Caller | undefined): string {
  const said =
    name
      .replace(/[\p{C}()]/gu, "")
      .trim()
      .slice(0, MAX_NAME_CHARS) || "somebody";
  return caller === undefined ? `by ${said}` : `by ${said} (credential ${caller.id}, role ${caller.role})`;
}

function notYours(caller: Caller | undefined, session: number): string {
  return (
    `session ${session} has ended, or is not one that the credential ${caller?.id ?? ""} has opened; ` +
    "ask with that one, or as an administrator"
  );
}
