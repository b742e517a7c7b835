/** Columns of text that fit a terminal. */

const WIDTH = 80;
const GAP = 2;
/** No column is cut to less. */
const MIN_WIDTH = 8;

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** Takes what is too much from the widest columns. */
function shrink(widths: number[]): number[] {
  const fitted = [...widths];
  const room = WIDTH - GAP * (widths.length - 1);
  for (let excess = fitted.reduce((sum, width) => sum + width, 0) - room; excess > 0; excess--) {
    const widest = fitted.indexOf(Math.max(...fitted));
    if ((fitted[widest] ?? 0) <= MIN_WIDTH) break;
    fitted[widest] = (fitted[widest] ?? 0) - 1;
  }
  return fitted;
}

/**
 * Lays out a table, at most 80 columns wide: numbers to the right, long texts cut with "…".
 *
 * @example
 * formatTable(["NAME", "TASKS"], [["w1", 12]]) // "NAME  TASKS\nw1       12\n"
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const right = header.map((_, column) => rows.every((row) => typeof row[column] === "number"));
  const texts = [header, ...rows].map((row) => row.map(String));
  const widths = shrink(header.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0))));
  const line = (row: readonly string[]) =>
    row
      .map((text, column) => {
        const width = widths[column] ?? 0;
        return right[column] ? cut(text, width).padStart(width) : cut(text, width).padEnd(width);
      })
      .join(" ".repeat(GAP))
      .trimEnd();
  return `${texts.map(line).join("\n")}\n`;
}
