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

/** The state, with whether anybody has asked to be told: not a field of its own, as there are as many as calls. */
type Held = CompletionState & { observed: boolean };

const PENDING: Held = { type: "pending", observed: false };
const PENDING_OBSERVED: Held = { type: "pending", observed: true };

/** What is called at the end, with what it was given to be called with. */
type Watcher = (target: never) => void;

/** The end of one call. It has no private methods: each one would pay for them. */
export class Completion {
  #state = PENDING;
  /** A watcher and its target: neither a closure nor an array is made for one alone. */
  #watcher: Watcher | undefined = undefined;
  #target: unknown = undefined;

  /** Where the call is now. Looking does not count as observing. */
  get state(): CompletionState {
    return this.#state;
  }

  /** Whether anybody has asked to be told. */
  get observed(): boolean {
    return this.#state.observed;
  }

  /** Calls back once the call has ended: synchronously if it has. Marks it as observed. @param target passed to `onEnd` */
  watch(onEnd: () => void): void;
  watch<T>(onEnd: (target: T) => void, target: T): void;
  watch(onEnd: Watcher, target?: unknown): void {
    if (this.#state === PENDING) this.#state = PENDING_OBSERVED;
    else this.#state.observed = true;
    this.whenEnded(onEnd, target as never);
  }

  /** As `watch`, for those who only count: does not mark it as observed. */
  whenEnded(onEnd: () => void): void;
  whenEnded<T>(onEnd: (target: T) => void, target: T): void;
  whenEnded(onEnd: Watcher, target?: unknown): void {
    if (this.#state.type !== "pending") onEnd(target as never);
    else if (this.#watcher === undefined) {
      this.#watcher = onEnd;
      this.#target = target;
    } else {
      const [first, its] = [this.#watcher, this.#target as never];
      this.#target = undefined;
      this.#watcher = () => {
        first(its);
        onEnd(target as never);
      };
    }
  }

  /** Ends the call with a value; ignored when it has ended. */
  fulfil(value: unknown): void {
    if (this.#state.type !== "pending") return;
    this.#state = { type: "fulfilled", observed: this.#state.observed, value };
    this.tell();
  }

  /** Ends the call with an error; ignored when it has ended. */
  reject(error: unknown): void {
    if (this.#state.type !== "pending") return;
    this.#state = { type: "rejected", observed: this.#state.observed, error };
    this.tell();
  }

  private tell(): void {
    const watcher = this.#watcher;
    const target = this.#target as never;
    this.#watcher = undefined;
    this.#target = undefined;
    watcher?.(target);
  }
}
