/** The kinds of values in a configuration: what each accepts, and what it becomes. */

import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseAddress } from "../address.js";
import { parseDuration } from "../duration.js";
import { messageOf } from "../errors.js";
import { toBytes } from "../resource/amount.js";
import type { Pool } from "../resource/pool.js";
import { overlayRes } from "../resource/res.js";
import { show } from "../resource/show.js";
import { checkTemplate } from "../template.js";
import { isTable, type Table } from "./table.js";

/** A kind of values. */
export interface Kind<T> {
  /** For tables and messages, e.g. "a duration". */
  readonly expected: string;
  /**
   * @param directory what paths are relative to
   * @throws Refusal
   */
  read(value: unknown, directory: string): T;
}

/** Says what is wrong with a value; the text follows the key's name. */
export class Refusal extends Error {
  /** Where inside the value. */
  readonly path: readonly string[];

  constructor(text: string, path: readonly string[] = []) {
    super(text);
    this.path = path;
  }
}

function kind<T>(expected: string, read: (value: unknown, directory: string) => T): Kind<T> {
  return { expected, read };
}

/** Of a value that is of the right sort but has a wrong content. */
function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Refusal(`is wrong: ${messageOf(error).replace(/\.$/, "")}`);
  }
}

function textOf(value: unknown, expected = "a text"): string {
  if (typeof value === "string") return value;
  throw new Refusal(`must be ${expected}, not ${show(value)}`);
}

export const text: Kind<string> = kind("a text", (value) => textOf(value));

export const boolean: Kind<boolean> = kind("true or false", (value) => {
  if (typeof value === "boolean") return value;
  throw new Refusal(`must be true or false, not ${show(value)}`);
});

/** A whole number, from `least` on. */
export function count(least: number): Kind<number> {
  const expected = `a whole number from ${least}`;
  return kind(expected, (value) => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
    throw new Refusal(`must be ${expected}, not ${show(value)}`);
  });
}

/** Milliseconds. */
export const duration: Kind<number> = kind("a duration", (value) => {
  if (typeof value !== "string" && typeof value !== "number")
    throw new Refusal('must be a duration, such as "30s", or a number of seconds');
  return checked(() => parseDuration(value));
});

/** Milliseconds, more than 0. */
export const period: Kind<number> = kind("a duration", (value, directory) => {
  const ms = duration.read(value, directory);
  if (ms > 0) return ms;
  throw new Refusal("must be longer than zero; leave it out for never");
});

/** Bytes; numbers are gigabytes. */
export const size: Kind<number> = kind("gigabytes, or a size", (value) =>
  checked(() => {
    const bytes = toBytes(value, "");
    if (bytes > 0) return bytes;
    throw new RangeError("0 is no memory; leave it out instead");
  }),
);

/** An absolute path. */
export const path: Kind<string> = kind("a path", (value, directory) => {
  const given = textOf(value, "a path");
  if (given === "~" || given.startsWith("~/")) return join(homedir(), given.slice(1));
  return resolve(directory, given);
});

/** An absolute path; false: none. */
export const pathOrNone: Kind<string | false> = kind("a path, or false", (value, directory) =>
  value === false ? false : path.read(value, directory),
);

/** A text with {{places}}. */
export const template: Kind<string> = kind("a text, may have {{places}}", (value) => {
  const given = textOf(value);
  checked(() => checkTemplate(given));
  return given;
});

/** A path with {{places}}. */
export const pathTemplate: Kind<string> = kind("a path, may have {{places}}", (value, directory) =>
  path.read(template.read(value, directory), directory),
);

function addressOf(value: unknown): string {
  const given = textOf(value, 'a text, such as "cluster:7700"');
  checked(() => parseAddress(given));
  return given;
}

export const address: Kind<string> = kind("an address", addressOf);

export const addresses: Kind<readonly string[]> = kind("an address, or a list of them", (value) => {
  const given: unknown[] = Array.isArray(value) ? value : [value];
  if (given.length > 0) return given.map(addressOf);
  throw new Refusal("must be an address or a list of them, not an empty list");
});

