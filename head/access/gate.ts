/**
 * Decides about peers whose certificate the authority has signed: whether it is revoked or past
 * its time, and whether its role may make the call. Who has no such certificate never gets here.
 */

import { readdirSync } from "node:fs";
import { isRole, type Role } from "../../proto/access/role.js";
import { revokedDirectory } from "./directory.js";
import { mayCall, purposeOf, ROLES_OF_RPC } from "./roles.js";

/** What a verified certificate says. */
export interface PeerName {
  /** Its `CN`. */
  readonly id: string;
  /** Its `OU`. */
  readonly unit: string | undefined;
  readonly expiresAtMs: number;
}

/** Somebody who may make a call. */
export interface Caller {
  readonly id: string;
  readonly role: Role;
}

/** Why a call is refused. */
export interface Denial {
  readonly type: "unauthenticated" | "forbidden";
  readonly message: string;
}

/** Says who may do what. */
export class Gate {
  readonly #directory: string;
  #revoked: ReadonlySet<string> = new Set();

  /** @param directory the access directory */
  constructor(directory: string) {
    this.#directory = revokedDirectory(directory);
    this.refresh();
  }

  /** Reads again what has been revoked. What cannot be read leaves things as they are. */
  refresh(): void {
    try {
      this.#revoked = new Set(readdirSync(this.#directory));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") this.#revoked = new Set();
    }
  }

  /** Why a certificate counts for nothing any more; undefined while it does. */
  problemWith({ id, expiresAtMs }: PeerName): Denial | undefined {
    if (this.#revoked.has(id)) {
      return {
        type: "unauthenticated",
        message: `the credential ${id} was revoked; ask the head's administrator for a new one (grain access new)`,
      };
    }
    if (expiresAtMs > Date.now()) return undefined;
    return {
      type: "unauthenticated",
      message: `the credential ${id} has expired; ask the head's administrator for a new one (grain access new)`,
    };
  }

  /** Who makes a call, or why it is refused. */
  admit(peer: PeerName, rpc: string): Caller | Denial {
    const problem = this.problemWith(peer);
    if (problem !== undefined) return problem;
    const { id, unit } = peer;
    if (!isRole(unit)) {
      return {
        type: "forbidden",
        message: `the credential ${id} has no role: the subject of its certificate needs OU=client, worker, viewer or admin`,
      };
    }
    if (mayCall(unit, rpc)) return { id, role: unit };
    return { type: "forbidden", message: wrongRole(id, unit, rpc) };
  }
}

function wrongRole(id: string, role: Role, rpc: string): string {
  const wanted = ROLES_OF_RPC[rpc]?.filter((each) => each !== "admin") ?? [];
  const advice =
    wanted.length === 0
      ? "; only administrators may"
      : `; that takes the role ${wanted.join(" or ")} (grain access new --role ${wanted[0]})`;
  return `the credential ${id} has the role ${role} and may not ${purposeOf(rpc)}${advice}`;
}
