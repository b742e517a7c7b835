/** Checks a table of a configuration against the entries there are. */

import { ConfigError } from "../errors.js";
import { nearest } from "../resource/show.js";
import { ENTRIES, entryOf, KEYS, type Key, type ValueOf } from "./entries.js";
import { Refusal } from "./kind.js";
import type { Lines } from "./lines.js";
import { isTable, type Table } from "./table.js";

/** Where a value comes from. */
export type Origin =
  | { readonly type: "file"; readonly file: string; readonly line: number }
  | { readonly type: "environment"; readonly variable: string }
  | { readonly type: "default" };

/** A value with what it was written as. */
export interface Found {
  readonly value: unknown;
  readonly written: unknown;
  readonly origin: Origin;
}

/** A file that was parsed. */
export interface ParsedFile {
  readonly file: string;
  /** What its paths are relative to. */
  readonly directory: string;
  readonly table: Table;
  readonly lines: Lines;
}

/** Entries that were set, each checked. */
export class Values {
  readonly #found: Map<Key, Found>;

  constructor(found: Map<Key, Found> = new Map()) {
    this.#found = found;
  }

  /** What an entry comes to: what was set, or what applies otherwise. */
  value<K extends Key>(key: K): ValueOf<K> {
    const found = this.#found.get(key);
    if (found !== undefined) return found.value as ValueOf<K>;
    const { kind, initial } = entryOf(key);
    return (initial === undefined ? undefined : kind.read(initial, "/")) as ValueOf<K>;
  }

  /** What was set; undefined: nothing. */
  found(key: Key): Found | undefined {
    return this.#found.get(key);
  }

  origin(key: Key): Origin {
    return this.#found.get(key)?.origin ?? { type: "default" };
  }

  /** These, and over them what is set elsewhere. */
  with(more: ReadonlyMap<Key, Found>): Values {
    return new Values(new Map([...this.#found, ...more]));
  }
}

/** What a file comes to. */
export interface Reading {
  readonly values: Values;
  /** Of entries that have no effect, a line each. */
  readonly warnings: readonly string[];
}

/**
 * Reads a configuration.
 *
 * @param scope tables and entries that are of interest; what stands elsewhere is not looked at, save for
 *   names that were probably meant to be one of them. Default: all
 * @throws ConfigError with file and line, for an unknown key with the nearest known one
 */
export function readValues(file: ParsedFile, scope?: readonly string[]): Reading {
  const reader = new Reader(file, scope);
  reader.table(file.table, []);
  return { values: new Values(reader.found), warnings: reader.warnings };
}

/** Every table that has entries, as "head.gnaw"; the file itself is "". */
const TABLES: ReadonlySet<string> = new Set(
  KEYS.flatMap((key) => {
    const path = key.split(".");
    return path.map((_, length) => path.slice(0, length).join("."));
  }),
);

class Reader {
  readonly found = new Map<Key, Found>();
  readonly warnings: string[] = [];
  readonly #file: ParsedFile;
  readonly #scope: readonly string[] | undefined;

  constructor(file: ParsedFile, scope: readonly string[] | undefined) {
    this.#file = file;
    this.#scope = scope;
  }

  table(table: Table, at: readonly string[]): void {
    for (const [name, value] of Object.entries(table)) {
      const path = [...at, name];
      const key = path.join(".");
      if (TABLES.has(key) && isTable(value)) this.table(value, path);
      else if (Object.hasOwn(ENTRIES, key)) this.#entry(key as Key, path, value);
      else if (!TABLES.has(key)) this.#unknown(name, at, isTable(value));
      else if (this.#concerns(key)) throw this.#wrong(path, `${key} must be a table`);
    }
  }

  #entry(key: Key, path: readonly string[], written: unknown): void {
    // As the original writes it, an empty text is an entry that is not set.
    if (!this.#isInside(key) || written === "") return;
    const entry = entryOf(key);
    const line = this.#file.lines.of(path);
    const useless = entry.useless?.(written);
    if (useless !== undefined) {
      this.warnings.push(`${this.#file.file}:${line}: ${key} has no effect: ${useless}.`);
      return;
    }
    const origin: Origin = { type: "file", file: this.#file.file, line };
    this.found.set(key, { value: this.#read(key, path, written), written, origin });
  }

  #read(key: Key, path: readonly string[], written: unknown): unknown {
    try {
      return entryOf(key).kind.read(written, this.#file.directory);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const where = [...path, ...error.path];
      throw this.#wrong(where, `${where.join(".")} ${error.message}`);
    }
  }

  #unknown(name: string, at: readonly string[], isTable: boolean): void {
    const table = at.join(".");
    const names = namesIn(table).filter((each) => this.#concerns(joined(table, each)));
    const near = nearest(name, names);
    // What is not of interest is somebody else's, unless it looks like what is.
    if (!this.#isInside(table) && near === undefined) return;
    const place = table === "" ? "at the top of the file" : `in [${table}]`;
    const what = `there is no ${isTable && table === "" ? `table [${name}]` : name} ${place}`;
    throw this.#wrong(
      [...at, name],
      `${what}; ${near === undefined ? advice(name, names) : `did you mean ${near}?`}`,
    );
  }

  #wrong(path: readonly string[], text: string): ConfigError {
    const { file, lines } = this.#file;
    const line = lines.of(path);
    return new ConfigError(`${file}:${line}: ${text}`, { file, line });
  }

  /** Whether a key is of interest. */
  #isInside(key: string): boolean {
    return this.#scope?.some((each) => key === each || key.startsWith(`${each}.`)) ?? true;
  }

  /** Whether a key is of interest, or has something in it that is. */
  #concerns(key: string): boolean {
    return this.#isInside(key) || this.#scope?.some((each) => each.startsWith(`${key}.`)) === true;
  }
}

function joined(table: string, name: string): string {
  return table === "" ? name : `${table}.${name}`;
}

/** The keys and tables in a table. */
function namesIn(table: string): string[] {
  const start = table === "" ? "" : `${table}.`;
  const rest = KEYS.filter((key) => key.startsWith(start)).map((key) => key.slice(start.length));
  return [...new Set(rest.map((key) => key.split(".")[0]!))];
}

/** More names than this are no help in one line. */
const MOST_NAMES = 12;

function advice(name: string, names: readonly string[]): string {
  const elsewhere = KEYS.filter((key) => key.endsWith(`.${name}`)).map((key) =>
    key.slice(0, -name.length - 1),
  );
  if (elsewhere.length > 0) return `it belongs into ${elsewhere.map((table) => `[${table}]`).join(" or ")}`;
  return names.length <= MOST_NAMES
    ? `there are ${names.join(", ")}`
    : "grain config show --all lists what there is";
}
