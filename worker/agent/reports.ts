/**
 * What the agent tells the head of its tasks: one message for as many tasks as
 * stand next to each other. Order is kept.
 */

import {
  type BlobAt,
  FailureKind,
  type Finished,
  type Returned,
  type Started,
  type WorkerMessage,
} from "../../proto/grain.js";
import type { Link } from "../../proto/link/link.js";
import { amountOf } from "../../proto/resource/demand.js";
import type { Measured } from "../memory/watch.js";
import type { ReportFailed } from "./core/effect.js";
import { isBytes, type Task, type Value } from "./core/task.js";

/** A `Finished` that is being filled. */
interface FinishedColumn {
  readonly type: "finished";
  readonly message: Finished;
  readonly parts: Uint8Array[];
  /** Some attempt is not 1. */
  repeated: boolean;
}

/** A `Started` or `Returned` that is being filled. */
interface TaskColumn {
  readonly type: "started" | "returned";
  readonly message: Started | Returned;
  repeated: boolean;
}

/** What is known of a task beside what the core knows. */
export interface Remains {
  /** The end of what it wrote to standard error. */
  readonly stderrTail: string;
  readonly memory: Measured | undefined;
}

/** Gathers reports and sends them over the link. */
export class Reports {
  readonly #send: (message: WorkerMessage) => void;
  readonly #worker: string;
  #open: FinishedColumn | TaskColumn | undefined;

  constructor(link: Pick<Link<WorkerMessage, never>, "send">, worker: string) {
    this.#send = (message) => link.send(message);
    this.#worker = worker;
  }

  started(task: Task): void {
    this.#add("started", task);
  }

  returned(task: Task): void {
    this.#add("returned", task);
  }

  finished(task: Task, value: Value, runUs: number): void {
    let column = this.#open;
    if (column?.type !== "finished" || column.message.session !== task.session) {
      this.flush();
      const values = new Uint8Array(0);
      const lists = { tasks: [], attempts: [], sizes: [], blobs: [], runUs: [] };
      column = {
        type: "finished",
        message: { session: task.session, values, ...lists },
        parts: [],
        repeated: false,
      };
      this.#open = column;
    }
    const { tasks, attempts, sizes, blobs, runUs: times } = column.message;
    if (isBytes(value)) {
      sizes.push(value.byteLength);
      if (value.byteLength > 0) column.parts.push(value);
    } else {
      blobs.push({ index: tasks.length, ref: value } satisfies BlobAt);
      sizes.push(0);
    }
    tasks.push(task.task);
    attempts.push(task.attempt);
    times.push(runUs);
    if (task.attempt !== 1) column.repeated = true;
  }

  failed(report: ReportFailed, remains: Remains): void {
    const { task, kind, message, error, errorName, exitCode, signal, runUs } = report;
    const askedBytes = amountOf(task.plan.class.demand, "memory") || undefined;
    this.flush();
    const failure = {
      session: task.session,
      task: task.task,
      attempt: task.attempt,
      kind,
      message,
      error,
      worker: this.#worker,
      exitCode,
      signal,
      stderrTail: kind === FailureKind.CANCELLED ? "" : remains.stderrTail,
      runMs: runUs / 1000,
      errorName,
      ...remains.memory,
      askedBytes,
    };
    this.#send({ body: { $case: "failure", failure } });
  }

  /** Hands what has been gathered to the link. */
  flush(): void {
    const column = this.#open;
    if (column === undefined) return;
    this.#open = undefined;
    if (!column.repeated) column.message.attempts = [];
    switch (column.type) {
      case "finished":
        column.message.values = column.parts.length === 1 ? column.parts[0]! : Buffer.concat(column.parts);
        this.#send({ body: { $case: "finished", finished: column.message } });
        return;
      case "started":
        this.#send({ body: { $case: "started", started: column.message } });
        return;
      case "returned":
        this.#send({ body: { $case: "returned", returned: column.message } });
        return;
      default:
        column satisfies never;
    }
  }

  #add(type: "started" | "returned", task: Task): void {
    let column = this.#open;
    if (column?.type !== type || column.message.session !== task.session) {
      this.flush();
      column = { type, message: { session: task.session, tasks: [], attempts: [] }, repeated: false };
      this.#open = column;
    }
    column.message.tasks.push(task.task);
    column.message.attempts.push(task.attempt);
    if (task.attempt !== 1) column.repeated = true;
  }
}
