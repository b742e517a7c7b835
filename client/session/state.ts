/**
 * A session's state machine: numbers calls, merges them into columns, holds them
 * back until their module or arguments are with the head, matches what comes back.
 *
 * No I/O, no timers: `session.ts` is the shell that owns the link. Invariants:
 * 1. a call is in `#calls` from its submission until its end, or until its result
 *    is being fetched; 2. its owner hears of its end exactly once; 3. a cancel
 * follows the submission that it concerns; a call that never left ends here.
 */

import { type GrainError, messageOf, SerializationError, TaskCancelledError } from "../../proto/errors.js";
import type { BlobRef, ClientMessage, Failure, Results } from "../../proto/grain.js";
import type { Request } from "../../proto/resource/demand.js";
import { decodeValue, type Encoded } from "../../proto/values/value.js";
import type { FunctionDefinition } from "../call.js";
import { type CallOwner, RemoteCall } from "./call.js";
import { SendQueue } from "./columns.js";
import { toError } from "./failure.js";
import { type SpecEntry, SpecTable } from "./spec.js";

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

/** How many calls were made and have ended, since the session began. */
export interface CallTotals {
  readonly submitted: number;
  readonly done: number;
  readonly failed: number;
}

/** The state of one session. */
export class SessionState {
  phase: Phase = { type: "idle" };
  readonly #specs = new SpecTable();
  readonly #calls = new Map<number, RemoteCall>();
  /** Calls whose arguments are being uploaded. */
  readonly #uploading = new Set<RemoteCall>();
  readonly #queue = new SendQueue();
  #acks: number[] = [];
  #lastNumber = 0;
  #submitted = 0;
  #done = 0;
  #failed = 0;

  /** How many calls are under way. */
  get pending(): number {
    return this.#submitted - this.#done - this.#failed;
  }

