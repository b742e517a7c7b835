/**
 * The text form of requests, as `formatRequest` writes it:
 *
 *     2 cores, 8G memory, token has-gpu or 16 cores, walltime 1:00:00 soft 0:50:00 group md
 *
 * Items are separated by commas, alternatives by "or"; names of several words are in
 * double quotes, with JSON's escapes.
 */

import { ResourceError } from "../errors.js";
import { canonicalRequest } from "./canonical.js";
import { mergeDemands } from "./combine.js";
import { type Demand, emptyDemand, type Request } from "./demand.js";
import {
  amountDemand,
  capacityDemand,
  coresDemand,
  limitDemand,
  nodesDemand,
  ownKindDemand,
  tokenDemand,
  walltimeDemand,
} from "./kind.js";
import { CORE_LAYOUTS } from "./layout.js";
import { show } from "./show.js";

const WORD = /\s*("(?:[^"\\]|\\.)*"|,|[^\s,"]+)\s*/y;

/**
 * Reads a request from text.
 *
 * @returns canonical; for what `formatRequest` wrote, the same request
 * @throws ResourceError when it is not of this form, or asks for what makes no sense
 * @example
 * parseRequest("1 gpu or 8 cores, 4G memory").alternatives.length // 2
 */
export function parseRequest(text: string): Request {
  const words = new Words(text);
  const alternatives = [parseDemandItems(words)];
  while (words.takeIf("or")) alternatives.push(parseDemandItems(words));
  if (words.more) throw words.unexpected(words.take("the end"), '"," or "or"');
  return canonicalRequest({ alternatives });
}

function parseDemandItems(words: Words): Demand {
  if (words.takeIf("nothing")) return emptyDemand();
  let demand = parseItem(words);
  while (words.takeIf(",")) demand = mergeDemands(demand, parseItem(words));
  return demand;
}

function parseItem(words: Words): Demand {
  const first = words.take('an item such as "4 cores"');
  switch (first) {
    case "all":
      if (words.takeIf("cores")) return coresDemand("all");
      throw words.unexpected(words.take('"cores"'), '"cores"');
    case "token":
      return tokenDemand(words.takeLabel("the token's name"));
    case "limit":
      return limitDemand(words.takeLabel("the limit's name"), number(words, words.take("how many at once")));
    case "walltime":
      return parseWalltime(words);
    default:
      return parseAmount(words, first);
  }
}

function parseWalltime(words: Words): Demand {
  const hard = words.take("a duration");
  const options: { soft?: string; group?: string } = {};
  if (words.takeIf("soft")) options.soft = words.take("a duration");
  if (words.takeIf("group")) options.group = words.takeLabel("the group's name");
  return walltimeDemand(hard, options);
}

function parseAmount(words: Words, value: string): Demand {
  const kind = words.take("a kind such as cores");
  switch (kind) {
    case "memory":
      return amountDemand("memory", value);
    case "core":
    case "cores":
      return coresDemand(
        number(words, value),
        CORE_LAYOUTS.find((layout) => words.takeIf(layout)),
      );
    case "gpu":
    case "gpus":
      return amountDemand("gpus", number(words, value));
    case "capacity":
      return capacityDemand(number(words, value));
    case "node":
    case "nodes":
      return nodesDemand(number(words, value));
    default:
      return ownKindDemand(kind, number(words, value));
  }
}

function number(words: Words, word: string): number {
  if (/^\d+(?:\.\d+)?$/.test(word)) return Number(word);
  throw words.unexpected(word, "a number");
}

/** The words of a text, taken one by one. */
class Words {
  readonly #text: string;
  readonly #words: string[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text.trim();
    WORD.lastIndex = 0;
    while (WORD.lastIndex < this.#text.length) {
      const match = WORD.exec(this.#text);
      if (match?.[1] === undefined) throw this.unexpected('"', "a closing quote");
      this.#words.push(match[1]);
    }
  }

  get more(): boolean {
    return this.#at < this.#words.length;
  }

  takeIf(word: string): boolean {
    if (this.#words[this.#at] !== word) return false;
    this.#at++;
    return true;
  }

  take(expected: string): string {
    const word = this.#words[this.#at];
    if (word === undefined)
      throw new ResourceError(`resource: ${show(this.#text)} ends where ${expected} is expected.`);
    this.#at++;
    return word;
  }

  /** A name, which may be in quotes. */
  takeLabel(expected: string): string {
    const word = this.take(expected);
    if (!word.startsWith('"')) return word;
    try {
      return String(JSON.parse(word));
    } catch {
      throw this.unexpected(word, expected);
    }
  }

  unexpected(word: string, expected: string): ResourceError {
    return new ResourceError(
      `resource: in ${show(this.#text)}, ${show(word)} stands where ${expected} is expected.`,
    );
  }
}
