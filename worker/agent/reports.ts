/**
 * What the agent tells the head of its tasks: one message for as many tasks as can be
 * told together. Ends come before what started in their place, and in the same batch: between two the
 * head may give the room to another task. Otherwise order is kept.
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
import { joinNext } from "../../proto/link/outbox.js";
import { amountOf } from "../../proto/resource/demand.js";
import type { Measured } from "../memory/watch.js";
import type { ReportFailed } from "./core/effect.js";
import { isBytes, type Task, type Value } from "./core/task.js";

/** What is told of a task. */
type Told = Pick<Task, "session" | "task" | "attempt">;

/** A `Finished` that is being filled. */
interface FinishedColumn {
  readonly message: Finished;
  readonly parts: Uint8Array[];
  /** Some attempt is not 1. */
  repeated: boolean;
}

/** A `Started` or `Returned` that is being filled. */
interface TaskColumn {
  readonly message: Started | Returned;
  /** Some attempt is not 1. */
  repeated: boolean;
}

/** Ends are told together while other tasks wait here, at most this long after what was told last… */
const GATHER_MS = 16;
/** …until so many have ended, since more would hardly make it cheaper… */
const GATHER_TASKS = 32;
/** …or such a part of those that wait, since the head is to send more before they run out. */
const GATHER_PART = 0.5;
/** A head that wants to hear seldom has sent enough for longer. */
const SELDOM_GATHER_PART = 1;
/** …or their results are this large. */
const GATHER_BYTES = 512 * 1024;

