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

/** What is called at the end, with what it was given to be called with. */
type Watcher = (target: never) => void;

/** The end of one call. */
export class Completion {
  #state: CompletionState = PENDING;
  /** A watcher and its target: neither a closure nor an array is made for one alone, as there are as many as calls. */
  #watcher: Watcher | undefined;
  #target: unknown;
  #observed = false;

  /** Where the call is now. Looking does not count as observing. */
  get state(): CompletionState {
    return this.#state;
  }

  /** Whether anybody has asked to be told. */
  get observed(): boolean {
    return this.#observed;
  }

  /** Calls back once the call has ended: synchronously if it has. Marks it as observed. @param target passed to `onEnd` */
  watch(onEnd: () => void): void;
  watch<T>(onEnd: (target: T) => void, target: T): void;
  watch(onEnd: Watcher, target?: unknown): void {
    this.#observed = true;
    this.#add(onEnd, target);
  }

  /** As `watch`, for those who only count: does not mark it as observed. */
  whenEnded(onEnd: () => void): void {
    this.#add(onEnd, undefined);
  }

  /** Ends the call with a value; ignored when it has ended. */
  fulfil(value: unknown): void {
    this.#end({ type: "fulfilled", value });
  }

  /** Ends the call with an error; ignored when it has ended. */
  reject(error: unknown): void {
    this.#end({ type: "rejected", error });
  }

  #add(watcher: Watcher, target: unknown): void {
    if (this.#state.type !== "pending") watcher(target as never);
    else if (this.#watcher === undefined) {
      this.#watcher = watcher;
      this.#target = target;
    } else {
      const [first, its] = [this.#watcher, this.#target as never];
      this.#target = undefined;
      this.#watcher = () => {
        first(its);
        watcher(target as never);
      };
    }
  }

  #end(state: CompletionState): void {
    if (this.#state.type !== "pending") return;
    this.#state = state;
    const watcher = this.#watcher;
    const target = this.#target as never;
    this.#watcher = undefined;
    this.#target = undefined;
    watcher?.(target);
  }
}
