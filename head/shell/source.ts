/** Where queued tasks keep their arguments, and how columns are cut out of columns. */

import type {
  BlobAt,
  BlobRef,
  Finished,
  Gang,
  Gang_Node,
  Results,
  Submit,
  Assign as WireAssign,
} from "../../proto/grain.js";
import type { Assign, Deliver } from "../core/effect.js";
import type { Keeper, Kept } from "./inline/keeper.js";

const NOTHING = new Uint8Array(0);

/** One submission as the head keeps it: where the bytes of all its tasks are, and where each begins in them. */
export class Source {
  #args: Pick<Kept, "byteLength" | "read">;
  readonly sizes: readonly number[];
  /** Item i is args[offsets[i], offsets[i + 1]). */
  readonly offsets: Float64Array | Uint32Array;
  /** Arguments that are blobs, by item; undefined when none is. */
  readonly blobs: ReadonlyMap<number, BlobRef> | undefined;
  /** By which results are stored, 32 bytes for each item; undefined: they are not. */
  readonly keys: Uint8Array | undefined;

  /**
   * @param submit one without complaints (see check/client.ts)
   * @param args where its bytes are kept. Default: in memory
   */
  constructor(submit: Submit, args?: Kept) {
    this.#args = args ?? inMemory(submit.args);
    this.keys = submit.keys;
    this.sizes = submit.sizes;
    this.offsets = offsetsOf(submit.sizes, submit.args.byteLength);
    this.blobs =
      submit.blobs.length === 0 ? undefined : new Map(submit.blobs.map(({ index, ref }) => [index, ref!]));
  }

  get byteLength(): number {
    return this.#args.byteLength;
  }

  /** The bytes of all its tasks; read anew each time if they are not in memory. */
  get args(): Uint8Array {
    return this.read(0, this.byteLength);
  }

  /** Its bytes are kept here from now on; if there is room nowhere, where they are. @returns for whoever says when that ends */
  keepBy(keeper: Pick<Keeper, "keep">): Kept {
    const { args } = this;
    try {
      const kept = keeper.keep(args);
      this.#args = kept;
      return kept;
    } catch {
      return { ...inMemory(args), release() {} };
    }
  }

  /** Bytes from start to end (not included). */
  read(start: number, end: number): Uint8Array {
    return this.#args.read(start, end);
  }
}

function inMemory(bytes: Uint8Array): Pick<Kept, "byteLength" | "read"> {
  return { byteLength: bytes.byteLength, read: (start, end) => bytes.subarray(start, end) };
}

function offsetsOf(sizes: readonly number[], total: number): Float64Array | Uint32Array {
  // One submission beyond 4 GiB is possible within a process.
  const offsets =
    total > 0xffff_ffff ? new Float64Array(sizes.length + 1) : new Uint32Array(sizes.length + 1);
  let offset = 0;
  for (let i = 0; i < sizes.length; i++) {
    offset += sizes[i]!;
    offsets[i + 1] = offset;
  }
  return offsets;
}

/** Gathers items into new columns; neighbours of one run of bytes stay one piece. */
class Gathering {
  readonly sizes: number[] = [];
  readonly blobs: BlobAt[] = [];
  readonly #pieces: Uint8Array[] = [];

  /** Takes items start to end (not included), which are neighbours. */
  takeRun(source: Pick<Source, "read" | "sizes" | "offsets" | "blobs">, start: number, end: number): void {
    const { sizes, offsets, blobs } = source;
    for (let i = start; i < end; i++) {
      const ref = blobs?.get(i);
      if (ref !== undefined) this.blobs.push({ index: this.sizes.length, ref });
      this.sizes.push(sizes[i]!);
    }
    if (offsets[start] !== offsets[end]) this.#pieces.push(source.read(offsets[start]!, offsets[end]!));
  }

  bytes(): Uint8Array {
    if (this.#pieces.length <= 1) return this.#pieces[0] ?? NOTHING;
    return Buffer.concat(this.#pieces);
  }
}

/**
 * The message for tasks that are assigned. Tasks that were submitted side by
 * side take one view of the submission's bytes; nothing is copied for them.
 *
 * @param nodeOf what a gang's task is told of each of its workers; undefined: that one is gone
 */
export function assignMessage(
  effect: Assign<Source>,
  nodeOf: (worker: number) => Gang_Node | undefined,
): WireAssign {
  const { sources, indices, tasks, attempts } = effect;
  const gathering = new Gathering();
  let start = 0;
  while (start < tasks.length) {
    const source = sources[start]!;
    const from = indices[start]!;
    let end = start + 1;
    while (end < tasks.length && sources[end] === source && indices[end] === from + end - start) end += 1;
    gathering.takeRun(source, from, from + end - start);
    start = end;
  }
  return {
    session: effect.session,
    spec: effect.spec,
    tasks,
    attempts: attempts.every(isFirst) ? [] : attempts,
    sizes: gathering.sizes,
    args: gathering.bytes(),
    blobs: gathering.blobs,
    granted: effect.granted,
    alternative: effect.alternative,
    hardMs: effect.hardMs,
    reportMs: effect.reportMs,
    gangs:
      effect.gangs === undefined ? [] : effect.gangs.map((workers, index) => gangOf(index, workers, nodeOf)),
  };
}

function gangOf(
  index: number,
  workers: readonly number[],
  nodeOf: (worker: number) => Gang_Node | undefined,
): Gang {
  return { index, nodes: workers.flatMap((worker) => nodeOf(worker) ?? []) };
}

function isFirst(attempt: number): boolean {
  return attempt === 1;
}

/** The message for results that are delivered: the worker's columns as they are, or the chosen items of them. */
export function resultsMessage(effect: Deliver<Finished>): Results {
  const { indices, result } = effect;
  const tasks = effect.tasks as number[];
  if (indices === undefined)
    return { tasks, sizes: result.sizes, values: result.values, blobs: result.blobs };
  const whole = new Source({
    spec: 0,
    first: 0,
    sizes: result.sizes,
    args: result.values,
    blobs: result.blobs,
  });
  const gathering = new Gathering();
  let start = 0;
  while (start < indices.length) {
    const from = indices[start]!;
    let end = start + 1;
    while (end < indices.length && indices[end] === from + end - start) end += 1;
    gathering.takeRun(whole, from, from + end - start);
    start = end;
  }
  return { tasks, sizes: gathering.sizes, values: gathering.bytes(), blobs: gathering.blobs };
}

/** The results at other places than these. */
export function without(finished: Finished, places: ReadonlySet<number>): Finished {
  const stays = (_: unknown, i: number) => !places.has(i);
  const { session, attempts, runUs } = finished;
  const tasks = finished.tasks.filter(stays);
  const indices = [...finished.tasks.keys()].filter((i) => stays(undefined, i));
  const columns = resultsMessage({ type: "deliver", session, tasks, indices, result: finished });
  return { ...columns, session, tasks, attempts: attempts.filter(stays), runUs: runUs.filter(stays) };
}
