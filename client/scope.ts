/**
 * The scope of a run: everything spawned inside it, and how it ends.
 *
 * A scope knows its calls, cancels them together and says when the last has ended.
 * Starting `main` and making a result of it is `conduct.ts`. Invariants: `#open`
 * counts calls and nested scopes that have not ended; a cancelled scope starts
 * nothing; an ended one refuses.
 */

import { messageOf, TaskCancelledError } from "../proto/errors.js";
import type { Request } from "../proto/resource/demand.js";
import type { Call, Scope, SpawnedCall } from "./call.js";
import { Completion } from "./completion.js";
import { LocalCall } from "./local.js";

/** Carries out the remote calls of scopes. */
export interface ScopeSession {
  /** Numbers local calls, from 1. */
  nextLocalNumber(): number;
  submit(call: Call & { readonly request: Request }, owner: RunScope): SpawnedCall;
  cancel(owner: RunScope): void;
  /** Leaves remote calls to the head, if they are to go on without this program. @returns how many; 0: they are to be cancelled */
  leave?(): number;
  /** Prints what a local function logs and its programs echo. */
  print(functionName: string, number: number, text: Uint8Array, stderr: boolean): void;
  /** A local function has ended: prints what it left without a line end. */
  printed(number: number): void;
}

/** Why a scope was cancelled. */
export type CancelCause =
  /** Something in it failed: see its failures. */
  | { readonly type: "failed" }
  /** From outside: the run rejects with this. */
  | { readonly type: "aborted"; readonly reason: unknown };

/** Where a scope is. */
export type ScopeState =
  /** Code of the user runs that may still look at what its calls give. */
  | { readonly type: "running" }
  /** `main` has ended; calls that it did not wait for are under way. */
  | { readonly type: "draining" }
  | { readonly type: "cancelling"; readonly cause: CancelCause }
  | { readonly type: "ended" };

/** What was spawned in one `run`. */
export class RunScope implements Scope {
  readonly #session: ScopeSession;
  readonly #locals = new Set<LocalCall>();
  readonly #children = new Set<RunScope>();
  readonly #failures = new Set<unknown>();
  /** Failed calls that nobody had asked for when they failed. */
  #unobserved: SpawnedCall[] = [];
  #open = 0;
  #state: ScopeState = { type: "running" };
  #wake: (() => void) | undefined;

  constructor(session: ScopeSession) {
    this.#session = session;
  }

  get state(): ScopeState {
    return this.#state;
  }

  /** The session that carries out its remote calls. */
  get session(): ScopeSession {
    return this.#session;
  }

