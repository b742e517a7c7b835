/** Stands before every call of a listener with TLS: what is refused here is answered before a byte of it is decoded. */

import { ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import type { Caller, Denial, Gate } from "../../access/gate.js";
import { peerOf } from "./peer.js";

const CODES = { unauthenticated: status.UNAUTHENTICATED, forbidden: status.PERMISSION_DENIED } as const;

/** Lets through what the gate admits. */
export function guard(gate: Gate): ServerInterceptor {
  return (method, call) => {
    const peer = peerOf(call);
    const decision: Caller | Denial =
      peer === undefined
        ? { type: "unauthenticated", message: "no credential was shown" }
        : gate.admit(peer, method.path);
    // Not wrapped: grpc-js takes any such call, and what is around it costs every message of a stream.
    if (!("type" in decision)) return call as unknown as ServerInterceptingCall;
    return new ServerInterceptingCall(call, {
      start: (next) => next({ onReceiveMetadata: () => call.sendStatus(denied(decision)) }),
    });
  };
}

/** A denial as gRPC sends it. */
export function denied({ type, message }: Denial): { code: status; details: string } {
  return { code: CODES[type], details: message };
}
