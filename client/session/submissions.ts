/** Brings calls to the head: asks for a stored result first where there may be one, and moves large arguments. */

import type { Recalled } from "../../proto/grain.js";
import { type Encoded, INLINE_LIMIT_BYTES } from "../../proto/values/value.js";
import type { RemoteCall } from "./call.js";
import type { Modules } from "./modules.js";
import type { SpecEntry } from "./spec.js";
import type { SessionState } from "./state.js";
import type { LargeValues } from "./values.js";

/** Tells the state how something ended, then sends what came of it. */
type Follow = <T>(work: Promise<T>, done: (value: T) => void, failed: (error: unknown) => void) => void;

/** The submissions of one session. */
export class Submissions {
  readonly #state: SessionState;
  readonly #modules: Modules;
  readonly #values: LargeValues;
  readonly #follow: Follow;
  readonly #warn: () => void;
  #warned = false;

  /** @param warn told once, when the head stores no results though some are to be */
  constructor(state: SessionState, modules: Modules, values: LargeValues, follow: Follow, warn: () => void) {
    this.#state = state;
    this.#modules = modules;
    this.#values = values;
    this.#follow = follow;
    this.#warn = warn;
  }

  /** Has the module of a spec brought to the head; then its calls may go. */
  prepare(spec: SpecEntry): void {
    const state = this.#state;
    const { definition, keyed } = spec;
    const found = this.#modules.find(definition);
    if (typeof found === "string") return state.prepared(spec, found);
    spec.stage = { type: "preparing" };
    const module = keyed
      ? found.then((upload) => this.#modules.withCode(upload, definition.name))
      : found.then((upload) => ({ upload, code: undefined }));
    this.#follow(
      module,
      ({ upload, code }) => {
        state.prepared(spec, upload, code);
        this.settle();
      },
      (error) => state.notPrepared(spec, error),
    );
  }

  /** Takes a new call. */
  take(call: RemoteCall, args: Encoded): void {
    if (call.key === undefined) return this.#send(call, args);
    this.#state.recalls.add(call, args);
    this.settle();
  }

  /** Submits calls as if they had no key, if the head stores nothing. */
  settle(): void {
    const { phase, stores, recalls } = this.#state;
    if (phase.type !== "open" || stores) return;
    const ready = recalls.takeReady();
    if (ready.length > 0 && !this.#warned) {
      this.#warned = true;
      this.#warn();
    }
    for (const { call, args } of ready) this.#send(call, args);
  }

  /** The head has looked for stored results. */
  recalled(recalled: Recalled): void {
    const state = this.#state;
    const { submit, fetch } = state.recalled(recalled);
    for (const { call, args } of submit) this.#send(call, args);
    for (const { pending, ref } of fetch) {
      this.#follow(
        this.#values.getStored(ref),
        (value) => state.fetchedKept(pending, value),
        () => {
          if (state.lostKept(pending)) this.#send(pending.call, pending.args);
        },
      );
    }
  }

  #send(call: RemoteCall, args: Encoded): void {
    const state = this.#state;
    if (args.byteLength <= INLINE_LIMIT_BYTES) return state.send(call, args);
    const argument = this.#values.put(args);
    state.sendLarge(call, args.byteLength, argument.release);
    this.#follow(
      argument.stored,
      (upload) => state.stored(call, upload),
      (error) => state.notStored(call, error),
    );
  }
}
