/** Whether a peer speaks our protocol. */

import { type Hello, type Refused, Refused_Code } from "../../../proto/grain.js";
import type { LinkEnd } from "../../../proto/link/link.js";
import { hello, PROTOCOL, VERSION } from "../../../proto/version.js";

/** Why a peer is not served. */
export interface Refusal {
  readonly code: Refused_Code;
  readonly message: string;
}

/** More is not said of a message: it may quote what the peer has made up. */
const MAX_COMPLAINT_LENGTH = 500;
/** Names of hosts and versions are shorter. */
const MAX_TEXT_LENGTH = 255;

/** A refusal for a message that breaks the protocol: one line, whatever the message holds. */
export function badMessage(complaint: string): Refusal {
  const text = oneLine(complaint);
  const shown = text.length > MAX_COMPLAINT_LENGTH ? `${text.slice(0, MAX_COMPLAINT_LENGTH)}…` : text;
  return {
    code: Refused_Code.BAD_MESSAGE,
    message: `The head closed this connection because of a message that breaks the protocol: ${shown}.`,
  };
}

/** A text of a peer as part of a line: what would end the line, or move about on a terminal, is left out. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
}

/** Whether a text can be part of a line. */
export function isOneLine(text: string): boolean {
  return oneLine(text) === text;
}

/**
 * The refusal for a handshake that does not fit ours: another protocol, another form of bundles, or another
 * major version of Node.js, for which bundles are made. Undefined when it fits.
 */
export function refuseHello(
  peer: "client" | "worker",
  theirs: Hello | undefined,
  ours: Hello = hello(),
): Refusal | undefined {
  if (theirs === undefined) return badMessage("the first message carries no hello");
  for (const text of [theirs.version, theirs.node, theirs.host])
    if (text.length > MAX_TEXT_LENGTH || !isOneLine(text))
      return badMessage(`its hello has a text that is no line of ${MAX_TEXT_LENGTH} characters at most`);
  return (
    mismatch(
      peer,
      theirs.protocol,
      ours.protocol,
      `speaks protocol ${theirs.protocol} (grain-scheduler ${theirs.version || "unknown"})`,
      `protocol ${ours.protocol} (grain-scheduler ${ours.version})`,
      "",
    ) ??
    mismatch(
      peer,
      theirs.bundleFormat || FIRST_FORMAT,
      ours.bundleFormat,
      `uses bundles of format ${theirs.bundleFormat || FIRST_FORMAT} (grain-scheduler ${theirs.version || "unknown"})`,
      `format ${ours.bundleFormat} (grain-scheduler ${ours.version})`,
      "",
    ) ??
    mismatch(
      peer,
      // Who does not run on Node.js says nothing.
      nodeMajor(theirs.node) ?? nodeMajor(ours.node)!,
      nodeMajor(ours.node)!,
      `runs on Node.js ${theirs.node}`,
      `on Node.js ${ours.node}`,
      "Node.js of ",
    )
  );
}

/** Peers of the first version do not say what form of bundles they use. */
const FIRST_FORMAT = 1;

function mismatch(
  peer: "client" | "worker",
  theirs: number,
  ours: number,
  they: string,
  we: string,
  what: string,
): Refusal | undefined {
  if (theirs === ours) return undefined;
  const side = theirs < ours ? peer : "head";
  return {
    code: Refused_Code.PROTOCOL,
    message: `The ${peer} ${they}, the head ${we}. Upgrade ${what}the ${side} so that both are of one version.`,
  };
}

function nodeMajor(version: string): number | undefined {
  const major = /^v?(\d+)\./.exec(version)?.[1];
  return major === undefined ? undefined : Number(major);
}

/** A refusal as it is sent. */
export function refusedMessage({ code, message }: Refusal): Refused {
  return { code, message, protocol: PROTOCOL, version: VERSION };
}

/** How a stream ended, for the log. */
export function whyEnded(end: LinkEnd): string {
  switch (end.type) {
    case "closed":
      return "closed";
    case "broken":
      return end.message;
    case "malformed":
      return `it sent bytes that are no message of the protocol: ${oneLine(end.message)}`;
    default:
      return end satisfies never;
  }
}
