/** Which role may make which call: everything that is allowed is in this table, and nothing else is. */

import { ROLES, type Role } from "../../proto/access/role.js";

const ALL: readonly Role[] = ROLES;
const SUBMITTERS: readonly Role[] = ["admin", "client"];
const RUNNERS: readonly Role[] = ["admin", "worker"];
/** Whoever may send away the workers of others. */
const ADMINISTRATORS: readonly Role[] = ["admin"];
const MOVERS: readonly Role[] = ["admin", "client", "worker"];
/** Of these, clients see their own sessions only, and viewers no errors: see visible.ts. */
const READERS: readonly Role[] = ["admin", "client", "viewer"];

/** Call → roles. A call without a row is refused to everybody, and fails a test. */
export const ROLES_OF_RPC: Readonly<Record<string, readonly Role[]>> = {
  "/grain.v1.Scheduling/Session": SUBMITTERS,
  "/grain.v1.Scheduling/Work": RUNNERS,
  "/grain.v1.Blobs/Missing": MOVERS,
  "/grain.v1.Blobs/Put": MOVERS,
  "/grain.v1.Blobs/Get": MOVERS,
  "/grain.v1.Blobs/Share": MOVERS,
  "/grain.v1.Admin/Status": READERS,
  "/grain.v1.Admin/Explain": READERS,
  "/grain.v1.Admin/ExplainSession": READERS,
  "/grain.v1.Admin/Session": READERS,
  "/grain.v1.Admin/Cancel": SUBMITTERS,
  "/grain.v1.Admin/Access": ALL,
  "/grain.v1.Admin/CacheList": READERS,
  "/grain.v1.Admin/CacheRemove": SUBMITTERS,
  "/grain.v1.Admin/Quit": ADMINISTRATORS,
  "/grain.v1.Admin/Scale": ADMINISTRATORS,
  "/grain.v1.Admin/ExplainScale": READERS,
  "/grpc.health.v1.Health/Check": ALL,
  "/grpc.health.v1.Health/Watch": ALL,
  "/grpc.health.v1.Health/List": ALL,
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": ALL,
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": ALL,
};

/** Whether a role may make a call. */
export function mayCall(role: Role, rpc: string): boolean {
  return Object.hasOwn(ROLES_OF_RPC, rpc) && ROLES_OF_RPC[rpc]!.includes(role);
}

/** What a call is, for people. */
export function purposeOf(rpc: string): string {
  switch (rpc) {
    case "/grain.v1.Scheduling/Session":
      return "submit tasks";
    case "/grain.v1.Scheduling/Work":
      return "join as a worker";
    case "/grain.v1.Admin/CacheRemove":
      return "remove stored results";
    case "/grain.v1.Admin/Cancel":
      return "cancel tasks";
    case "/grain.v1.Admin/Quit":
      return "send workers away";
    case "/grain.v1.Admin/Scale":
      return "say how many workers there are to be";
    default:
      return `call ${rpc.slice(rpc.lastIndexOf(".") + 1)}`;
  }
}