  spawn(call: Call): SpawnedCall {
    if (this.#state.type === "ended") {
      throw new Error(
        `${call.definition.name} is called in a run that has ended. ` +
          "Await inside run() whatever calls delayed functions, so that run() waits for it.",
      );
    }
    if (this.#state.type === "cancelling") return this.#refuse(call);
    const { request } = call;
    if (request === undefined) return this.#spawnLocal(call);
    checkRemote(call);
    // A call that fails at once reports its end before `submit` returns.
    this.#open += 1;
    try {
      return this.#session.submit(call as Call & { readonly request: Request }, this);
    } catch (error) {
      this.#open -= 1;
      throw error;
    }
  }

  /** Cancels everything that is under way. Only the first cause counts. */
  cancel(cause: CancelCause, why: string): void {
    if (this.#state.type !== "running" && this.#state.type !== "draining") return;
    this.#state = { type: "cancelling", cause };
    const error = new TaskCancelledError(why);
    for (const local of this.#locals) local.cancel(error);
    for (const child of this.#children) child.cancel({ type: "aborted", reason: error }, why);
    this.#session.cancel(this);
  }

  /** Notes a failure and cancels the rest. What only follows from a cancellation is not noted. */
  fail(error: unknown): void {
    if (this.#state.type === "cancelling" && error instanceof TaskCancelledError) return;
    this.#failures.add(error);
    this.cancel(
      { type: "failed" },
      `Cancelled because something else in the run failed: ${messageOf(error)}`,
    );
  }

  /** `main` has ended: from now on nobody can look at calls that it did not wait for. */
  mainEnded(): void {
    if (this.#state.type === "running") this.#state = { type: "draining" };
    this.#judge();
  }

  /** A call has ended. */
  ended(call: SpawnedCall): void {
    if (call instanceof LocalCall) {
      this.#locals.delete(call);
      this.#session.printed(call.number);
    }
    const { state, observed } = call.completion;
    // What only follows from a cancellation is nobody's news, and may be a million calls.
    const follows =
      this.#state.type === "cancelling" &&
      state.type === "rejected" &&
      state.error instanceof TaskCancelledError;
    if (state.type === "rejected" && !observed && !follows) this.#unobserved.push(call);
    this.#left();
  }

  /** Prints what a local function logs and its programs echo. */
  print(functionName: string, number: number, text: Uint8Array, stderr: boolean): void {
    this.#session.print(functionName, number, text, stderr);
  }

  /** A nested run begins. */
  adopt(child: RunScope): void {
    this.#open += 1;
    this.#children.add(child);
    if (this.#state.type !== "cancelling") return;
    const why = "The run around it is being cancelled";
    child.cancel({ type: "aborted", reason: new TaskCancelledError(why) }, why);
  }

  /** A nested run has ended; its error is its caller's affair. */
  dismiss(child: RunScope): void {
    this.#children.delete(child);
    this.#left();
  }

  /** Resolves when nothing is under way, and ends the scope. Call after `mainEnded`. */
  async drained(): Promise<void> {
    while (this.#open > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      // What follows from the last call's end may spawn the next.
      if (this.#open === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const { type } = this.#state;
    if (type === "running" || type === "draining") this.#state = { type: "ended" };
  }

  /** Refuses calls from now on. @returns all failures, the first one first */
  end(): unknown[] {
    this.#state = { type: "ended" };
    for (const { completion } of this.#unobserved) {
      const { state } = completion;
      if (state.type !== "rejected" || completion.observed) continue;
      if (!(state.error instanceof TaskCancelledError)) this.#failures.add(state.error);
    }
    this.#unobserved = [];
    return [...this.#failures];
  }

  #spawnLocal(call: Call): SpawnedCall {
    const local = new LocalCall(this.#session.nextLocalNumber(), call, this);
    this.#open += 1;
    this.#locals.add(local);
    local.start();
    return local;
  }

  #refuse(call: Call): SpawnedCall {
    const completion = new Completion();
    const { name } = call.definition;
    completion.reject(
      new TaskCancelledError(`${name} was not started: the run is being cancelled`, { functionName: name }),
    );
    return { number: this.#session.nextLocalNumber(), completion };
  }

  #left(): void {
    this.#open -= 1;
    this.#judge();
    if (this.#open === 0) this.#wake?.();
  }

  /** Fails at once where nobody is left who could look at a failed call. */
  #judge(): void {
    if (this.#state.type !== "draining" || this.#locals.size > 0 || this.#children.size > 0) return;
    for (const { completion } of this.#unobserved) {
      if (completion.observed || completion.state.type !== "rejected") continue;
      this.fail(completion.state.error);
      return;
    }
    this.#unobserved = [];
  }
}

function checkRemote({ definition }: Call): void {
  const { name, place } = definition;
  if (!definition.topLevel) {
    throw new TypeError(
      `${name} (created at ${place}) cannot run on a worker: it was created inside another function, where workers cannot find it. ` +
        "Move its delayed(...) to the top level of the module, or call it without resources to run it here.",
    );
  }
  if (definition.module === undefined) {
    throw new TypeError(
      `${name} (created at ${place}) cannot run on a worker: the file that defines it is not known. ` +
        "Name it with delayed(fn, { module: import.meta.url }).",
    );
  }
}
