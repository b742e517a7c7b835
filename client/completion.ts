/**
 * The end of a call, told to whoever listens: what a promise does, without
 * allocating anything until somebody asks.
 *
 * Only `watch` counts as observing: a failure nobody watched fails the run.
 */

/** The state of a call. */
export type CompletionState =
  | { readonly type: "pending" }
  | { readonly type: "fulfilled"; readonly value: unknown }
  | { readonly type: "rejected"; readonly error: unknown };

const PENDING: CompletionState = { type: "pending" };

/** The end of one call. */
export class Completion {
  #state: CompletionState = PENDING;
  /** One alone is not put into an array: there are as many as calls. */
  #watchers: (() => void) | (() => void)[] | undefined;
  #observed = false;

  /** Where the call is now. Looking does not count as observing. */
  get state(): CompletionState {
    return this.#state;
  }

  /** Whether anybody has asked to be told. */
  get observed(): boolean {
    return this.#observed;
  }

  /** Calls back once the call has ended: synchronously if it has. Marks it as observed. */
  watch(onEnd: () => void): void {
    this.#observed = true;
    this.whenEnded(onEnd);
  }

  /** As `watch`, for those who only count: does not mark it as observed. */
  whenEnded(onEnd: () => void): void {
    if (this.#state.type !== "pending") onEnd();
    else if (this.#watchers === undefined) this.#watchers = onEnd;
    else if (typeof this.#watchers === "function") this.#watchers = [this.#watchers, onEnd];
    else this.#watchers.push(onEnd);
  }

  /** Ends the call with a value; ignored when it has ended. */
  fulfil(value: unknown): void {
    this.#end({ type: "fulfilled", value });
  }

  /** Ends the call with an error; ignored when it has ended. */
  reject(error: unknown): void {
    this.#end({ type: "rejected", error });
  }

  #end(state: CompletionState): void {
    if (this.#state.type !== "pending") return;
    this.#state = state;
    const watchers = this.#watchers;
    this.#watchers = undefined;
    if (typeof watchers === "function") watchers();
    else if (watchers !== undefined) for (const watcher of watchers) watcher();
  }
}
