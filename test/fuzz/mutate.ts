/** Makes wrong sessions of right ones: messages lost, repeated, swapped or damaged, fields with values that cannot be. */

import type { Random } from "../sim/random.js";

/** The generated codec of one kind of message. */
export interface Codec<M> {
  encode(message: M): { finish(): Uint8Array };
  decode(bytes: Uint8Array): M;
}

/** A message as it travels. */
export type Bytes = Uint8Array;

const NUMBERS = [
  0,
  -1,
  1,
  2,
  3,
  7,
  0.5,
  64,
  65_536,
  1e7,
  -(2 ** 31),
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];
const TEXTS = [
  "",
  " ",
  "\u0000",
  "two\nlines\r\u001b[31m",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "cores",
  "gpus",
  "sha256-",
  "%s%d",
  "\ud800",
  "x".repeat(70_000),
];
/** As long as a column of a wild message gets. */
const MANY = 20_000;
const MOST_CHANGES = 4;

type Change = (messages: Bytes[], at: number, random: Random) => void;

/**
 * A recording with a few changes.
 *
 * @param strangers messages of other streams, which may come in between
 */
export function mutated<M>(
  recording: readonly Bytes[],
  codec: Codec<M>,
  strangers: readonly Bytes[],
  random: Random,
): Bytes[] {
  const messages = [...recording];
  const wild: Change = (all, at) => {
    all[at] = withWildField(all[at]!, codec, random);
  };
  // Most often a field: what the codec refuses says little.
  const changes = [...CHANGES, wild, wild, wild, wild, wild, wild];
  for (let left = 1 + random.below(MOST_CHANGES); left > 0; left -= 1) {
    if (random.next() < 0.1) messages.splice(random.below(messages.length + 1), 0, random.pick(strangers));
    else if (messages.length > 0) random.pick(changes)(messages, random.below(messages.length), random);
  }
  return messages;
}

const CHANGES: readonly Change[] = [
  function drop(messages, at) {
    messages.splice(at, 1);
  },
  function cutOff(messages, at) {
    messages.splice(at);
  },
  function repeat(messages, at, random) {
    messages.splice(random.below(messages.length + 1), 0, messages[at]!);
  },
  function repeatAll(messages) {
    messages.push(...messages);
  },
  function swap(messages, at, random) {
    const other = random.below(messages.length);
    [messages[at], messages[other]] = [messages[other]!, messages[at]!];
  },
  function truncate(messages, at, random) {
    messages[at] = messages[at]!.slice(0, random.below(messages[at]!.byteLength + 1));
  },
  function flip(messages, at, random) {
    const bytes = new Uint8Array(messages[at]!);
    for (let left = 1 + random.below(4); left > 0 && bytes.byteLength > 0; left -= 1)
      bytes[random.below(bytes.byteLength)]! ^= 1 << random.below(8);
    messages[at] = bytes;
  },
  function scramble(messages, at, random) {
    messages[at] = Uint8Array.from({ length: random.below(200) }, () => random.below(256));
  },
];

/** One field of the message has another value, of the right type. Unchanged if the codec cannot write it. */
function withWildField<M>(bytes: Bytes, codec: Codec<M>, random: Random): Bytes {
  try {
    const message = codec.decode(bytes);
    const places = placesIn(message);
    if (places.length === 0) return bytes;
    const { of, key } = random.pick(places);
    of[key] = wildLike(of[key], random);
    return codec.encode(message).finish();
  } catch {
    return bytes;
  }
}

interface Place {
  readonly of: Record<string, unknown>;
  readonly key: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  const of = value as Record<string, unknown>;
  return Object.keys(of)
    .filter((key) => key !== "$case")
    .flatMap((key) => [{ of, key }, ...placesIn(of[key])]);
}

function wildLike(value: unknown, random: Random): unknown {
  switch (typeof value) {
    case "number":
      return random.pick(NUMBERS);
    case "string":
      return random.pick(TEXTS);
    case "boolean":
      return !value;
    default:
      break;
  }
  if (value instanceof Uint8Array) return wildBytes(value, random);
  if (Array.isArray(value)) return wildList(value, random);
  return undefined;
}

function wildBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const length = random.pick([0, 1, bytes.byteLength >>> 1, bytes.byteLength + 1, MANY]);
  return Uint8Array.from({ length }, (_, i) => (random.next() < 0.1 ? random.below(256) : (bytes[i] ?? 0)));
}

function wildList(list: readonly unknown[], random: Random): unknown[] {
  const item = list.length === 0 ? 1 : random.pick(list);
  return random.pick([
    [],
    list.slice(1),
    [...list].reverse(),
    [...list, item],
    list.map(() => item),
    new Array(MANY).fill(item),
    typeof item === "number" ? list.map(() => random.pick(NUMBERS)) : [...list, ...list],
  ]);
}

/** Reads messages as a link does: until one is none. */
export function readable<M>(messages: readonly Bytes[], codec: Codec<M>): { read: M[]; malformed: boolean } {
  const read: M[] = [];
  for (const bytes of messages) {
    try {
      read.push(codec.decode(bytes));
    } catch {
      return { read, malformed: true };
    }
  }
  return { read, malformed: false };
}
