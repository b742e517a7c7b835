/** What can be wrong with a client's messages, each seen against what its session has said before. */

import {
  type Complaint,
  isCount,
  isQuantity,
  isUint32,
  wrongBlobs,
  wrongSizes,
  wrongTasks,
} from "../../../proto/columns.js";
import type { OpenSession, Spec, Submit, Tasks } from "../../../proto/grain.js";
import { isHash } from "../../../proto/hash.js";
import { show } from "../../../proto/resource/show.js";
import { KEY_BYTES } from "../../cache/entry.js";

const MAX_NAME_LENGTH = 1_024;
const TOKEN_BYTES = 16;

/** What the checks need to know of a session. */
export interface Said {
  readonly specs: { has(spec: number): boolean };
  /** The highest task number submitted so far; 0 before the first. */
  readonly lastTask: number;
}

/** A session's name and priority, and what it goes on from. Its hello is read by hello.ts. */
export function wrongOpen({ name, priority, token, resume }: OpenSession): Complaint {
  if (name.length > MAX_NAME_LENGTH) return `open: its name has more than ${MAX_NAME_LENGTH} characters`;
  if (priority !== (priority | 0)) return `open: its priority is ${priority}`;
  if (token !== undefined && token.byteLength !== TOKEN_BYTES)
    return `open: its token has ${token.byteLength} bytes, not ${TOKEN_BYTES}`;
  if (resume === undefined) return undefined;
  const { received, sent = 0 } = resume;
  return isCount(received) && isCount(sent)
    ? undefined
    : `open: it has counted ${received} and ${sent} messages`;
}

/** A specification is registered once, and names what there can be. Its request is read by resources.ts. */
export function wrongSpec(spec: Spec, said: Said): Complaint {
  const wrong = wrongSpecFields(spec, said);
  return wrong === undefined ? undefined : `spec ${spec.spec}: ${wrong}`;
}

function wrongSpecFields(spec: Spec, said: Said): Complaint {
  if (!isUint32(spec.spec)) return "its number is not a whole number";
  if (said.specs.has(spec.spec)) return "it was registered before";
  if (spec.function === "") return "it names no function";
  if (spec.module.startsWith("sha256-") && !isHash(spec.module)) return `${show(spec.module)} is no hash`;
  if (spec.priority !== (spec.priority | 0)) return `its priority is ${spec.priority}`;
  if (!isQuantity(spec.timeoutMs)) return `its timeout is ${spec.timeoutMs} ms`;
  if (!isQuantity(spec.retryBackoffMs)) return `its back-off is ${spec.retryBackoffMs} ms`;
  if (!isUint32(spec.retries)) return `its retries are ${spec.retries}`;
  return undefined;
}

/** Submitted tasks are numbered upwards and belong to a registered spec. */
export function wrongSubmit(submit: Submit, said: Said): Complaint {
  const wrong = wrongSubmitFields(submit, said);
  return wrong === undefined ? undefined : `submission of task ${submit.first}: ${wrong}`;
}

function wrongSubmitFields({ spec, first, sizes, args, blobs, keys }: Submit, said: Said): Complaint {
  if (!said.specs.has(spec)) return `spec ${spec} was never registered`;
  if (sizes.length === 0) return "it has no tasks";
  if (!isUint32(first) || !isUint32(first + sizes.length - 1))
    return "its numbers are not whole numbers below 2^32";
  if (first <= said.lastTask) return `task numbers must increase, and ${said.lastTask} was submitted before`;
  if (keys !== undefined && keys.byteLength !== sizes.length * KEY_BYTES)
    return `${keys.byteLength} bytes of keys for ${sizes.length} tasks`;
  return wrongSizes(sizes, args) ?? wrongBlobs(blobs, sizes);
}

/** Cancelled and acknowledged tasks were submitted. */
export function wrongTaskList(what: string, { tasks }: Tasks, said: Said): Complaint {
  const wrong = wrongTasks(tasks, said.lastTask);
  return wrong === undefined ? undefined : `${what}: ${wrong}`;
}