  get totals(): CallTotals {
    return { submitted: this.#submitted, done: this.#done, failed: this.#failed };
  }

  /** The next number of a call, local or remote. */
  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  /** "session.task"; before the head has numbered the session, the task alone. */
  taskId(number: number): string {
    const { phase } = this;
    return phase.type === "open" || phase.type === "closing" ? `${phase.session}.${number}` : String(number);
  }

  /** The function of a call that has not ended. */
  functionOf(number: number): string | undefined {
    return this.#calls.get(number)?.spec.definition.name;
  }

  /** The spec of a call; `stage` "new" asks the shell to prepare it. */
  specOf(definition: FunctionDefinition, request: Request): SpecEntry {
    return this.#specs.intern(definition, request);
  }

  /** Takes a call whose arguments travel in a message. */
  submit(spec: SpecEntry, owner: CallOwner, args: Encoded): RemoteCall {
    const call = this.#start(spec, owner);
    this.#queueOf(spec).add(spec.number, owner, call.number, args);
    return call;
  }

  /** Takes a call whose arguments are too large for a message; it waits for `stored`. */
  submitLarge(spec: SpecEntry, owner: CallOwner): RemoteCall {
    const call = this.#start(spec, owner);
    this.#uploading.add(call);
    return call;
  }

  /** The head holds the arguments of a call. */
  stored(call: RemoteCall, ref: BlobRef): void {
    if (!this.#uploading.delete(call)) return;
    this.#queueOf(call.spec).addBlob(call.spec.number, call.owner, call.number, ref);
  }

  /** The arguments of a call could not be uploaded. */
  notStored(call: RemoteCall, error: unknown): void {
    if (this.#uploading.delete(call)) this.#reject(call, error);
  }

  /** The module of a spec is with the head (or baked into workers): its calls may go. */
  prepared(spec: SpecEntry, module: string): void {
    if (this.phase.type === "ended") return;
    spec.stage = { type: "registered" };
    this.#queue.push({ body: { $case: "spec", spec: spec.toSpec(module) } });
    this.#queue.append(spec.held);
  }

  /** The module of a spec cannot be had: the calls that wait for it fail, the next one tries again. */
  notPrepared(spec: SpecEntry, error: unknown): void {
    spec.stage = { type: "new" };
    spec.held.clear();
    for (const call of [...this.#calls.values()]) {
      if (call.spec !== spec) continue;
      this.#uploading.delete(call);
      this.#reject(call, error);
    }
  }

  /** Ends the calls of an owner: those that have left by asking the head, the others here. */
  cancel(owner: CallOwner): void {
    const queues = [this.#queue];
    for (const spec of this.#specs.entries()) queues.push(spec.held);
    for (const queue of queues) {
      for (const submit of queue.withdraw(owner)) {
        for (let i = 0; i < submit.count; i++) this.#cancelHere(this.#calls.get(submit.first + i));
      }
    }
    const tasks: number[] = [];
    for (const call of [...this.#calls.values()]) {
      if (call.owner !== owner) continue;
      if (this.#uploading.delete(call)) this.#cancelHere(call);
      else tasks.push(call.number);
    }
    if (tasks.length > 0) this.#queue.push({ body: { $case: "cancel", cancel: { tasks } } });
  }

  /** Ends the calls of a message of results. @returns those whose values must be fetched first */
  results(results: Results): Fetch[] {
    const { tasks, sizes, values, blobs } = results;
    const fetches: Fetch[] = [];
    let at = 0;
    let blob = 0;
    for (let i = 0; i < tasks.length; i++) {
      const number = tasks[i]!;
      const end = at + (sizes[i] ?? 0);
      const call = this.#calls.get(number);
      const ref = blobs[blob]?.index === i ? blobs[blob++]!.ref : undefined;
      if (call === undefined) this.#acks.push(number);
      else if (ref === undefined) {
        this.#acks.push(number);
        this.#decode(call, values.subarray(at, end));
      } else {
        // Acknowledged once it is here: until then the head must keep it.
        this.#calls.delete(number);
        fetches.push({ call, ref });
      }
      at = end;
    }
    return fetches;
  }

  /** A fetched result has arrived. */
  fetched(call: RemoteCall, bytes: Uint8Array): void {
    this.#acks.push(call.number);
    this.#decode(call, bytes);
  }

  /** A result could not be fetched. */
  notFetched(call: RemoteCall, error: unknown): void {
    this.#acks.push(call.number);
    this.#reject(call, error);
  }

  /** Ends a call that failed. */
  failed(failure: Failure): void {
    this.#acks.push(failure.task);
    const call = this.#calls.get(failure.task);
    if (call === undefined) return;
    this.#reject(call, toError(failure, call.spec.definition.name, this.taskId(failure.task)));
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
    this.#uploading.clear();
    this.#acks = [];
    for (const call of [...this.#calls.values()]) this.#reject(call, callError);
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

  #start(spec: SpecEntry, owner: CallOwner): RemoteCall {
    const call = new RemoteCall(this.nextNumber(), spec, owner);
    this.#submitted += 1;
    this.#calls.set(call.number, call);
    return call;
  }

  #queueOf(spec: SpecEntry): SendQueue {
    return spec.stage.type === "registered" ? this.#queue : spec.held;
  }

  #decode(call: RemoteCall, bytes: Uint8Array): void {
    let value: unknown;
    try {
      value = decodeValue(bytes);
    } catch (error) {
      const who = `${call.spec.definition.name} (task ${this.taskId(call.number)})`;
      this.#reject(call, new SerializationError(`The result of ${who} cannot be read: ${messageOf(error)}`, { cause: error }));
      return;
    }
    this.#calls.delete(call.number);
    this.#done += 1;
    call.completion.fulfil(value);
    call.owner.ended(call);
  }

  #reject(call: RemoteCall, error: unknown): void {
    this.#calls.delete(call.number);
    this.#failed += 1;
    call.completion.reject(error);
    call.owner.ended(call);
  }

  #cancelHere(call: RemoteCall | undefined): void {
    if (call === undefined) return;
    const functionName = call.spec.definition.name;
    const taskId = this.taskId(call.number);
    this.#reject(
      call,
      new TaskCancelledError(`${functionName} (task ${taskId}) was cancelled before it was sent`, { functionName, taskId }),
    );
  }
}
