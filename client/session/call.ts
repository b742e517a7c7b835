/** One remote call as its session keeps it, from the submission to its end. */

import type { SpawnedCall } from "../call.js";
import { Completion } from "../completion.js";
import type { SpecEntry } from "./spec.js";

/** Who submitted a call, and hears when it has ended. */
export interface CallOwner {
  /** Called exactly once for each call, after its completion has ended. */
  ended(call: SpawnedCall): void;
}

/** What few calls have. */
interface Aside {
  readonly key: Uint8Array | undefined;
  release: (() => void) | undefined;
}

/** A call that is under way on the cluster, and its own completion: there may be a million, so each is one small object. */
export class RemoteCall extends Completion implements SpawnedCall {
  readonly number: number;
  /** Its number on the wire: given when it is queued for sending, so that these increase; 0 before. */
  task: number;
  readonly spec: SpecEntry;
  readonly owner: CallOwner;
  #aside: Aside | undefined;

  constructor(number: number, spec: SpecEntry, owner: CallOwner, key?: Uint8Array) {
    super();
    this.number = number;
    this.task = 0;
    this.spec = spec;
    this.owner = owner;
    this.#aside = key === undefined ? undefined : { key, release: undefined };
  }

  get completion(): Completion {
    return this;
  }

  /** What its result is stored under, beside the function's code; undefined: it is not stored. */
  get key(): Uint8Array | undefined {
    return this.#aside?.key;
  }

  /** What frees what its arguments occupy, when it has ended. */
  set release(release: () => void) {
    if (this.#aside === undefined) this.#aside = { key: undefined, release };
    else this.#aside.release = release;
  }

  /** It has ended, and may be kept for long by who asked for its value: lets go of all else. */
  letGo(): void {
    const release = this.#aside?.release;
    this.#aside = undefined;
    release?.();
  }
}
