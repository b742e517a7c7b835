/** The codec of a journal for the scheduler of tests, whose sources and results are words. */

import type { WorkerJoined } from "../../head/core/event.js";
import type { Codec, HeadRecord, SessionRecord, WorkerRecord } from "../../head/journal/codec.js";
import type { TestEvent } from "./core.js";

export const WORD_HEAD: HeadRecord = { instance: new Uint8Array(16), lastSession: 0, lastWorker: 0 };

const bytesOf = (value: unknown): Uint8Array =>
  Buffer.from(JSON.stringify(value, (_, each) => (each === Number.POSITIVE_INFINITY ? "Infinity" : each)));
const readWord = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString());

/** Remembers the events that the shell would have messages for. */
export class WordCodec implements Codec<string, string, string> {
  readonly events = new Map<string, TestEvent>();

  constructor(private readonly nowMs: () => number = () => 0) {}

  /** What is to be written of an event is asked for later. */
  note(event: TestEvent): void {
    if (event.type === "sessionOpened") this.events.set(`session ${event.session}`, event);
    if (event.type === "specDefined") this.events.set(`spec ${event.session} ${event.spec}`, event);
    if (event.type === "workerJoined") this.events.set(`worker ${event.worker}`, event);
  }

  #bytes(key: string): Uint8Array {
    return bytesOf(this.events.get(key));
  }
  session(session: number): SessionRecord {
    return { wire: this.#bytes(`session ${session}`), lastTask: 0, received: 0, owner: "" };
  }
  spec(session: number, spec: number) {
    return { blobs: [], encode: () => this.#bytes(`spec ${session} ${spec}`) };
  }
  worker(worker: number) {
    const event = this.events.get(`worker ${worker}`) as WorkerJoined;
    const { remainingMs } = event.pool;
    const endsAt = remainingMs === undefined ? undefined : this.nowMs() + remainingMs;
    return { wire: bytesOf(event), endsAt };
  }
  weigh(source: string) {
    return { blobs: [], byteLength: source.length };
  }
  submission(spec: number, _first: number, sources: readonly string[]) {
    return bytesOf({ spec, source: sources.join() });
  }
  results() {
    return { blobs: [], encode: () => bytesOf("result") };
  }
  failure(failure: string) {
    return { blobs: [], encode: () => bytesOf(failure) };
  }
  openedFrom(session: number, wire: Uint8Array) {
    const event = readWord(wire);
    this.events.set(`session ${session}`, event);
    return event;
  }
  definedFrom(_session: number, _spec: number, bytes: Uint8Array) {
    return readWord(bytes);
  }
  joinedFrom(worker: number, { wire, endsAt }: WorkerRecord) {
    const { pool, ...joined } = readWord(wire);
    const remainingMs = endsAt === undefined ? undefined : endsAt - this.nowMs();
    const event = { ...joined, pool: { ...pool, remainingMs } };
    this.events.set(`worker ${worker}`, event);
    return event;
  }
  sourceFrom(bytes: Uint8Array) {
    return readWord(bytes);
  }
}
