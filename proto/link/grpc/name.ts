/** Whether a host's name is what is wrong with an address. */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Address } from "../../address.js";

/** Whoever waits for the reason has waited for the head before. */
const WITHIN_MS = 1_000;

/** Finds a host's addresses, as `lookup` of node:dns does. */
export type Resolve = (host: string) => Promise<unknown>;

/**
 * Why the name of an address leads nowhere.
 *
 * @returns a sentence without its end; undefined when the name is known, or whether it is cannot be told in a second
 * @example
 * await unknownName(parseAddress("headnode:7700")) // 'This machine does not know the name headnode (ENOTFOUND)'
 */
export async function unknownName(address: Address, resolve: Resolve = lookup): Promise<string | undefined> {
  if (address.type !== "tcp" || isIP(address.host) !== 0) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((done) => {
    timer = setTimeout(() => done(undefined), WITHIN_MS);
  });
  const asked = resolve(address.host).then(
    () => undefined,
    (error: NodeJS.ErrnoException) =>
      `This machine does not know the name ${address.host} (${error.code ?? error.message})`,
  );
  try {
    return await Promise.race([asked, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
