/** The command line of `npm run bench`. */

import { parseArgs } from "node:util";
import type { Row } from "./row.js";
import { EXTRA_ROWS, ROWS } from "./rows.js";

export interface Options {
  readonly runs: number;
  readonly rows: readonly Row[];
  /** Lines that are shown; of other rows none is measured. */
  readonly lines: ReadonlySet<string>;
  readonly list: boolean;
  readonly json: string | undefined;
  readonly name: string | undefined;
  readonly compare: string | undefined;
  readonly profile: string | undefined;
  /** Without TLS, to see what it costs. */
  readonly insecure: boolean;
}

export const USAGE =
  "npm run bench -- [--runs N] [--only ROW,ROW] [--list] [--json FILE] [--name NAME] [--compare OLD.json] [--profile DIR] [--insecure]";

/** What is wrong with the command line, in one line. */
export class UsageError extends Error {}

/** @throws UsageError */
export function readOptions(argv: readonly string[]): Options {
  const values = parse(argv);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > 1_000)
    throw new UsageError(`--runs must be a whole number from 1 to 1000, not ${values.runs}`);
  if (values.name !== undefined && !/^[\w.-]+$/.test(values.name))
    throw new UsageError(`--name becomes part of a file's name, which ${values.name} cannot be`);
  const { rows, lines } = select(values.only);
  const { list, json, name, compare, profile, insecure } = values;
  return {
    runs,
    rows,
    lines,
    list: list ?? false,
    json,
    name,
    compare,
    profile,
    insecure: insecure ?? false,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        runs: { type: "string", default: "5" },
        only: { type: "string" },
        list: { type: "boolean" },
        json: { type: "string" },
        name: { type: "string" },
        compare: { type: "string" },
        profile: { type: "string" },
        insecure: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    // Node's advice about "--" is of no use behind npm.
    throw new UsageError((error as Error).message.split(/[.\n]/)[0]);
  }
}

/** A name is that of a row, or of one of its lines. */
function select(only: string | undefined): Pick<Options, "rows" | "lines"> {
  const all = [...ROWS, ...EXTRA_ROWS];
  if (only === undefined) return { rows: ROWS, lines: linesOf(ROWS) };
  const lines = new Set<string>();
  for (const name of only.split(",")) {
    const row = all.find((candidate) => candidate.name === name);
    const found = row === undefined ? linesNamed(all, name) : [...linesOf([row])];
    if (found.length === 0)
      throw new UsageError(`--only: there is no row ${name}; there are ${all.map((r) => r.name).join(", ")}`);
    for (const line of found) lines.add(line);
  }
  return { rows: all.filter((row) => row.lines.some((line) => lines.has(line.name))), lines };
}

function linesOf(rows: readonly Row[]): Set<string> {
  return new Set(rows.flatMap((row) => row.lines.map((line) => line.name)));
}

function linesNamed(rows: readonly Row[], name: string): string[] {
  return [...linesOf(rows)].filter((line) => line === name);
}