/** One of some words. */
export function oneOf<const T extends string>(words: readonly T[]): Kind<T> {
  const expected = words.map(show).join(" or ");
  return kind(expected, (value) => {
    if (words.includes(value as T)) return value as T;
    throw new Refusal(`must be ${expected}`);
  });
}

function textsOf(value: unknown): string[] {
  const given: unknown[] = Array.isArray(value) ? value : [value];
  if (given.every((each) => typeof each === "string")) return given;
  throw new Refusal(`must be a text or a list of texts, not ${show(value)}`);
}

/** Texts; a text alone is a list of one. */
export const texts: Kind<readonly string[]> = kind("a text, or a list of texts", textsOf);

/** Lines of a shell script, without empty ones at its ends; those that begin with `defer ` without the blanks before. */
export const lines: Kind<readonly string[]> = kind("lines", (value) => {
  const given = textsOf(value)
    .flatMap((each) => each.split(/\r?\n/))
    .map((line) => (/^\s*defer\s/.test(line) ? line.trim() : line));
  const isFull = (line: string) => line.trim() !== "";
  return given.slice(Math.max(0, given.findIndex(isFull)), given.findLastIndex(isFull) + 1);
});

/** The words of a command: a list, or a text that is cut at blanks outside of quotes. */
export const words: Kind<readonly string[]> = kind("a command, or a list of its words", (value) => {
  const given = textsOf(value);
  return Array.isArray(value) ? given : given.flatMap(wordsIn);
});

function wordsIn(command: string): string[] {
  return [...command.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word.replaceAll(/["']/g, ""));
}

/** The source of a regular expression. */
export const pattern: Kind<string> = kind("a regular expression", (value) =>
  checked(() => new RegExp(textOf(value, "a regular expression")).source),
);

function tableOf(value: unknown, expected: string): Table {
  if (isTable(value)) return value;
  throw new Refusal(`must be ${expected}`);
}

/** Numbers above 0 by name. */
export const weights: Kind<ReadonlyMap<string, number>> = kind("a table of numbers", (value) => {
  const table = tableOf(value, "a table of numbers, one for each client's name");
  return new Map(
    Object.entries(table).map(([name, weight]) => {
      if (typeof weight === "number" && weight > 0 && Number.isFinite(weight)) return [name, weight];
      throw new Refusal("must be a number above 0; 1 is what a client has that is not named", [name]);
    }),
  );
});

/** Texts by name. */
export const labels: Kind<Readonly<Record<string, string>>> = kind("a table of texts", (value) => {
  const table = tableOf(value, "a table of texts");
  for (const [name, label] of Object.entries(table))
    if (typeof label !== "string") throw new Refusal(`must be a text, not ${show(label)}`, [name]);
  return table as Readonly<Record<string, string>>;
});

/** A taint of a Kubernetes node. */
export interface Taint {
  readonly key: string;
  /** Absent: any. */
  readonly value?: string;
  /** Absent: any. */
  readonly effect?: string;
}

const TAINT =
  /^(?<key>[\w./-]+)(?:=(?<value>[\w.-]*))?(?::(?<effect>NoSchedule|PreferNoSchedule|NoExecute))?$/;

/** Taints as `kubectl taint` writes them. */
export const taints: Kind<readonly Taint[]> = kind("a text, or a list of texts", (value) =>
  textsOf(value).map((given) => {
    const taint = TAINT.exec(given)?.groups;
    if (taint === undefined)
      throw new Refusal(
        `must be taints KEY, KEY=VALUE, KEY:EFFECT or KEY=VALUE:EFFECT with NoSchedule, PreferNoSchedule or NoExecute, not ${show(given)}`,
      );
    const { key = "", value: wanted, effect } = taint;
    return {
      key,
      ...(wanted === undefined ? {} : { value: wanted }),
      ...(effect === undefined ? {} : { effect }),
    };
  }),
);

const NO_MACHINE: Pool = { cores: [], gpus: [], memoryBytes: 0, others: [], tokens: [], numa: [] };

/** What a worker owns, as `parsePool` takes it. */
export const resources: Kind<Table> = kind("a table of resources", (value) => {
  const table = tableOf(value, "a table of resources");
  checked(() => overlayRes(table, NO_MACHINE));
  return table;
});