const NOTHING = new Uint8Array(0);

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
  /** One for each session. */
  #finished: FinishedColumn[] = [];
  /** Started in the place of those that have finished. */
  readonly #started = new Set<Told>();
  readonly #returned: Told[] = [];
  /** Put in order, and to be sent by the end of this turn. */
  #ready: WorkerMessage[] = [];
  #gatherMs = GATHER_MS;
  #gatherTasks = GATHER_TASKS;
  #gatherPart = GATHER_PART;
  #ended = 0;
  /** Places that ends have left and no start has taken. */
  #freed = 0;
  /** The head wants to hear seldom, was told of ends, and has sent nothing since: it has nothing more to send. */
  #unanswered = false;
  #bytes = 0;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(link: Pick<Link<WorkerMessage, never>, "send">, worker: string) {
    this.#send = (message) => link.send(message);
    this.#worker = worker;
  }

  /** Tasks have come: the head wants to hear of ends at most so often while some wait here; undefined: as it suits. */
  pace(reportMs: number | undefined): void {
    const now = performance.now();
    // It knows of all ends, and what it sends now lasts for a while: of the next end it need not be told at once.
    if (reportMs !== undefined && this.#ended === 0 && now - this.#sentAt > reportMs) this.#sentAt = now;
    this.#unanswered = false;
    this.#gatherMs = Math.max(reportMs ?? 0, GATHER_MS);
    this.#gatherTasks = reportMs === undefined ? GATHER_TASKS : Number.POSITIVE_INFINITY;
    this.#gatherPart = reportMs === undefined ? GATHER_PART : SELDOM_GATHER_PART;
  }

  started(task: Told): void {
    if (this.#returned.length > 0) this.#order();
    this.#started.add(task);
    this.#freed -= 1;
  }

  returned(task: Told): void {
    this.#orderFinished();
    this.#orderStarted();
    this.#returned.push(task);
  }

  finished(task: Told, value: Value, runUs: number): void {
    if (this.#returned.length > 0) this.#order();
    // That it has ended tells that it had started.
    if (this.#started.size > 0) this.#started.delete(task);
    const column = this.#columnOf(task.session);
    const { tasks, attempts, sizes, blobs, runUs: times } = column.message;
    if (isBytes(value)) {
      sizes.push(value.byteLength);
      this.#bytes += value.byteLength;
      if (value.byteLength > 0) column.parts.push(value);
    } else {
      const { file, ...ref } = value;
      const index = tasks.length;
      blobs.push((file === undefined ? { index, ref } : { index, ref, file }) satisfies BlobAt);
      sizes.push(0);
    }
    tasks.push(task.task);
    attempts.push(task.attempt);
    times.push(runUs);
    if (task.attempt !== 1) column.repeated = true;
    this.#ended += 1;
    this.#freed += 1;
  }

  failed(report: ReportFailed, remains: Remains): void {
    const { task, kind, message, error, errorName, exitCode, signal, runUs } = report;
    const askedBytes = amountOf(task.plan.class.demand, "memory") || undefined;
    this.#order();
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
    this.#ready.push({ body: { $case: "failure", failure } });
  }

  /**
   * Hands what has been gathered to the link; a moment later, with more, while this worker has enough to do.
   *
   * @param waiting how many tasks wait here
   */
  settle(waiting: number): void {
    // Where it has nothing more to send, it need not know how much is left.
    const isKnown = this.#unanswered && this.#freed <= 0;
    const enough = isKnown
      ? Number.POSITIVE_INFINITY
      : Math.min(this.#gatherTasks, waiting * this.#gatherPart);
    const urgent = this.#ended === 0 || this.#returned.length > 0 || this.#ready.length > 0;
    if (urgent || this.#ended >= enough || this.#bytes >= GATHER_BYTES) return this.flush();
    const restMs = this.#sentAt + this.#gatherMs - performance.now();
    if (restMs <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), restMs);
  }

  /** Hands what has been gathered to the link. */
  flush(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#order();
    this.#freed = 0;
    const messages = this.#ready;
    if (messages.length === 0) return;
    this.#ready = [];
    messages.forEach((message, i) => {
      this.#send(i + 1 < messages.length ? joinNext(message) : message);
    });
  }

  /** Whether there is something to tell. */
  get hasAny(): boolean {
    const { length } = this.#ready;
    return this.#ended > 0 || this.#started.size > 0 || this.#returned.length > 0 || length > 0;
  }

  /** Forgets what has not been told. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #columnOf(session: number): FinishedColumn {
    const columns = this.#finished;
    for (let at = columns.length - 1; at >= 0; at -= 1)
      if (columns[at]!.message.session === session) return columns[at]!;
    const message: Finished = {
      session,
      tasks: [],
      attempts: [],
      sizes: [],
      values: NOTHING,
      blobs: [],
      runUs: [],
    };
    const column = { message, parts: [], repeated: false };
    columns.push(column);
    return column;
  }

  #order(): void {
    this.#orderFinished();
    this.#orderStarted();
    if (this.#returned.length === 0) return;
    for (const returned of columns(this.#returned))
      this.#ready.push({ body: { $case: "returned", returned } });
    this.#returned.length = 0;
  }

  #orderFinished(): void {
    if (this.#ended === 0) return;
    const columns = this.#finished;
    this.#finished = [];
    for (const { message, parts, repeated } of columns) {
      if (!repeated) message.attempts = [];
      if (parts.length > 0) message.values = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      this.#ready.push({ body: { $case: "finished", finished: message } });
    }
    this.#ended = 0;
    this.#unanswered = this.#gatherTasks === Number.POSITIVE_INFINITY;
    this.#bytes = 0;
    this.#sentAt = performance.now();
  }

  #orderStarted(): void {
    if (this.#started.size === 0) return;
    for (const started of columns(this.#started)) this.#ready.push({ body: { $case: "started", started } });
    this.#started.clear();
  }
}

/** One message for as many tasks of one session as stand next to each other. */
function columns(tasks: Iterable<Told>): (Started | Returned)[] {
  const all: TaskColumn[] = [];
  for (const { session, task, attempt } of tasks) {
    let column = all.at(-1);
    if (column?.message.session !== session) {
      column = { message: { session, tasks: [], attempts: [] }, repeated: false };
      all.push(column);
    }
    column.message.tasks.push(task);
    column.message.attempts.push(attempt);
    if (attempt !== 1) column.repeated = true;
  }
  return all.map(({ message, repeated }) => (repeated ? message : { ...message, attempts: [] }));
}
