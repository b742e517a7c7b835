/** The last tasks of a session that failed, for people who ask what goes wrong. */

import { type Failure, FailureKind, type SessionDetail_FailedTask } from "../../proto/grain.js";

/** So many are remembered. */
const KEPT = 10;
/** Of longer messages the beginning is. */
const MAX_CHARS = 300;

interface Remembered {
  readonly task: number;
  readonly attempt: number;
  readonly kind: FailureKind;
  readonly message: string;
  readonly worker: string;
  readonly spec: number | undefined;
  readonly atMs: number;
}

/** Remembers the last failures. What was cancelled has not failed. */
export class Failures {
  #last: Remembered[] = [];

  /** @param spec whose call it was; undefined: not known */
  add(failure: Failure, spec: number | undefined, atMs: number): void {
    const { task, attempt, kind, worker } = failure;
    if (kind === FailureKind.CANCELLED) return;
    if (this.#last.length === KEPT) this.#last.shift();
    this.#last.push({ task, attempt, kind, message: messageOf(failure), worker, spec, atMs });
  }

  /** Many that ended for one reason. */
  addAll(failures: readonly Failure[], spec: number | undefined, atMs: number): void {
    for (const failure of failures.slice(-KEPT)) this.add(failure, spec, atMs);
  }

  /** The latest first. @param nameOf names the function of a spec */
  list(nameOf: (spec: number) => string, nowMs: number): SessionDetail_FailedTask[] {
    return this.#last
      .map(({ spec, atMs, ...failed }) => ({
        ...failed,
        function: spec === undefined ? "" : nameOf(spec),
        agoMs: Math.max(0, nowMs - atMs),
      }))
      .reverse();
  }
}

/** One line. */
function messageOf({ message, kind, exitCode, signal }: Failure): string {
  const said = message.slice(0, MAX_CHARS).trim().split("\n", 1)[0]!.trimEnd();
  if (said !== "" || kind !== FailureKind.DIED) return said;
  return signal === "" ? `its process exited with code ${exitCode}` : `its process was ended by ${signal}`;
}
