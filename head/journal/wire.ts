/** The codec of a real journal: what is opaque to the scheduler is kept as it is on the wire. */

import {
  type BlobAt,
  Failure,
  type Finished,
  JoinCluster,
  OpenSession,
  Results,
  Spec,
  Submit,
} from "../../proto/grain.js";
import type { Request } from "../../proto/resource/demand.js";
import type { SpecDefined, WorkerJoined } from "../core/event.js";
import { resultsMessage, Source } from "../shell/source.js";
import type { Codec, SessionRecord, WorkerRecord } from "./codec.js";

/** What is known of the connected, by number. */
export interface Known {
  session(session: number): SessionRecord;
  spec(session: number, spec: number): Spec;
  worker(worker: number): JoinCluster;
  /** Reads a request; it was read before. */
  request(spec: Spec): Request;
  /** Milliseconds since 1970. */
  unixMs(): number;
}

/** The codec of a head that knows these. */
export function wireCodec(known: Known): Codec<Source, Finished, Failure> {
  return {
    session: (session) => known.session(session),
    spec(session, number) {
      const spec = known.spec(session, number);
      return { blobs: [spec.module], encode: () => Spec.encode(spec).finish() };
    },
    worker(worker) {
      const join = known.worker(worker);
      const leftMs = join.pool?.remainingMs;
      return {
        wire: JoinCluster.encode(join).finish(),
        endsAt: leftMs === undefined ? undefined : known.unixMs() + leftMs,
      };
    },
    weigh: ({ byteLength, sizes, blobs, keys }) => ({
      blobs: [...(blobs?.values() ?? [])].map(({ hash }) => hash),
      byteLength: byteLength + sizes.length + (keys?.byteLength ?? 0),
    }),
    submission: (spec, first, sources) => Submit.encode(submitOf(spec, first, sources)).finish(),
    results(effect) {
      // Of columns of which all is delivered this is the columns themselves.
      const blobs = effect.result.blobs.length === 0 ? [] : hashesOf(resultsMessage(effect).blobs);
      return { blobs, encode: () => Results.encode(resultsMessage(effect)).finish() };
    },
    failure: (failure) => ({ blobs: [], encode: () => Failure.encode(failure).finish() }),
    openedFrom(session, wire) {
      const { name, prioritized, priority } = OpenSession.decode(wire);
      return { type: "sessionOpened", session, name, prioritized, priority };
    },
    definedFrom: (session, _spec, bytes) => definedOf(session, Spec.decode(bytes), known),
    joinedFrom: (worker, record) => joinedOf(worker, record, known.unixMs()),
    sourceFrom(bytes) {
      const submit = Submit.decode(bytes);
      return { spec: submit.spec, source: new Source(submit) };
    },
  };
}

function submitOf(spec: number, first: number, sources: readonly Source[]): Submit {
  const at: BlobAt[] = [];
  let before = 0;
  for (const { sizes, blobs } of sources) {
    for (const [index, ref] of blobs ?? []) at.push({ index: before + index, ref });
    before += sizes.length;
  }
  const [only] = sources;
  // Of one spec all have keys, or none has. Whoever mixes them has results computed again.
  const all = sources.map(({ keys }) => keys).filter((keys) => keys !== undefined);
  const keys = all.length === 0 || all.length < sources.length ? undefined : Buffer.concat(all);
  if (sources.length === 1)
    return { spec, first, sizes: only!.sizes as number[], args: only!.args, blobs: at, keys };
  const sizes = sources.flatMap((source) => source.sizes);
  return { spec, first, sizes, args: Buffer.concat(sources.map(({ args }) => args)), blobs: at, keys };
}

function definedOf(session: number, spec: Spec, known: Known): SpecDefined {
  const { priority, failInfeasible } = spec;
  const retries = { max: spec.retries, backoffMs: spec.retryBackoffMs, on: spec.retryOn };
  const request = known.request(spec);
  return { type: "specDefined", session, spec: spec.spec, request, priority, retries, failInfeasible };
}

function joinedOf(worker: number, { wire, endsAt }: WorkerRecord, unixMs: number): WorkerJoined {
  const { name, pool } = JoinCluster.decode(wire);
  const remainingMs = endsAt === undefined ? undefined : Math.max(0, endsAt - unixMs);
  return { type: "workerJoined", worker, name, pool: { ...pool!, remainingMs } };
}

function hashesOf(blobs: readonly BlobAt[]): string[] {
  return blobs.flatMap(({ ref }) => ref?.hash ?? []);
}
