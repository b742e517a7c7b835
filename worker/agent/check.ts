/**
 * What can be wrong with a head's messages, seen against what the agent has. Pure. Nothing of a message with
 * which something is wrong reaches the agent's core.
 */

import {
  type Complaint,
  isQuantity,
  isUint32,
  wrongAttempts,
  wrongBlobs,
  wrongSizes,
  wrongTasks,
} from "../../proto/columns.js";
import { messageOf } from "../../proto/errors.js";
import type { Accepted, Assign, HeadToWorker, SessionSpec, TasksOf } from "../../proto/grain.js";
import { canonicalRequest } from "../../proto/resource/canonical.js";
import { keyOf } from "./core/state.js";

/** What the checks need to know of an agent. */
export interface Known {
  readonly specs: { get(key: number): { readonly plans: { readonly length: number } } | undefined };
  readonly byKey: { has(session: number, task: number): boolean };
}

/** A longer one would fire at once. */
const MOST_TIMER_MS = 0x7fff_ffff;
/** An identity of a head. */
const IDENTITY_BYTES = 16;

/** What is wrong with a message; undefined when nothing is. Bodies that a newer head may send beside ours are skipped. */
export function wrongMessage({ body }: HeadToWorker, known: Known): Complaint {
  switch (body?.$case) {
    case "spec":
      return about("spec", wrongSpec(body.spec));
    case "assign":
      return about("assign", wrongSession(body.assign) ?? wrongAssign(body.assign, known));
    case "promote":
      return about("promote", wrongTasksOf(body.promote));
    case "retract":
      return about("retract", wrongTasksOf(body.retract));
    case "cancel":
      return about("cancel", wrongTasksOf(body.cancel));
    default:
      return undefined;
  }
}

/** The first answer of a head, and of each further stream. */
export function wrongAccepted({ heartbeatMs, resumeMs, head }: Accepted): Complaint {
  // 0: none. Others are what a timer can follow.
  if (heartbeatMs !== 0 && !(heartbeatMs >= 1 && heartbeatMs <= MOST_TIMER_MS))
    return `accepted: heartbeats every ${heartbeatMs} ms`;
  if (resumeMs !== undefined && !isQuantity(resumeMs)) return `accepted: ${resumeMs} ms to come back`;
  if (head !== undefined && head.byteLength !== IDENTITY_BYTES)
    return `accepted: the head's identity has ${head.byteLength} bytes, not ${IDENTITY_BYTES}`;
  return undefined;
}

function about(what: string, wrong: Complaint): Complaint {
  return wrong === undefined ? undefined : `${what}: ${wrong}`;
}

function wrongSession({ session }: { readonly session: number }): Complaint {
  return isUint32(session) && session > 0 ? undefined : `there is no session ${session}`;
}

function wrongSpec(told: SessionSpec): Complaint {
  const { spec } = told;
  if (spec === undefined) return "it is missing";
  if (spec.request === undefined) return `spec ${spec.spec} has no request`;
  if (!isQuantity(spec.timeoutMs)) return `the timeout of spec ${spec.spec} is ${spec.timeoutMs} ms`;
  try {
    canonicalRequest(spec.request);
  } catch (error) {
    return `spec ${spec.spec}: ${messageOf(error).replace(/\.$/, "")}`;
  }
  return wrongSession(told);
}

function wrongTasksOf(of: TasksOf): Complaint {
  return wrongSession(of) ?? wrongTasks(of.tasks);
}

function wrongAssign(assign: Assign, { specs, byKey }: Known): Complaint {
  const { session, spec, alternative, tasks, attempts, sizes, args, blobs, hardMs, gangs } = assign;
  const plans = specs.get(keyOf(session, spec))?.plans;
  if (plans === undefined || alternative >= plans.length)
    return `alternative ${alternative} of spec ${session}.${spec} was never sent`;
  if (sizes.length !== tasks.length) return `${sizes.length} sizes for ${tasks.length} tasks`;
  if (!isQuantity(hardMs)) return `its walltime is ${hardMs} ms`;
  const odd = gangs.length === 0 ? undefined : gangs.find(({ index }) => index >= tasks.length);
  if (odd !== undefined) return `it has no item ${odd.index} for a gang`;
  const wrong =
    wrongTasks(tasks) ??
    wrongAttempts(attempts, tasks.length) ??
    wrongSizes(sizes, args) ??
    wrongBlobs(blobs, sizes);
  if (wrong !== undefined) return wrong;
  const seen = tasks.length > 1 ? new Set<number>() : undefined;
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i]!;
    if (seen?.has(task) || byKey.has(session, task)) return `task ${session}.${task} is here already`;
    seen?.add(task);
  }
  return undefined;
}
