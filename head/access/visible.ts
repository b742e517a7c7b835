/** What of a head's state a caller may see: a client its own sessions, administrators and viewers all. */

import type { HeadStatus, SessionDetail } from "../../proto/grain.js";
import type { Caller } from "./gate.js";

/** Whether a session was opened with the caller's credential. Undefined: a caller who needs none. */
type Owns = (session: number, credential: string) => boolean;

/** Whether a caller may see a session. */
export function maySee(caller: Caller | undefined, session: number, owns: Owns): boolean {
  return caller?.role !== "client" || owns(session, caller.id);
}

/** The status as a caller may see it. */
export function visibleStatus(status: HeadStatus, caller: Caller | undefined, owns: Owns): HeadStatus {
  if (caller?.role !== "client") return status;
  const own = ({ session }: { readonly session: number }) => maySee(caller, session, owns);
  return { ...status, sessions: status.sessions.filter(own), queues: status.queues.filter(own) };
}

/** A session as a caller may see it: what tasks threw may hold what they were given, which is not for viewers. */
export function visibleDetail(detail: SessionDetail, caller: Caller | undefined): SessionDetail {
  if (caller?.role !== "viewer") return detail;
  const failures = detail.failures.map((failed) => ({ ...failed, message: "" }));
  return { ...detail, failures, errors: false };
}

/** Whose stored results a caller may see; undefined: everybody's. */
export function ownerSeenBy(caller: Caller | undefined): string | undefined {
  return caller?.role === "client" ? caller.id : undefined;
}
