/** Finds the head of an edge file: which it is now, and where to try it. */

import { existsSync } from "node:fs";
import type { Access } from "../access/place.js";
import { isLocal, parseSocketAddress, type SocketAddress } from "../address.js";
import { AuthError } from "../errors.js";
import { thisMachine } from "../process-name.js";
import { type EdgeRecord, type FoundRecord, readRecord } from "./record.js";
import { type Verdict, Watch } from "./watch.js";

/** What one look at the file has shown. */
export interface Sighting {
  /** See `EdgeRecord.id`; undefined: there is no entry. */
  readonly head: string | undefined;
  readonly verdict: Verdict | "absent";
  /** What can be tried from here, the best first. */
  readonly addresses: readonly SocketAddress[];
  /** With which credentials. */
  readonly access: Access;
}

/** Looks at one edge file, again and again. */
export class EdgeFinder {
  readonly #path: string;
  readonly #access: Access;
  readonly #watch = new Watch();

  constructor(path: string, access: Access) {
    this.#path = path;
    this.#access = access;
  }

  /**
   * Looks at the file.
   *
   * @throws ConfigError when it is something else; AuthError when it must not be believed
   */
  async look(): Promise<Sighting> {
    const record = await readRecord(this.#path);
    if (record === undefined)
      return { head: undefined, verdict: "absent", addresses: [], access: this.#access };
    const verdict = this.#watch.see(record);
    const { id: head } = record;
    const addresses = verdict === "ended" ? [] : reachable(record);
    return { head, verdict, addresses, access: this.#accessTo(record) };
  }

  /** The head's own directory is the user's as well, if the file is. */
  #accessTo({ isOwn, access }: FoundRecord): Access {
    if (!isOwn && this.#access.insecure !== "no") {
      throw new AuthError(
        `The edge file ${this.#path} may have been written by another user, and without TLS whatever it names would be believed: ` +
          "leave out --insecure, or have the head write a file that only you can write.",
      );
    }
    const { isDefault = false } = this.#access;
    if (!isOwn || !isDefault || access === "" || !existsSync(access)) return this.#access;
    return { ...this.#access, place: access };
  }
}

/** What only the head's own machine can reach is tried there, and first; elsewhere it would be another program's. */
function reachable({ addresses, process: owner }: EdgeRecord): SocketAddress[] {
  const parsed = addresses.map((address) => parseSocketAddress(address));
  const near = parsed.filter((address) => isLocal(address));
  const far = parsed.filter((address) => !isLocal(address));
  return owner.machine === thisMachine() ? [...near, ...far] : far;
}
