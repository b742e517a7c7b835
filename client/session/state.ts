/**
 * A session's state machine: numbers calls, merges them into columns, holds them
 * back until their module or arguments are with the head, matches what comes back.
 *
 *   submit ──▶ held (module) or uploading (arguments) ──▶ queued ──▶ sent ──▶ ended
 *
 * A call gets its task number when it is queued: the head wants them to increase.
 *
 * No I/O, no timers: `session.ts` is the shell that owns the link. Invariants:
 * 1. a call that has not ended is held, uploading, in `#calls` (queued or sent) or
 *    being fetched; 2. its owner hears of its end exactly once; 3. a cancel follows
 *    the submission that it concerns; a call that never left ends here.
 */

import { type GrainError, messageOf, SerializationError, TaskCancelledError } from "../../proto/errors.js";
import type { BlobRef, ClientMessage, Failure, Recalled, Results } from "../../proto/grain.js";
import type { Request } from "../../proto/resource/demand.js";
import { decodeValue, type Encoded } from "../../proto/values/value.js";
import type { FunctionDefinition } from "../call.js";
import { type CallOwner, RemoteCall } from "./call.js";
import { SendQueue } from "./columns.js";
import { toError } from "./failure.js";
import { type Pending, Recalls } from "./recalls.js";
import { type SpecEntry, SpecTable } from "./spec.js";
import { TaskNumbers } from "./task-numbers.js";
import type { Upload } from "./uploads.js";

/** Where a session is. */
export type Phase =
  /** Nothing was asked of a head yet. */
  | { readonly type: "idle" }
  /** A head is being reached; what is submitted waits. */
  | { readonly type: "opening" }
  /** The head knows the session by this number. */
  | { readonly type: "open"; readonly session: number }
  /** No new calls; what is left is being cancelled. */
  | { readonly type: "closing"; readonly session: number }
  /** Over. New calls are refused with this error. */
  | { readonly type: "ended"; readonly error: GrainError };

/** A result that must be fetched before its call can end. */
export interface Fetch {
  readonly call: RemoteCall;
  readonly ref: BlobRef;
}

/** A stored result that must be fetched before its call can end. */
export interface Kept {
  readonly pending: Pending;
  readonly ref: BlobRef;
}

/** How many calls were made and have ended, since the session began. */
export interface CallTotals {
  readonly submitted: number;
  readonly done: number;
  readonly failed: number;
}

/** The state of one session. */
export class SessionState {
  phase: Phase = { type: "idle" };
  /** Calls that ask for a stored result before they are submitted. */
  readonly recalls = new Recalls();
  /** The head stores results. */
  stores = false;
  readonly #specs: SpecTable;
  /** Queued and sent, by task number. */
  readonly #calls = new TaskNumbers();
  /** Calls whose arguments are being uploaded, with how many bytes these are. */
  readonly #uploading = new Map<RemoteCall, number>();
  #uploadingBytes = 0;
  /** Calls whose results are being fetched. */
  readonly #fetching = new Set<RemoteCall>();
  readonly #queue: SendQueue;
  #acks: number[] = [];
  #submitted = 0;
  #done = 0;
  #failed = 0;

  /**
   * @param detached results of all calls are stored
   * @param onMessage there is a message to send
   */
  constructor(detached = false, onMessage: () => void = () => {}) {
    this.#specs = new SpecTable(detached);
    this.#queue = new SendQueue(onMessage);
  }

  /** The highest task number given so far; 0 before the first. */
  get lastTask(): number {
    return this.#calls.last;
  }

