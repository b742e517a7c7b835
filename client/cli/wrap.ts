/** Sentences on lines that fit. */

import { DEFAULT_WIDTH } from "./output.js";

/**
 * Breaks a text at its spaces; a word that is longer than the line keeps its own.
 *
 * @example
 * wrap("one two three", 8) // ["one two", "three"]
 */
export function wrap(text: string, width = DEFAULT_WIDTH): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + word.length + 1 > width) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}
