/** Whether a peer speaks our protocol. */

import { type Hello, type Refused, Refused_Code } from "../../../proto/grain.js";
import { PROTOCOL, VERSION } from "../../../proto/version.js";

/** Why a peer is not served. */
export interface Refusal {
  readonly code: Refused_Code;
  readonly message: string;
}

/** A refusal for a message that breaks the protocol. */
export function badMessage(complaint: string): Refusal {
  return {
    code: Refused_Code.BAD_MESSAGE,
    message: `The head closed this connection because of a message that breaks the protocol: ${complaint}.`,
  };
}

/** The refusal for a handshake of another protocol; undefined when it is ours. */
export function refuseHello(peer: "client" | "worker", hello: Hello | undefined): Refusal | undefined {
  if (hello === undefined) return badMessage("the first message carries no hello");
  if (hello.protocol === PROTOCOL) return undefined;
  const upgrade = hello.protocol < PROTOCOL ? `Upgrade the ${peer}` : "Upgrade the head";
  return {
    code: Refused_Code.PROTOCOL,
    message:
      `The ${peer} speaks protocol ${hello.protocol} (grain-scheduler ${hello.version || "unknown"}), ` +
      `the head protocol ${PROTOCOL} (grain-scheduler ${VERSION}). ${upgrade} so that both are of one version.`,
  };
}

/** A refusal as it is sent. */
export function refusedMessage({ code, message }: Refusal): Refused {
  return { code, message, protocol: PROTOCOL, version: VERSION };
}
