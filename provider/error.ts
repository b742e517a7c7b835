/** What goes wrong with a batch system: one sentence each. */

import { GrainError } from "../proto/errors.js";

/**
 * A batch system's command could not be run, did not answer, or refused.
 *
 * @example
 * if (error instanceof ProviderError) console.error(error.message, error.submitted);
 */
export class ProviderError extends GrainError {
  /** Ids of jobs that were submitted before it went wrong. */
  readonly submitted: readonly string[];

  constructor(message: string, details: { cause?: unknown; submitted?: readonly string[] } = {}) {
    super(message, details);
    this.submitted = details.submitted ?? [];
  }
}
Object.defineProperty(ProviderError.prototype, "name", {
  value: "ProviderError",
  configurable: true,
  writable: true,
});
