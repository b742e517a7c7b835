/**
 * The embedded mode: a head and a worker inside the client's own process, no port opened.
 *
 * This is the one place where client code may start head and worker code; it is
 * loaded only when no head is configured, or when a local function starts a program.
 */

import { homedir } from "node:os";
import { join } from "node:path";
import type { ResultStore } from "../head/cache/store.js";
import type { Head } from "../head/shell/head.js";
import type {
  CacheAnswer,
  ClientMessage,
  HeadToClient,
  HeadToWorker,
  WorkerMessage,
} from "../proto/grain.js";
import type { Connection, Link } from "../proto/link/link.js";
import type { Pool, ResourceLike } from "../proto/resource/index.js";
import type { RunProgram } from "../proto/task.js";
import { type EarlyExecutor, endExecutorEarly, startExecutorEarly } from "../worker/pool.js";

/** What the embedded worker owns. */
export interface EmbeddedOptions {
  /** Restricts it; what is not named is this machine's. Default: all of this machine. */
  readonly local?: ResourceLike | undefined;
}

/** A head and a worker in this process. */
export interface Embedded {
  /** Opens a client's connection to the head. */
  connect(): Connection<ClientMessage, HeadToClient>;
  /** Ends worker and head; no process is left. */
  close(): Promise<void>;
}

/**
 * Starts a head and a worker in this process.
 *
 * @throws ResourceError when `local` asks for something a worker cannot own
 * @example
 * const embedded = await startEmbedded({ local: { cores: 2 } });
 */
export async function startEmbedded(options: EmbeddedOptions = {}): Promise<Embedded> {
  // Node starts it on another core while this process loads the rest.
  const early = startExecutorEarly();
  try {
    return await startAround(early, options);
  } catch (error) {
    endExecutorEarly(early);
    throw error;
  }
}

async function startAround(early: EarlyExecutor, { local }: EmbeddedOptions): Promise<Embedded> {
  const [
    { Head },
    { SharedFiles },
    { memoryLink },
    { sharedRoot },
    { resourceToPool },
    { detectPool, startAgent },
  ] = await Promise.all([
    import("../head/shell/head.js"),
    import("../head/shell/blob/shared.js"),
    import("../proto/link/memory.js"),
    import("../proto/share/directory.js"),
    import("../proto/resource/index.js"),
    import("../worker/index.js"),
  ]);
  const machine = detectPool();
  const pool: Pool = local === undefined ? machine : resourceToPool(local, machine);
  const head = new Head({
    embedded: true,
    results: openResults,
    blobs: { shared: SharedFiles.open(sharedRoot()) },
  });
  const [workerEnd, headEnd] = memoryLink<WorkerMessage, HeadToWorker>();
  head.acceptWorker(headEnd);
  const agent = startAgent({
    connection: connectionOf(head, workerEnd),
    name: "local",
    pool,
    imports: [],
    prewarm: 1,
    early,
  });
  await agent.joined;
  return {
    connect() {
      const [clientEnd, end] = memoryLink<ClientMessage, HeadToClient>();
      head.acceptClient(end);
      return connectionOf(head, clientEnd);
    },
    async close() {
      await agent.close();
      await head.close();
    },
  };
}

function connectionOf<Out, In>(head: Head, link: Link<Out, In>): Connection<Out, In> {
  const blobs = head.openBlobs();
  return {
    link,
    blobs,
    address: "embedded",
    status: async () => head.status(),
    async close() {
      link.close();
      blobs.close();
    },
  };
}

/** The stored results of programs without a head. @param env XDG_STATE_HOME is read */
export function resultsDirectory(env: Readonly<Record<string, string | undefined>>): string {
  return join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "grain", "cache");
}

/** Opens them: when the first call with a `cacheKey` is made. */
export async function openResults(): Promise<ResultStore> {
  const { ResultStore } = await import("../head/cache/store.js");
  return ResultStore.open(resultsDirectory(process.env));
}

/** Stored results of programs without a head, like this pattern; empty: all. @param remove they are removed */
export async function embeddedResults(pattern: string, remove: boolean): Promise<CacheAnswer> {
  const { Recalls } = await import("../head/shell/recalls.js");
  const recalls = new Recalls({ open: openResults });
  try {
    return await (remove ? recalls.remove(pattern, undefined) : recalls.list(pattern, undefined));
  } finally {
    await recalls.close();
  }
}

/** What a local function needs to run programs. */
export interface LocalTask {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  print(text: Uint8Array, stderr: boolean): void;
}

/** The `$` of functions that run in the client's own process. */
export async function localPrograms(task: LocalTask): Promise<RunProgram> {
  const { createPrograms } = await import("../worker/programs/index.js");
  return createPrograms({
    env: { ...task.env },
    signal: task.signal,
    print: (text, stderr) => task.print(text, stderr),
  });
}

/** Ends the programs of local functions, and what started them. */
export async function disposePrograms(): Promise<void> {
  const programs = await import("../worker/programs/index.js");
  await programs.disposePrograms();
}
