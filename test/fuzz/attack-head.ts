/** A head with honest and hostile peers: the honest ones get right results, whatever the others say. */

import { check } from "../../head/core/check.js";
import { Core } from "../../head/core/core.js";
import type { HeadEvent } from "../../head/core/event.js";
import { Head } from "../../head/shell/head.js";
import type { TraceSink } from "../../head/trace/recorder.js";
import { ClientMessage, type HeadToClient, type HeadToWorker, WorkerMessage } from "../../proto/grain.js";
import { memoryLink } from "../../proto/link/memory.js";
import { Random } from "../sim/random.js";
import { FedLink } from "./fed-link.js";
import { Honest } from "./honest.js";
import { type Bytes, type Codec, mutated, readable } from "./mutate.js";
import type { Recording } from "./record.js";

/** Of each kind, on one head. */
export const HOSTILE = 4;
const BATCH = 6;
/** A head that gives no answer for so long gives none. */
const ANSWER_MS = 60_000;

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A second core that is told the same as the head's: its invariants are checked after each event. */
function shadow(): TraceSink {
  const core = new Core<never, never, never>();
  return {
    record(event, effects, nowMs) {
      core.step(event as HeadEvent<never, never, never>, nowMs);
      const complete = event.type === "planDue" && !effects.some(({ type }) => type === "planAgain");
      check(core.view.internals, complete);
    },
  };
}

/** A peer that says what was recorded of another, more or less. */
class Hostile<Out, In> {
  readonly #accept: (link: FedLink<Out, In>) => void;
  readonly #codec: Codec<In>;
  readonly #streams: Bytes[][];
  readonly #strangers: Bytes[];
  readonly #random: Random;
  #link: FedLink<Out, In> | undefined;
  #queue: In[] = [];
  #malformed = false;
  /** What it sent last, for whoever has to find out. */
  last: In[] = [];

  constructor(
    accept: (link: FedLink<Out, In>) => void,
    codec: Codec<In>,
    streams: readonly Bytes[][],
    strangers: Bytes[],
    random: Random,
  ) {
    this.#accept = accept;
    this.#codec = codec;
    this.#streams = [...streams];
    this.#strangers = strangers;
    this.#random = random;
  }

  /** @returns whether there is more to come */
  next(): boolean {
    if (this.#link === undefined) return this.#begin();
    if (this.#queue.length === 0 || this.#link.hasEnded) return this.#end(this.#link);
    this.last = this.#queue.splice(0, 1 + this.#random.below(BATCH));
    this.#link.feed(this.last);
    return true;
  }

  #begin(): boolean {
    const stream = this.#streams.shift();
    if (stream === undefined) return false;
    this.#link = new FedLink();
    const bytes = mutated(stream, this.#codec, this.#strangers, this.#random);
    const { read, malformed } = readable(bytes, this.#codec);
    this.#queue = read;
    this.#malformed = malformed;
    this.#accept(this.#link);
    return true;
  }

  #end(link: FedLink<Out, In>): boolean {
    this.#link = undefined;
    if (this.#malformed) link.end({ type: "malformed", message: "no message" });
    else if (this.#random.next() < 0.2) link.end({ type: "closed" });
    else link.end({ type: "broken", message: "it went" });
    return this.#streams.length > 0;
  }
}

/** Plays one seed. @returns what is wrong; undefined: nothing */
export async function attackHead(recording: Recording, seed: number): Promise<string | undefined> {
  const random = new Random(seed);
  const lines: string[] = [];
  const add = (line: string) => void lines.push(line);
  const awayMs = random.pick([1, 60_000]);
  const head = new Head({
    maxClients: 1_000,
    leaseMs: awayMs,
    resumeMs: awayMs,
    log: { info: add, warn: add },
    trace: shadow(),
  });
  try {
    return await attack(head, recording, random, { lines, staysAway: awayMs === 1 });
  } finally {
    await head.close();
  }
}

async function attack(
  head: Head,
  recording: Recording,
  random: Random,
  { lines, staysAway }: { readonly lines: string[]; readonly staysAway: boolean },
): Promise<string | undefined> {
  const [client, headOfClient] = memoryLink<ClientMessage, HeadToClient>();
  const [worker, headOfWorker] = memoryLink<WorkerMessage, HeadToWorker>();
  head.acceptClient(headOfClient);
  head.acceptWorker(headOfWorker);
  const honest = new Honest(client, worker);
  const hostile = hostileTo(head, recording, random);
  // The numbers in the recording are those of an honest session, or of a hostile one.
  if (random.next() < 0.5) for (const one of hostile) one.next();
  await honest.begin();
  let left = [...hostile];
  while (left.length > 0) {
    const one = random.pick(left);
    try {
      if (!one.next()) left = left.filter((other) => other !== one);
    } catch (error) {
      return `${(error as Error).stack}\nafter ${JSON.stringify(one.last).slice(0, 2_000)}`;
    }
    if (random.next() < 0.2) await turn();
  }
  const wrong = await bounded(honest.ask(5), "the honest client has no results");
  if (wrong !== undefined) return wrong;
  if (staysAway) {
    const alone = async () => {
      while (!isAlone(head)) await turn();
      return undefined;
    };
    const stays = await bounded(alone(), "hostile peers that have gone are still there");
    if (stays !== undefined) return `${stays}: ${JSON.stringify(head.status())}`;
    if (head.blobs.memoryBytes !== 0) return `${head.blobs.memoryBytes} bytes are left of hostile peers`;
  }
  const odd = lines.find((line) => line.length > 2_000 || /\p{Cc}/u.test(line));
  return odd === undefined ? undefined : `not one line: ${JSON.stringify(odd).slice(0, 500)}`;
}

function hostileTo(head: Head, { toHead }: Recording, random: Random) {
  const { client, worker } = toHead;
  const [toClients, toWorkers] = [client.flat(), worker.flat()];
  const all: { next(): boolean; last: unknown[] }[] = [];
  for (let i = 0; i < HOSTILE; i += 1) {
    all.push(
      new Hostile<HeadToClient, ClientMessage>(
        (link) => head.acceptClient(link),
        ClientMessage,
        client,
        toWorkers,
        random,
      ),
      new Hostile<HeadToWorker, WorkerMessage>(
        (link) => head.acceptWorker(link),
        WorkerMessage,
        worker,
        toClients,
        random,
      ),
    );
  }
  return all;
}

function isAlone(head: Head): boolean {
  const { sessions, workers } = head.status();
  return sessions.length === 1 && workers.length === 1;
}

/** @returns what the work does, or what is said when it is not done in time */
export async function bounded(
  work: Promise<string | undefined>,
  late: string,
  ms: number = ANSWER_MS,
): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(late), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