  get totals(): CallTotals {
    return { submitted: this.#submitted, done: this.#done, failed: this.#failed };
  }

  /** Calls under way. */
  get unfinished(): number {
    return this.#submitted - this.#done - this.#failed;
  }

  /** Arguments that have not left: those in columns, and those that are being uploaded. */
  get waitingBytes(): number {
    let bytes = this.#queue.byteLength + this.#uploadingBytes + this.recalls.byteLength;
    for (const { held } of this.#specs.entries()) bytes += held.byteLength;
    return bytes;
  }

  /** "session.task"; before the head has numbered the session, the task alone. */
  taskId(task: number): string {
    const { phase } = this;
    return phase.type === "open" || phase.type === "closing" ? `${phase.session}.${task}` : String(task);
  }

  /** The function of a call that has not ended. */
  functionOf(task: number): string | undefined {
    return this.#calls.get(task)?.spec.definition.name;
  }

  /** The spec of a call; `stage` "new" asks the shell to prepare it. */
  specOf(definition: FunctionDefinition, request: Request): SpecEntry {
    return this.#specs.intern(definition, request);
  }

  /** Takes a call. It is to be handed to `recalls`, if it has a key, else to `send` or `sendLarge`. */
  start(spec: SpecEntry, owner: CallOwner, key?: Uint8Array): RemoteCall {
    this.#submitted += 1;
    return new RemoteCall(this.#submitted, spec, owner, key);
  }

  /** Submits a call whose arguments travel in a message. */
  send(call: RemoteCall, args: Encoded): void {
    const { queue, numbers } = call.spec.lane;
    numbers.give(call);
    queue.add(call, args);
  }

  /** Submits a call whose arguments are too large for a message; it waits for `stored`. @param release called at its end */
  sendLarge(call: RemoteCall, byteLength: number, release: () => void): void {
    call.release = release;
    this.#uploading.set(call, byteLength);
    this.#uploadingBytes += byteLength;
  }

  /** The head holds the arguments of a call. */
  stored(call: RemoteCall, upload: Upload): void {
    if (!this.#uploaded(call)) return;
    const { queue, numbers } = call.spec.lane;
    numbers.give(call);
    queue.addBlob(call, upload);
  }

  /** The arguments of a call could not be uploaded. */
  notStored(call: RemoteCall, error: unknown): void {
    if (this.#uploaded(call)) this.#reject(call, error);
  }

  /** The module of a spec is with the head (or baked into workers): its calls may go. */
  prepared(spec: SpecEntry, module: string | Upload, code?: Uint8Array): void {
    if (this.phase.type === "ended") return;
    spec.stage = { type: "registered" };
    const [name, uploads] = typeof module === "string" ? [module, []] : [module.ref.hash, [module]];
    this.#queue.push({ body: { $case: "spec", spec: spec.toSpec(name, code) } }, uploads);
    for (const call of spec.held.calls()) this.#calls.give(call);
    this.#queue.append(spec.held);
    spec.lane = { queue: this.#queue, numbers: this.#calls };
  }

  /** The module of a spec cannot be had: the calls that wait for it fail, the next one tries again. */
  notPrepared(spec: SpecEntry, error: unknown): void {
    spec.stage = { type: "new" };
    const calls = spec.held.calls();
    spec.held.clear();
    calls.push(...this.recalls.withdrawSpec(spec));
    for (const call of this.#uploading.keys()) if (call.spec === spec) calls.push(call);
    for (const call of calls) {
      this.#uploaded(call);
      this.#reject(call, error);
    }
  }

  /** Ends the calls of an owner: those that have left by asking the head, the others here. */
  cancel(owner: CallOwner): void {
    const queues = [this.#queue];
    const errors = new Map<SpecEntry, TaskCancelledError>();
    for (const spec of this.#specs.entries()) queues.push(spec.held);
    for (const queue of queues) {
      for (const { calls } of queue.withdraw(owner)) for (const call of calls) this.#cancelHere(call, errors);
    }
    for (const call of [...this.#uploading.keys()]) if (call.owner === owner) this.#cancelHere(call, errors);
    for (const call of this.recalls.withdraw(owner)) this.#cancelHere(call, errors);
    const tasks: number[] = [];
    for (const call of this.#calls.calls()) if (call.owner === owner) tasks.push(call.task);
    if (tasks.length > 0) this.#queue.push({ body: { $case: "cancel", cancel: { tasks } } });
  }

  /** What there is to ask. */
  questions(): ClientMessage[] {
    return this.stores ? this.recalls.messages() : [];
  }

  /**
   * The head has looked for stored results. Ends the calls whose result is there.
   *
   * @returns those to be submitted, and those whose values must be fetched first
   */
  recalled({ ids, sizes, values, blobs, missing }: Recalled): { submit: Pending[]; fetch: Kept[] } {
    const fetch: Kept[] = [];
    let at = 0;
    for (const [i, id] of ids.entries()) {
      const end = at + (sizes[i] ?? 0);
      const pending = this.recalls.take(id);
      const ref = blobs.find((blob) => blob.index === i)?.ref;
      if (pending !== undefined && ref === undefined) this.#decode(pending.call, values.subarray(at, end));
      else if (pending !== undefined) {
        this.#fetching.add(pending.call);
        fetch.push({ pending, ref: ref! });
      }
      at = end;
    }
    const submit: Pending[] = [];
    for (const id of missing) {
      const pending = this.recalls.take(id);
      if (pending === undefined) this.recalls.waive(id);
      else submit.push(pending);
    }
    return { submit, fetch };
  }

  /** A stored result has been fetched. */
  fetchedKept({ call }: Pending, value: Encoded): void {
    if (this.#fetching.delete(call)) this.#decode(call, value);
  }

  /** A stored result is lost after all. @returns whether its call is still wanted, and so to be submitted */
  lostKept({ call }: Pending): boolean {
    return this.#fetching.delete(call);
  }

  /** Ends the calls of a message of results. @returns those whose values must be fetched first */
  results(results: Results): Fetch[] {
    const { tasks, sizes, values, blobs } = results;
    const fetches: Fetch[] = [];
    let at = 0;
    let blob = 0;
    for (let i = 0; i < tasks.length; i++) {
      const task = tasks[i]!;
      const end = at + (sizes[i] ?? 0);
      const call = this.#calls.get(task);
      const ref = blobs[blob]?.index === i ? blobs[blob++]!.ref : undefined;
      if (call === undefined) this.#endedBefore(task);
      else if (ref === undefined) {
        this.#acks.push(task);
        this.#decode(call, values.subarray(at, end));
      } else {
        // Acknowledged once it is here: until then the head must keep it.
        this.#calls.forget(call);
        this.#fetching.add(call);
        fetches.push({ call, ref });
      }
      at = end;
    }
    return fetches;
  }

  /** A head that was restarted says again what it does not know to have arrived. */
  #endedBefore(task: number): void {
    for (const call of this.#fetching) if (call.task === task) return;
    this.#acks.push(task);
  }

  /** A fetched result has arrived. */
  fetched(call: RemoteCall, value: Encoded): void {
    if (!this.#fetching.delete(call)) return;
    this.#acks.push(call.task);
    this.#decode(call, value);
  }

  /** A result could not be fetched. */
  notFetched(call: RemoteCall, error: unknown): void {
    if (!this.#fetching.delete(call)) return;
    this.#acks.push(call.task);
    this.#reject(call, error);
  }

  /** Ends a call that failed. */
  failed(failure: Failure): void {
    this.#acks.push(failure.task);
    const call = this.#calls.get(failure.task);
    if (call === undefined) return;
    const { name, place } = call.spec.definition;
    const taskId = this.taskId(failure.task);
    this.#reject(call, toError(failure, { functionName: name, taskId, place }));
  }

  /**
   * Ends the session and whatever is still under way.
   *
   * @param error what later calls are refused with
   * @param callError what the calls under way end with
   */
  end(error: GrainError, callError: GrainError = error): void {
    if (this.phase.type === "ended") return;
    this.phase = { type: "ended", error };
    this.#acks = [];
    const calls = [...this.#calls.calls(), ...this.#uploading.keys(), ...this.#fetching];
    for (const spec of this.#specs.entries()) for (const call of spec.held.calls()) calls.push(call);
    calls.push(...this.recalls.withdraw());
    this.#uploading.clear();
    this.#uploadingBytes = 0;
    this.#fetching.clear();
    for (const call of calls) this.#reject(call, callError);
  }

  /** The blobs that the next message refers to. */
  get nextUploads(): readonly Upload[] {
    return this.#queue.nextUploads;
  }

  /** Takes the next message to send; undefined when there is none. */
  next(): ClientMessage | undefined {
    return this.#queue.next();
  }

  /** Takes the acknowledgement that is due; undefined when none is. */
  takeAck(): ClientMessage | undefined {
    if (this.#acks.length === 0) return undefined;
    const tasks = this.#acks;
    this.#acks = [];
    return { body: { $case: "ack", ack: { tasks } } };
  }

  /** @returns whether its arguments were being uploaded until now */
  #uploaded(call: RemoteCall): boolean {
    this.#uploadingBytes -= this.#uploading.get(call) ?? 0;
    return this.#uploading.delete(call);
  }

  #decode(call: RemoteCall, encoded: Uint8Array | Encoded): void {
    let value: unknown;
    try {
      value = decodeValue(encoded);
    } catch (error) {
      const who = `${call.spec.definition.name} (task ${this.taskId(call.task)})`;
      this.#reject(
        call,
        new SerializationError(`The result of ${who} cannot be read: ${messageOf(error)}`, { cause: error }),
      );
      return;
    }
    call.spec.lane.numbers.forget(call);
    this.#done += 1;
    call.letGo();
    call.fulfil(value);
    call.owner.ended(call);
  }

  #reject(call: RemoteCall, error: unknown): void {
    call.spec.lane.numbers.forget(call);
    this.#failed += 1;
    call.letGo();
    call.reject(error);
    call.owner.ended(call);
  }

  /** @param errors one for all calls of a spec: there may be a million */
  #cancelHere(call: RemoteCall, errors: Map<SpecEntry, TaskCancelledError>): void {
    const functionName = call.spec.definition.name;
    let error = errors.get(call.spec);
    if (error === undefined) {
      error = new TaskCancelledError(`${functionName} was cancelled before it was sent`, { functionName });
      errors.set(call.spec, error);
    }
    this.#uploaded(call);
    this.#reject(call, error);
  }
}
