/** One remote call as its session keeps it, from the submission to its end. */

import type { SpawnedCall } from "../call.js";
import { Completion } from "../completion.js";
import type { SpecEntry } from "./spec.js";

/** Who submitted a call, and hears when it has ended. */
export interface CallOwner {
  /** Called exactly once for each call, after its completion has ended. */
  ended(call: SpawnedCall): void;
}

/** A call that is under way on the cluster, and its own completion: there may be a million, so each is one object. */
export class RemoteCall extends Completion implements SpawnedCall {
  readonly number: number;
  /** Its number on the wire: given when it is queued for sending, so that these increase; 0 before. */
  task: number;
  readonly spec: SpecEntry;
  readonly owner: CallOwner;
  /** Frees what its arguments occupy, when it has ended. */
  release: (() => void) | undefined;
  /** What its result is stored under, beside the function's code; undefined: it is not stored. */
  readonly key: Uint8Array | undefined;

  constructor(number: number, spec: SpecEntry, owner: CallOwner, key?: Uint8Array) {
    super();
    this.number = number;
    this.task = 0;
    this.spec = spec;
    this.owner = owner;
    this.release = undefined;
    this.key = key;
  }

  get completion(): Completion {
    return this;
  }
}
