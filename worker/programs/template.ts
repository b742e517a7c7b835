/** From a `$` template to the words of a command. Nothing else is ever interpreted. */

import type { ProgramArgument } from "../../proto/task.js";

function textOf(value: unknown, position: number): string {
  if (typeof value === "string" || (typeof value === "number" && !Number.isNaN(value))) {
    const text = String(value);
    if (text.includes("\0"))
      throw new TypeError(
        `Value ${position} of $\`…\` contains a NUL character, which no program can be given.`,
      );
    return text;
  }
  const what = value === null ? "null" : Number.isNaN(value) ? "NaN" : typeof value;
  const advice = what === "object" || what === "function" ? " Await a promise or a delayed value first." : "";
  throw new TypeError(
    `Value ${position} of $\`…\` is ${what}: it takes strings, numbers and arrays of them.${advice}`,
  );
}

/** Words under construction. */
class Words {
  readonly done: string[] = [];
  #word: string | undefined;
  #quote = "";

  text(text: string): void {
    for (const char of text) {
      if (this.#quote !== "") {
        if (char === this.#quote) this.#quote = "";
        else this.#word += char;
      } else if (char === "'" || char === '"') {
        this.#quote = char;
        this.#word ??= "";
      } else if (/\s/.test(char)) {
        this.endWord();
      } else {
        this.#word = (this.#word ?? "") + char;
      }
    }
  }

  value(value: ProgramArgument, position: number): void {
    if (!Array.isArray(value)) {
      this.#word = (this.#word ?? "") + textOf(value, position);
      return;
    }
    if (this.#quote !== "")
      throw new TypeError(
        `Value ${position} of $\`…\` is an array inside quotes: each of its items is an argument of its own. Leave the quotes out, or join it.`,
      );
    value.forEach((item: unknown, index) => {
      if (index > 0) this.endWord();
      this.#word = (this.#word ?? "") + textOf(item, position);
    });
  }

  endWord(): void {
    if (this.#word !== undefined) this.done.push(this.#word);
    this.#word = undefined;
  }

  end(): string[] {
    if (this.#quote !== "") throw new TypeError(`A quote (${this.#quote}) in $\`…\` is not closed.`);
    this.endWord();
    return this.done;
  }
}

/**
 * Splits a template at the blanks of its text. A value is part of the word it stands in, whatever it contains;
 * an array makes one word of each item; quotes in the text group blanks.
 *
 * @throws TypeError when a value is not a string or number, a quote is open, or there is no program
 * @example
 * words`xtb h2.${0.7}.xyz ${["-n", 2]}` // ["xtb", "h2.0.7.xyz", "-n", "2"]
 */
export function words(template: TemplateStringsArray, ...values: readonly ProgramArgument[]): string[] {
  const words = new Words();
  template.forEach((text: string | undefined, index) => {
    if (text === undefined)
      throw new TypeError("$`…` contains an invalid escape: write \\\\ for a backslash.");
    words.text(text);
    if (index < values.length) words.value(values[index] as ProgramArgument, index + 1);
  });
  const result = words.end();
  if (result[0] === undefined || result[0] === "") throw new TypeError("$`…` names no program.");
  return result;
}

/**
 * A command for people.
 *
 * @example
 * showCommand(["echo", "a b"]) // echo 'a b'
 */
export function showCommand(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}
