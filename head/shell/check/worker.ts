/** What can be wrong with a worker's messages. */

import {
  type Complaint,
  isQuantity,
  isUint32,
  wrongAttempts,
  wrongBlobs,
  wrongSizes,
  wrongTasks,
} from "../../../proto/columns.js";
import {
  type Failure,
  FailureKind,
  type Finished,
  type Held,
  type JoinCluster,
  type Output,
} from "../../../proto/grain.js";
import { isOneLine } from "./hello.js";
import { wrongPool } from "./resources.js";

const MAX_NAME_LENGTH = 255;
const IDENTITY_BYTES = 16;

/** A worker has a name and a pool. */
export function wrongJoin(join: JoinCluster): Complaint {
  if (join.name === "") return "a worker needs a name";
  if (join.name.length > MAX_NAME_LENGTH) return `a worker's name has at most ${MAX_NAME_LENGTH} characters`;
  if (!isOneLine(join.name)) return "a worker's name is one line";
  if (join.job !== undefined && join.job.length > MAX_NAME_LENGTH)
    return `the job of "${join.name}" has a name of more than ${MAX_NAME_LENGTH} characters`;
  if (join.id !== undefined && join.id.byteLength !== IDENTITY_BYTES)
    return `the identity of "${join.name}" has ${join.id.byteLength} bytes, not ${IDENTITY_BYTES}`;
  if (join.resume && join.id === undefined) return `"${join.name}" comes back without an identity`;
  const wrong = wrongPool(join.pool);
  return wrong === undefined ? undefined : `the pool of "${join.name}": ${wrong}`;
}

/** A message about tasks of one session. */
export interface About {
  readonly session: number;
  readonly tasks: readonly number[];
  readonly attempts: readonly number[];
}

/** Tasks of a session that exists or has existed. */
export function wrongAbout(what: string, about: About, lastSession: number): Complaint {
  const { session, tasks, attempts } = about;
  const wrong =
    wrongSession(session, lastSession) ?? wrongTasks(tasks) ?? wrongAttempts(attempts, tasks.length);
  return wrong === undefined ? undefined : `${what}: ${wrong}`;
}

/** What a worker that comes back has, in columns of one length. */
export function wrongHeld({ executions, sessions }: Held, lastSession: number): Complaint {
  for (const session of sessions) {
    const wrong = wrongSession(session, lastSession);
    if (wrong !== undefined) return `held: ${wrong}`;
  }
  for (const execution of executions) {
    const { tasks, attempts, alternatives, started, gangs } = execution;
    const wrong = wrongAbout("held", execution, lastSession);
    if (wrong !== undefined) return wrong;
    const count = tasks.length;
    if (attempts.length !== count || started.length !== count)
      return `held: ${attempts.length} attempts and ${started.length} starts for ${count} tasks`;
    if (alternatives.length !== 0 && alternatives.length !== count)
      return `held: ${alternatives.length} alternatives for ${count} tasks`;
    for (const { index } of gangs)
      if (index >= count) return `held: a gang of item ${index} of ${count} tasks`;
    const odd = alternatives.find((alternative) => !isUint32(alternative));
    if (odd !== undefined) return `held: alternative ${odd} is not a whole number`;
  }
  return undefined;
}

/** Results in columns of one length. */
export function wrongFinished(finished: Finished, lastSession: number): Complaint {
  const { tasks, sizes, values, blobs, runUs } = finished;
  const wrong = wrongAbout("results", finished, lastSession);
  if (wrong !== undefined) return wrong;
  const columns =
    wrongColumns(tasks.length, sizes, runUs) ?? wrongSizes(sizes, values) ?? wrongBlobs(blobs, sizes);
  return columns === undefined ? undefined : `results: ${columns}`;
}

function wrongColumns(count: number, sizes: readonly number[], runUs: readonly number[]): Complaint {
  if (sizes.length !== count) return `${sizes.length} sizes for ${count} tasks`;
  if (runUs.length !== count) return `${runUs.length} run times for ${count} tasks`;
  return undefined;
}

/** What only the head itself may conclude. */
const NOT_A_WORKERS = new Set([
  FailureKind.FAILURE_UNSPECIFIED,
  FailureKind.WORKER_LOST,
  FailureKind.INFEASIBLE,
  FailureKind.NOT_TAKEN,
  FailureKind.HEAD_LOST,
]);

/** A failure of one task, of a kind that a worker can see. */
export function wrongFailure(failure: Failure, lastSession: number): Complaint {
  const { session, task, attempt, kind, runMs, memoryBytes, peakBytes, askedBytes } = failure;
  const wrong = wrongSession(session, lastSession) ?? wrongTasks([task]);
  if (wrong !== undefined) return `failure: ${wrong}`;
  if (!isUint32(attempt) || attempt === 0) return `failure: attempt ${attempt} is not a whole number from 1`;
  if (FailureKind[kind] === undefined || NOT_A_WORKERS.has(kind))
    return `failure: a worker cannot report kind ${kind}`;
  if (!isQuantity(runMs)) return `failure: it ran for ${runMs} ms`;
  for (const bytes of [memoryBytes, peakBytes, askedBytes])
    if (bytes !== undefined && !isQuantity(bytes)) return `failure: its memory is ${bytes} bytes`;
  return undefined;
}

/** Output belongs to a session; its task may be 0. */
export function wrongOutput({ session, task }: Output, lastSession: number): Complaint {
  const wrong = wrongSession(session, lastSession) ?? (isUint32(task) ? undefined : `task number ${task}`);
  return wrong === undefined ? undefined : `output: ${wrong}`;
}

function wrongSession(session: number, lastSession: number): Complaint {
  if (isUint32(session) && session >= 1 && session <= lastSession) return undefined;
  return `session ${session} has never existed`;
}
