/** What the records of a journal mean to the head: its own numbers, and what a client is still to be told. */

import { randomBytes } from "node:crypto";
import {
  FailureKind,
  Failure as FailureMessage,
  type HeadToClient,
  Results,
  type Spec,
} from "../../proto/grain.js";
import type { Request } from "../../proto/resource/demand.js";
import { type HeadRecord, type ResultRecord, unpack } from "../journal/codec.js";
import type { StoredRecord } from "../journal/recover.js";
import { concluded, ownFailure } from "./carry-out.js";
import { readRequest } from "./check/resources.js";
import { resultsMessage } from "./source.js";

const INSTANCE_BYTES = 16;

/** The numbers that a head goes on with; where nothing is known, a new head's. */
export function headRecordOf(records: readonly StoredRecord[]): HeadRecord {
  let head: HeadRecord = { instance: randomBytes(INSTANCE_BYTES), lastSession: 0, lastWorker: 0 };
  for (const [key, bytes] of records) {
    if (key === "head" && bytes !== undefined) head = unpack<HeadRecord>(bytes);
    const number = Number(key.split("/")[1]);
    if (key.startsWith("session/") && number > head.lastSession) head = { ...head, lastSession: number };
    if (key.startsWith("worker/") && number > head.lastWorker) head = { ...head, lastWorker: number };
  }
  return head;
}

/** What a spec asks for; it was read before. */
export function requestOf(spec: Spec): Request {
  const read = readRequest(spec.request);
  if ("wrong" in read)
    throw new Error(`the journal holds a request that this head would refuse: ${read.wrong}`);
  return read.request;
}

/** What the client is to be told of how these tasks ended. @param directory the journal's */
export function messagesOf(
  record: ResultRecord,
  tasks: readonly number[],
  directory: string,
): HeadToClient[] {
  switch (record.type) {
    case "results": {
      const { sizes, values, blobs } = Results.decode(record.bytes);
      const wanted = new Set(tasks);
      const indices = [...record.tasks.keys()].filter((i) => wanted.has(record.tasks[i]!));
      const result = { session: 0, tasks: [], attempts: [], sizes, values, blobs, runUs: [] };
      const ended = indices.map((i) => record.tasks[i]!);
      const results = resultsMessage({ type: "deliver", session: 0, tasks: ended, indices, result });
      return [{ body: { $case: "results", results } }];
    }
    case "failure":
      return [{ body: { $case: "failure", failure: FailureMessage.decode(record.bytes) } }];
    case "concluded":
      return tasks.map((task) => ({ body: { $case: "failure", failure: concluded(task, record.verdict) } }));
    case "lost":
      return tasks.map((task) => {
        const message = `it was restarted, and the part of its journal ${directory} that held the task is damaged`;
        const failure = { ...ownFailure(task, FailureKind.HEAD_LOST), message };
        return { body: { $case: "failure", failure } };
      });
    default:
      return record satisfies never;
  }
}
