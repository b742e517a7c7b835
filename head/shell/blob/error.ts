/** Why the store refuses something. */

import { GrainError } from "../../../proto/errors.js";

/** What went wrong, for whoever answers the peer. */
export type BlobFault =
  /** The store does not hold it. */
  | "missing"
  /** The bytes are not those that the name promises, or the name is none. */
  | "mismatch"
  /** The head is closing. */
  | "closed";

/** The store refuses something. */
export class BlobError extends GrainError {
  readonly fault: BlobFault;

  constructor(fault: BlobFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
