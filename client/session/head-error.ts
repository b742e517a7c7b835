/** What a session says of its head when that is gone, refuses, or ends. Pure. */

import { ConnectionError, GrainError, messageOf, TaskCancelledError } from "../../proto/errors.js";
import { type Refused, Refused_Code } from "../../proto/grain.js";
import type { LinkEnd } from "../../proto/link/link.js";
import { hello } from "../../proto/version.js";

/** The program itself has closed the session. */
export function sessionClosed(): ConnectionError {
  return new ConnectionError("The session is closed; open a new one to submit further calls.");
}

/** Why there is no head, or none that takes this program. */
export function unreachable(error: unknown): GrainError {
  if (error instanceof GrainError) return error;
  return new ConnectionError(`The head could not be reached: ${messageOf(error)}`, { cause: error });
}

/** The head has refused a session, when it was opened or later; or it has ended, and says so. */
export function refusedBy(
  refused: Refused,
  address: string,
  isOpen: boolean,
  unfinished: number,
): GrainError {
  const isGoodbye = refused.code === Refused_Code.DRAINING && isOpen;
  return isGoodbye ? headEnded(refused.message, address, unfinished) : refusal(refused, address);
}

/** The head does not take this program, or does not understand it. */
export function refusal(refused: Refused, address: string): ConnectionError {
  const ours = hello();
  const versions =
    refused.code === Refused_Code.PROTOCOL
      ? ` (this program: grain-scheduler ${ours.version}, protocol ${ours.protocol};` +
        ` the head: ${refused.version}, protocol ${refused.protocol})`
      : "";
  return new ConnectionError(`The head at ${address} refused this program: ${refused.message}${versions}`);
}

/**
 * The head has said goodbye to a session that it had taken.
 *
 * @param reason the head's words
 * @param unfinished calls that were under way
 */
function headEnded(reason: string, address: string, unfinished: number): ConnectionError {
  return new ConnectionError(
    `The head at ${address} ended (${reason.replace(/\.$/, "")})${lostWith(unfinished)}. ` +
      "Start it again, or choose another, and run this program again.",
  );
}

/** The head has sent a message that cannot be. */
export function protocolBroken(complaint: string, address: string, unfinished: number): ConnectionError {
  return new ConnectionError(
    `The connection to the head at ${address} was closed because of a message that breaks the protocol: ` +
      `${complaint}${lostWith(unfinished)}. See whether something stands between this program and the head, ` +
      "and whether both run the same version of grain-scheduler.",
  );
}

/** The stream has ended without a goodbye. */
export function linkEnded(end: LinkEnd, address: string, unfinished: number): ConnectionError {
  return new ConnectionError(
    `The connection to the head at ${address} ended: ${endText(end)}${lostWith(unfinished)}. ` +
      "Look into the head's log, then run this program again.",
  );
}

/**
 * The stream was lost, and the head could not be reached for as long as it keeps the session.
 *
 * @param leaseMs how long that is
 */
export function cutOffTooLong(address: string, leaseMs: number, unfinished: number): ConnectionError {
  return new ConnectionError(
    `The connection to the head at ${address} was lost and could not be opened again within ` +
      `${Math.round(leaseMs / 100) / 10} s${lostWith(unfinished)}. ` +
      "See whether the head still runs and can be reached, then run this program again.",
  );
}

/** The head stores no results, though some are to be stored. */
export function notStored(address: string): string {
  return (
    `cacheKey has no effect: the head at ${address} was started without a journal and stores no results. ` +
    "Start it with --journal DIR; until then everything is computed again."
  );
}

/** The program has left its calls to the head. */
export function leftWithHead(address: string, name: string): TaskCancelledError {
  return new TaskCancelledError(
    `This program does not wait for it any more; it goes on at the head at ${address}. ` +
      `Run the program again, under the name "${name}", to have its result.`,
  );
}

function lostWith(unfinished: number): string {
  if (unfinished === 0) return "";
  return unfinished === 1
    ? ", and 1 unfinished call is lost with it"
    : `, and ${unfinished} unfinished calls are lost with it`;
}

function endText(end: LinkEnd): string {
  switch (end.type) {
    case "closed":
      return "the head closed it";
    case "broken":
      return end.message.replace(/\.$/, "");
    case "malformed":
      return `the head sent what is no message of our protocol (${end.message})`;
    default:
      return end satisfies never;
  }
}
