/** Keys of calls: what, beside the function's code, a result is stored under. */

import { createHash } from "node:crypto";
import { messageOf, SerializationError } from "../../proto/errors.js";
import { type Encoded, encodeArgs } from "../../proto/values/value.js";
import type { Call } from "../call.js";

/** Makes the keys of one session's calls. */
export class Keys {
  readonly #detached: boolean;
  /** How often a call of this function with these arguments was made. */
  readonly #times = new Map<string, number>();

  /** @param detached calls without a key of their own get one: the arguments, and which of equal calls it is */
  constructor(detached: boolean) {
    this.#detached = detached;
  }

  /** Whether results of calls with this option are stored. */
  keeps({ definition }: Call): boolean {
    return this.#detached || definition.options.cacheKey !== undefined;
  }

  /**
   * The key of a call.
   *
   * @param args the encoded arguments
   * @throws what the key's function throws; TypeError when that gives a promise or nothing; SerializationError
   */
  of(call: Call, args: Encoded): Uint8Array {
    const { name, place, options } = call.definition;
    const { cacheKey } = options;
    if (typeof cacheKey === "function") {
      const key = (cacheKey as (...args: readonly unknown[]) => unknown)(...call.args);
      if (typeof (key as PromiseLike<unknown> | undefined)?.then === "function")
        throw new TypeError(
          `${name}: cacheKey must give a value, not a promise: the key is needed when the call is made.`,
        );
      // Most likely a forgotten return, with which all calls would have one result.
      if (key === undefined)
        throw new TypeError(
          `${name}: cacheKey gave undefined; it must return what tells results apart, e.g. (n) => n. If all calls have one result, let it return null.`,
        );
      return digest("key", encodedKey(name, key));
    }
    const key = digest("arguments", args);
    if (cacheKey !== undefined) return key;
    const id = `${place} ${name} ${Buffer.from(key).toString("hex")}`;
    const times = this.#times.get(id) ?? 0;
    this.#times.set(id, times + 1);
    return createHash("sha256").update(`${times} `).update(key).digest();
  }
}

function encodedKey(name: string, key: unknown): Encoded {
  try {
    return encodeArgs([key]);
  } catch (error) {
    const why = messageOf(error).replace(/^args\[0\]/, "key");
    throw new SerializationError(`${name}: what cacheKey gave cannot be a key: ${why}`, { cause: error });
  }
}

function digest(kind: string, { parts }: Encoded): Uint8Array {
  const hash = createHash("sha256").update(kind);
  for (const part of parts) hash.update(part);
  return hash.digest();
}
