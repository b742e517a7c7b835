/** One remote call as its session keeps it, from the submission to its end. */

import type { SpawnedCall } from "../call.js";
import { Completion } from "../completion.js";
import type { SpecEntry } from "./spec.js";

/** Who submitted a call, and hears when it has ended. */
export interface CallOwner {
  /** Called exactly once for each call, after its completion has ended. */
  ended(call: SpawnedCall): void;
}

/** A call that is under way on the cluster. */
export class RemoteCall implements SpawnedCall {
  readonly number: number;
  /** Its number on the wire: given when it is queued for sending, so that these increase; 0 before. */
  task = 0;
  readonly completion = new Completion();
  readonly spec: SpecEntry;
  readonly owner: CallOwner;
  /** Frees what its arguments occupy, when it has ended. */
  release: (() => void) | undefined;
  /** What its result is stored under, beside the function's code; undefined: it is not stored. */
  readonly key: Uint8Array | undefined;

  constructor(number: number, spec: SpecEntry, owner: CallOwner, key?: Uint8Array) {
    this.number = number;
    this.spec = spec;
    this.owner = owner;
    this.key = key;
  }
}
