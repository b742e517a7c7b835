/**
 * On which lines of a TOML file its keys are. The parser tells values only; it has accepted
 * the text before this looks at it.
 */

/** A key, or the header of a table, with where it stands. */
interface Place {
  readonly path: readonly string[];
  /** From 1. */
  readonly line: number;
}

const HEADER = /^\s*\[+([^\]]+)\]/;
const KEY = /^\s*((?:"[^"]*"|'[^']*'|[\w-]+|\s*\.\s*)+)\s*=/;

/** Finds lines in one file. */
export class Lines {
  readonly #places: readonly Place[];

  /** @param text TOML without mistakes */
  constructor(text: string) {
    this.#places = placesIn(text);
  }

  /**
   * The line, from 1, on which a key is set; of a key that is written inside a value, that of the value.
   *
   * @example new Lines("[a]\nb = 1").of(["a", "b"]) // 2
   */
  of(path: readonly string[]): number {
    let best: Place = { path: [], line: 1 };
    for (const place of this.#places)
      if (place.path.length > best.path.length && place.path.every((part, at) => part === path[at]))
        best = place;
    return best.line;
  }
}

function placesIn(text: string): Place[] {
  const places: Place[] = [];
  const open = new OpenValue();
  let table: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (open.isOpen) {
      open.read(line);
      continue;
    }
    const header = HEADER.exec(line);
    if (header !== null) {
      table = keysOf(header[1]!);
      places.push({ path: table, line: index + 1 });
      continue;
    }
    const key = KEY.exec(line);
    if (key === null) continue;
    places.push({ path: [...table, ...keysOf(key[1]!)], line: index + 1 });
    open.read(line.slice(key[0].length));
  }
  return places;
}

/** The parts of a dotted key. */
function keysOf(dotted: string): string[] {
  return [...dotted.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}

const QUOTES = ['"""', "'''", '"', "'"];

/** A value that may go on over several lines: what looks like a key or a header in it is none. */
class OpenValue {
  /** The quotes that end the text it is in. */
  #quote: string | undefined;
  /** Brackets and braces that are open. */
  #depth = 0;

  get isOpen(): boolean {
    return this.#quote !== undefined || this.#depth > 0;
  }

  /** Reads on to the end of a line. */
  read(line: string): void {
    for (let at = 0; at < line.length; )
      at += this.#quote === undefined ? this.#plain(line, at) : this.#quoted(line, at);
  }

  /** @returns how many characters were read */
  #plain(line: string, at: number): number {
    const char = line[at]!;
    if (char === "#") return line.length;
    if (char === "[" || char === "{") this.#depth += 1;
    if (char === "]" || char === "}") this.#depth -= 1;
    this.#quote = QUOTES.find((quote) => line.startsWith(quote, at));
    return this.#quote?.length ?? 1;
  }

  #quoted(line: string, at: number): number {
    const quote = this.#quote!;
    if (quote.startsWith('"') && line[at] === "\\") return 2;
    if (!line.startsWith(quote, at)) return 1;
    // Up to two quotes may stand before the three that end a text.
    let length = quote.length;
    while (length >= 3 && line[at + length] === quote[0]) length += 1;
    this.#quote = undefined;
    return length;
  }
}
