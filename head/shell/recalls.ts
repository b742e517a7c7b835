/**
 * Results that are stored: given to programs that ask, and stored when a task with a key ends.
 *
 *   recall ──▶ stored? ──yes──▶ recalled
 *                 no ──▶ somebody computes it? ──yes──▶ wait for its end, look again
 *                                no ──▶ missing: the asker's turn ──submit──▶ … ──▶ store, then deliver
 *
 * Not its job: where results are stored (cache/), whose turn it is (claims.ts).
 */

import { messageOf } from "../../proto/errors.js";
import type { CacheAnswer, HeadToClient, Recall, Recalled, Results, Submit } from "../../proto/grain.js";
import { type Identity, idOf, KEY_BYTES, matcher, toMessage } from "../cache/entry.js";
import type { Description, Found, Listed, ResultStore, Value } from "../cache/store.js";
import type { Recovered } from "../core/event.js";
import type { BlobStore } from "./blob/store.js";
import { type Asker, Claims } from "./claims.js";
import type { Stream } from "./inline/delivery.js";
import type { HeadLog } from "./log.js";
import { type Question, Questions } from "./questions.js";
import type { Session } from "./session.js";
import type { Source } from "./source.js";

/** One answer has so many bytes at most, and one result more. */
const ANSWER_BYTES = 1024 * 1024;
/** So many questions are answered at a time. */
const ANSWERS = 256;
/** So many entries are told to an administrator. */
const LISTED = 1_000;
/** No session has this number. */
const NOBODY = 0;

/** What is joined here. */
export interface RecallParts {
  /** Opens the store; called when it is needed first. Undefined: results are not stored. */
  readonly open: (() => Promise<ResultStore>) | undefined;
  /** Absent: nothing is given or taken, only looked at. */
  readonly blobs?: BlobStore;
  readonly log?: HeadLog;
  session?(number: number): Session | undefined;
}

/** Stored results as a head has them. */
export class Recalls {
  readonly #parts: RecallParts;
  readonly #claims = new Claims();
  readonly #questions: Questions;
  #store: ResultStore | undefined;
  #opening: Promise<void> | undefined;
  /** It could not be opened. */
  #broken = false;
  #failing = false;
  readonly #storing = new Map<Promise<void>, number>();

