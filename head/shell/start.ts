/** Starts a head that listens: the daemon's, and for programs that embed one which others connect to. */

import { hostname } from "node:os";
import { join } from "node:path";
import { formatAddress, parseAddress, parseSocketAddress } from "../../proto/address.js";
import { sharedRoot } from "../../proto/share/directory.js";
import { type DoorOptions, openDoor } from "../access/door.js";
import type { ResultStore } from "../cache/store.js";
import type { Journal } from "../journal/journal.js";
import type { Swarm, SwarmOptions } from "../scale/swarm.js";
import { SharedFiles } from "./blob/shared.js";
import { Head } from "./head.js";
import type { HeadOptions } from "./head-options.js";
import { silentLog } from "./log.js";

/** How a listening head is set up. */
export interface ListenOptions extends Omit<HeadOptions, "journal" | "results">, DoorOptions {
  /** Where to listen: `host:port` (port 0: any that is free) or `unix:///path`. Default: 127.0.0.1:7700. */
  readonly listen?: readonly string[];
  /** The journal's directory. Default: what is to survive this process is kept nowhere. */
  readonly journalDirectory?: string | undefined;
  /** Stored results take at most so much room there. Default: 16 GiB. */
  readonly resultBytes?: number | undefined;
  /** How workers are started on demand. Default: they are not. */
  readonly swarm?: SwarmOptions | undefined;
}

/** A head that listens. */
export interface ListeningHead {
  readonly head: Head;
  /** Keeps numbers of workers; undefined: nobody does. */
  readonly swarm: Swarm | undefined;
  /** Where it listens, with real ports. */
  readonly addresses: readonly string[];
  /** Says goodbye to everybody, stops listening and frees everything. @param reason told to clients */
  close(reason?: string): Promise<void>;
}

const RESULTS = "cache";
const SWARM_NOTE = "swarm";
/** The journal says where the values in shared memory are: it outlives a head that is killed. */
const SHARED_NOTE = "shared-directory";
/** So long the peers of an earlier head may still read values where it had them. */
const FORGET_MS = 60_000;
/** Of so many lives of a head that is killed again and again. */
const MOST_LIVES = 8;

/** Where a head listens unless told otherwise. */
export const DEFAULT_ADDRESS = "127.0.0.1:7700";

/**
 * Starts a head and listens.
 *
 * @throws ConfigError for an address that is none, or that other machines could reach though `insecure`; AuthError when
 *   the access directory cannot be used; ConnectionError for an address in use
 * @example
 * const { addresses, close } = await startHead({ listen: ["127.0.0.1:0"] });
 */
export async function startHead(options: ListenOptions = {}): Promise<ListeningHead> {
  const addresses = (options.listen ?? [DEFAULT_ADDRESS]).map((address) => parseSocketAddress(address));
  const door = await openDoor(options, addresses);
  const log = options.log ?? silentLog;
  if (options.insecure === true)
    log.warn(
      `INSECURE: whoever can connect to ${addresses.map(formatAddress).join(", ")} can run code as this user and its workers`,
    );
  // Loaded here: an embedded head needs no gRPC.
  const { refuseTaken, serveGrpc } = await import("./grpc/server.js");
  // Before the journal: of two heads for one address the second is told about the address.
  await refuseTaken(addresses);
  const journal = await openJournal(options);
  const head = await headOn(options, journal);
  try {
    const swarm = await newSwarm(head, options, journal);
    const server = await serveGrpc(head, addresses, { door, log, swarm });
    await swarm?.start(addressFor(server.addresses));
    const close = async (reason?: string) => {
      await swarm?.close();
      await closeBoth(head, server, reason);
    };
    return { head, swarm, addresses: server.addresses, close };
  } catch (error) {
    await head.close();
    throw error;
  }
}

async function newSwarm(
  { crew }: Head,
  { swarm, log = silentLog }: ListenOptions,
  journal: Journal | undefined,
): Promise<Swarm | undefined> {
  if (swarm === undefined) return undefined;
  // Loaded here: most heads have nothing to do with batch systems.
  const { Swarm } = await import("../scale/swarm.js");
  const keep = journal && {
    read: () => journal.readNote(SWARM_NOTE),
    write: (text: string) => journal.writeNote(SWARM_NOTE, text),
  };
  return new Swarm({ crew, log, keep }, swarm);
}

/** How workers elsewhere reach a head that listens here. */
function addressFor(listening: readonly string[]): string {
  const tcp = listening.find((address) => parseAddress(address).type === "tcp") ?? listening[0]!;
  return tcp.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, hostname());
}

async function headOn(options: ListenOptions, journal: Journal | undefined): Promise<Head> {
  let shared: SharedFiles | undefined;
  try {
    const before = (await journal?.readNote(SHARED_NOTE))?.split("\n") ?? [];
    const [kept, tooMany] = [before.slice(0, MOST_LIVES - 1), before.slice(MOST_LIVES - 1)];
    shared = SharedFiles.open(sharedRoot(), journal === undefined ? undefined : kept);
    const lives = [shared?.name ?? [], kept].flat();
    await journal?.writeNote(SHARED_NOTE, lives.join("\n"));
    // No later life knows of them.
    shared?.forgetLives(tooMany);
    if (before.length > 0) setTimeout(() => shared?.forgetValues(), FORGET_MS).unref();
    const results = journal === undefined ? undefined : await openResults(journal.directory, options);
    return new Head({ ...options, journal, results, blobs: { shared, ...options.blobs } });
  } catch (error) {
    shared?.close();
    await journal?.close();
    throw error;
  }
}

/** Beside the journal, and not part of it: what is lost of it is computed again. */
async function openResults(
  journal: string,
  { resultBytes, log }: ListenOptions,
): Promise<() => Promise<ResultStore>> {
  const { ResultStore } = await import("../cache/store.js");
  const opening = ResultStore.open(join(journal, RESULTS), {
    ...(resultBytes === undefined ? {} : { limitBytes: resultBytes }),
    warn: (text) => log?.warn(text),
  });
  // A head without stored results is better than none: why there are none is said when they are needed.
  await opening.catch(() => {});
  return () => opening;
}

async function openJournal({ journalDirectory, log }: ListenOptions): Promise<Journal | undefined> {
  if (journalDirectory === undefined) return undefined;
  // Loaded here: an embedded head needs no database.
  const { Journal } = await import("../journal/journal.js");
  return Journal.open(journalDirectory, log ?? silentLog);
}

async function closeBoth(head: Head, server: { close(): Promise<void> }, reason?: string): Promise<void> {
  try {
    await head.close(reason);
  } finally {
    await server.close();
  }
}
