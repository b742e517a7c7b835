/**
 * What can be wrong with a head's messages, seen against what their session has said. Pure. Nothing of a message
 * with which something is wrong reaches the state.
 */

import {
  type Complaint,
  isQuantity,
  isUint32,
  wrongBlobs,
  wrongSizes,
  wrongTasks,
} from "../../proto/columns.js";
import {
  type Failure,
  FailureKind,
  type HeadToClient,
  type Recalled,
  type Results,
  type Welcome,
} from "../../proto/grain.js";
import type { Phase } from "./state.js";

/** What the checks need to know of a session. */
export interface Asked {
  readonly phase: Phase;
  /** The highest task number submitted so far; 0 before the first. */
  readonly lastTask: number;
  readonly totals: { readonly submitted: number };
}

/** What is wrong with a message; undefined when nothing is. Bodies that a newer head may send beside ours are skipped. */
export function wrongMessage({ body }: HeadToClient, { phase, lastTask, totals }: Asked): Complaint {
  if (body === undefined || body.$case === "refused") return undefined;
  if (body.$case === "welcome")
    return phase.type === "opening" ? wrongWelcome(body.welcome) : 'a second "welcome"';
  if (phase.type === "opening") return `"${body.$case}" came before "welcome"`;
  switch (body.$case) {
    case "results":
      return about("results", wrongResults(body.results, lastTask));
    case "failure":
      return about("failure", wrongFailure(body.failure, lastTask));
    case "output":
      return about("output", wrongTask(body.output.task, lastTask));
    case "closed":
      return phase.type === "open" ? '"closed" came before "close"' : undefined;
    case "recalled":
      return about("recalled", wrongRecalled(body.recalled, totals.submitted));
    case "counts":
    case "notice":
    case "received":
      return undefined;
    default:
      return body satisfies never;
  }
}

/** Also of a session that comes back. */
export function wrongWelcome({ session, leaseMs }: Welcome): Complaint {
  if (!isUint32(session) || session === 0) return `welcome: there is no session ${session}`;
  if (leaseMs !== undefined && !isQuantity(leaseMs)) return `welcome: its lease is ${leaseMs} ms`;
  return undefined;
}

function about(what: string, wrong: Complaint): Complaint {
  return wrong === undefined ? undefined : `${what}: ${wrong}`;
}

function wrongResults({ tasks, sizes, values, blobs }: Results, lastTask: number): Complaint {
  if (sizes.length !== tasks.length) return `${sizes.length} sizes for ${tasks.length} tasks`;
  return wrongTasks(tasks, lastTask) ?? wrongSizes(sizes, values) ?? wrongBlobs(blobs, sizes);
}

function wrongRecalled({ ids, sizes, values, blobs, missing }: Recalled, submitted: number): Complaint {
  if (sizes.length !== ids.length) return `${sizes.length} sizes for ${ids.length} calls`;
  return (
    wrongTasks(ids, submitted) ??
    wrongTasks(missing, submitted) ??
    wrongSizes(sizes, values) ??
    wrongBlobs(blobs, sizes)
  );
}

function wrongFailure({ task, kind }: Failure, lastTask: number): Complaint {
  if (FailureKind[kind] === undefined) return `there is no kind ${kind}`;
  return wrongTasks([task], lastTask);
}

function wrongTask(task: number, lastTask: number): Complaint {
  return task === 0 ? undefined : wrongTasks([task], lastTask);
}