  constructor(parts: RecallParts) {
    this.#parts = parts;
    this.#questions = new Questions({
      stream: (session) => parts.session?.(session)?.peer?.stream(),
      answer: (questions, stream) => this.#answer(questions, stream),
    });
  }

  /** Whether results can be stored. */
  get stores(): boolean {
    return this.#parts.open !== undefined;
  }

  /** A program asks for results. @returns what is wrong with that */
  asked(session: Session, recall: Recall): string | undefined {
    const { ids, keys, spec } = recall;
    if (!session.specs.has(spec)) return `recall: spec ${spec} was never registered`;
    if (keys.byteLength !== ids.length * KEY_BYTES)
      return `recall: ${keys.byteLength} bytes of keys for ${ids.length} results`;
    const askers = ids.map((ask, i) => ({
      id: this.#idOf(session, spec, keys, i),
      ask,
      session: session.number,
    }));
    this.#whenOpen(() => this.#look(askers));
    return undefined;
  }

  /** A program does not want what it has asked for. */
  waived(session: Session, asks: readonly number[]): void {
    this.#whenOpen(() => {
      this.#questions.drop(session.number, asks);
      for (const ask of asks) this.#freed(this.#claims.waive({ session: session.number, ask }));
    });
  }

  /** Tasks with keys were submitted. */
  submitted(session: Session, { spec, first, sizes, keys }: Submit): void {
    if (keys?.byteLength !== sizes.length * KEY_BYTES || !this.stores) return;
    for (let i = 0; i < sizes.length; i += 1)
      this.#claims.submitted({ id: this.#idOf(session, spec, keys, i), spec }, session.number, first + i);
  }

  /** An earlier life of the head had these tasks. */
  recovered(session: Session, event: Recovered<Source>): void {
    const { keys } = event.source;
    if (keys === undefined || !this.stores) return;
    const claim = (task: number) => {
      const id = this.#idOf(session, event.spec, keys, task - event.base);
      this.#claims.submitted({ id, spec: event.spec }, session.number, task);
    };
    for (const { task } of [...event.placed, ...event.putBack]) claim(task);
    for (const [first, end] of event.waiting) for (let task = first; task < end; task += 1) claim(task);
  }

  /** Results of tasks: those with a key are stored before `then` is called. */
  delivered(session: Session, results: Results, then: () => void): void {
    const { tasks } = results;
    if (!this.#claims.hasKeyed(session.number)) return then();
    const keyed = tasks.some((task) => this.#claims.keyed(session.number, task) !== undefined);
    if (!keyed) return then();
    const work = this.#storeAll(session, results).then(() => {
      this.#storing.delete(work);
      this.ended(session, tasks);
      then();
    });
    this.#storing.set(work, session.number);
  }

  /** Whether a result of this session is being stored. */
  isStoring(session: number): boolean {
    return [...this.#storing.values()].includes(session);
  }

  /** Tasks have ended, and nothing of them is to be stored. */
  ended(session: Session, tasks: readonly number[]): void {
    for (const task of tasks) this.#freed(this.#claims.ended(session.number, task));
  }

  /** The program of a session is gone: it asks for nothing, and what it has not submitted it will not. */
  left(session: number): void {
    this.#questions.forget(session);
    this.#freed(this.#claims.left(session));
  }

  /** A session is over. */
  gone(session: number): void {
    this.#questions.forget(session);
    this.#freed(this.#claims.gone(session));
  }

  /** A detached program has its results. */
  forget(owner: string, name: string): void {
    this.#whenOpen(() => {
      const work = Promise.resolve(this.#store?.forget(owner, name))
        .catch((error) => this.#failed(error))
        .then(() => void this.#storing.delete(work));
      this.#storing.set(work, NOBODY);
    });
  }

  /** What is stored, for an administrator. @param owner whose; undefined: everybody's */
  async list(pattern: string, owner: string | undefined): Promise<CacheAnswer> {
    return this.#told(await this.#like(pattern, owner));
  }

  /** Removes what `list` gives, and what it only counts. @returns that */
  async remove(pattern: string, owner: string | undefined): Promise<CacheAnswer> {
    const found = await this.#like(pattern, owner);
    await this.#store?.remove(found.map(([id]) => id));
    return this.#told(found);
  }

  async close(): Promise<void> {
    await this.#opening;
    await Promise.all(this.#storing.keys());
    await this.#store?.close();
    this.#store = undefined;
  }

  async #like(pattern: string, owner: string | undefined): Promise<readonly Listed[]> {
    await this.#open();
    const accepts = matcher(pattern);
    const found = this.#store?.list(
      (id, entry) => accepts(id, entry) && (owner === undefined || entry.owner === owner),
    );
    return (await found) ?? [];
  }

  #told(found: readonly Listed[]): CacheAnswer {
    return {
      entries: found.slice(0, LISTED).map(([id, entry]) => toMessage(id, entry)),
      stores: this.stores,
      limitBytes: this.#store?.limitBytes ?? 0,
      count: found.length,
      byteLength: found.reduce((sum, [, { byteLength }]) => sum + byteLength, 0),
    };
  }

  /** Who is cut off asks again. */
  #look(questions: readonly Question[]): void {
    const number = questions[0]?.session ?? NOBODY;
    const peer = this.#parts.session?.(number)?.peer;
    if (peer !== undefined) this.#questions.ask(number, peer, questions);
  }

  #answer(questions: readonly Question[], stream: Stream): number {
    const hits: { readonly ask: number; readonly found: Found }[] = [];
    const missing: number[] = [];
    let answered = 0;
    for (
      let bytes = 0;
      answered < Math.min(questions.length, ANSWERS) && bytes < ANSWER_BYTES;
      answered += 1
    ) {
      const { id, session, ask } = questions[answered]!;
      const found = this.#find(id);
      if (found !== undefined) {
        this.#claims.answered({ session, ask });
        hits.push({ ask, found });
        if (found.type === "bytes") bytes += found.bytes.byteLength;
      } else if (this.#claims.ask(id, { session, ask })) missing.push(ask);
    }
    // Not counted: on another stream the program asks again.
    if (hits.length > 0 || missing.length > 0) stream.send(this.#recalled(hits, missing));
    return answered;
  }

  #recalled(
    hits: readonly { readonly ask: number; readonly found: Found }[],
    missing: number[],
  ): HeadToClient {
    const recalled: Recalled = { ids: [], sizes: [], values: new Uint8Array(0), blobs: [], missing };
    const parts: Uint8Array[] = [];
    for (const { ask, found } of hits) {
      if (found.type === "bytes") {
        parts.push(found.bytes);
        recalled.sizes.push(found.bytes.byteLength);
      } else {
        this.#parts.blobs?.lend(found.ref, found.path);
        recalled.blobs.push({ index: recalled.ids.length, ref: found.ref });
        recalled.sizes.push(0);
      }
      recalled.ids.push(ask);
    }
    recalled.values = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    return { body: { $case: "recalled", recalled } };
  }

  /** Those who waited look again: the first whose result is still not there has its turn. */
  #freed(waiting: readonly Asker[]): void {
    for (const { session, ask } of waiting) {
      const id = this.#claims.asks({ session, ask });
      if (id !== undefined) this.#look([{ id, session, ask }]);
    }
  }

  #find(id: string): Found | undefined {
    try {
      return this.#store?.get(id);
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  async #storeAll(session: Session, results: Results): Promise<void> {
    try {
      await this.#open();
      const stored: Promise<void>[] = [];
      let at = 0;
      for (const [index, task] of results.tasks.entries()) {
        const end = at + results.sizes[index]!;
        const keyed = this.#claims.keyed(session.number, task);
        if (keyed !== undefined && this.#store !== undefined) {
          const value = this.#valueOf(results, index, results.values.subarray(at, end));
          stored.push(this.#store.put(keyed.id, describe(session, keyed.spec), value));
        }
        at = end;
      }
      await Promise.all(stored);
      this.#failing = false;
    } catch (error) {
      this.#failed(error);
    }
  }

  #valueOf({ blobs }: Results, index: number, bytes: Uint8Array): Value {
    const ref = blobs.find((blob) => blob.index === index)?.ref;
    if (ref === undefined) return { type: "bytes", bytes };
    return { type: "large", ref, chunks: this.#parts.blobs!.read(ref.hash).chunks() };
  }

  #idOf(session: Session, spec: number, keys: Uint8Array, index: number): string {
    const { code, module, function: name } = session.specs.get(spec)!;
    const key = keys.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES);
    const { owner, detached } = describe(session, spec);
    return idOf({ owner, code, module, function: name, detached, key } satisfies Identity);
  }

  /** At once if the store is open or cannot be. */
  #whenOpen(then: () => void): void {
    if (this.#store !== undefined || this.#broken || !this.stores) then();
    else void this.#open().then(then);
  }

  #open(): Promise<void> {
    const { open } = this.#parts;
    if (open === undefined) return Promise.resolve();
    this.#opening ??= open().then(
      (store) => {
        this.#store = store;
      },
      (error) => {
        this.#broken = true;
        this.#failed(error);
      },
    );
    return this.#opening;
  }

  #failed(error: unknown): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#parts.log?.warn(`Results cannot be stored: ${messageOf(error)}. They are delivered all the same.`);
  }
}

function describe(session: Session, spec: number): Description {
  const known = session.specs.get(spec);
  return {
    owner: session.owner,
    function: known?.name || known?.function || "",
    detached: known?.once === true ? session.name : "",
  };
}
