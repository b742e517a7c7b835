/** Columns of text that fit a terminal. */

import { DEFAULT_WIDTH, type Output, type Tone } from "./output.js";

const GAP = 2;
/** No column is cut to less while others are wider. */
const MIN_WIDTH = 8;
/** Nor at all to less than this. */
const MIN_CUT_WIDTH = 4;

/** A cell with a meaning that a terminal shows as a colour. */
export interface Toned {
  readonly text: string | number;
  readonly tone: Tone | undefined;
}

/** What a table holds: numbers go to the right. */
export type Cell = string | number | Toned;

/** Cuts a text with "…" to so many characters. Control characters would break the table. */
export function cut(text: string, width: number): string {
  const printable = text.replace(/\p{Cc}/gu, " ");
  return printable.length <= width ? printable : `${printable.slice(0, width - 1)}…`;
}

/** Takes what is too much from the widest columns; where that is not enough, from those that are cut anyway. */
function shrink(widths: readonly number[], width: number): number[] {
  const fitted = [...widths];
  let excess = fitted.reduce((sum, each) => sum + each, 0) + GAP * (widths.length - 1) - width;
  const take = (least: number, from: (column: number) => boolean) => {
    for (; excess > 0; excess -= 1) {
      const widest = Math.max(...fitted.filter((_, column) => from(column)));
      if (!(widest > least)) return;
      fitted[fitted.findIndex((each, column) => each === widest && from(column))] = widest - 1;
    }
  };
  take(MIN_WIDTH, () => true);
  take(MIN_CUT_WIDTH, (column) => fitted[column]! < widths[column]!);
  return fitted;
}

const PLAIN: Pick<Output, "width" | "paint"> = { width: DEFAULT_WIDTH, paint: (_, text) => text };

/**
 * Lays out a table, no wider than the terminal (80 columns elsewhere): numbers to the right, long texts cut with "…".
 *
 * @example
 * formatTable(["NAME", "TASKS"], [["w1", 12]]) // "NAME  TASKS\nw1       12\n"
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  { width, paint }: Pick<Output, "width" | "paint"> = PLAIN,
): string {
  const right = header.map((_, column) => rows.every((row) => typeof contentOf(row[column]!) === "number"));
  const texts = [header, ...rows].map((row) => row.map((cell) => String(contentOf(cell))));
  const longest = header.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const widths = shrink(longest, width);
  const line = (row: readonly Cell[], toneOf: (cell: Cell) => Tone | undefined) => {
    const cells = row.map((cell, column) => {
      const text = cut(String(contentOf(cell)), widths[column] ?? 0);
      const space = " ".repeat((widths[column] ?? 0) - text.length);
      const tone = toneOf(cell);
      return { text: tone === undefined ? text : paint(tone, text), space, right: right[column] };
    });
    while (cells.length > 0 && cells.at(-1)!.text === "" && !cells.at(-1)!.right) cells.pop();
    return cells
      .map(({ text, space, right: toRight }, column) => {
        if (toRight) return space + text;
        return column === cells.length - 1 ? text.trimEnd() : text + space;
      })
      .join(" ".repeat(GAP))
      .trimEnd();
  };
  const lines = [line(header, () => "strong"), ...rows.map((row) => line(row, toneOf))];
  return `${lines.join("\n")}\n`;
}

function contentOf(cell: Cell): string | number {
  return typeof cell === "object" ? cell.text : cell;
}

function toneOf(cell: Cell): Tone | undefined {
  return typeof cell === "object" ? cell.tone : undefined;
}
