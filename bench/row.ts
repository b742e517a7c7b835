/** What a row of the table is: what it measures, in which unit, and what it is held to. */

import type { Lab } from "./lab.js";

/** A limit to one side. */
export type Bound = { readonly least: number } | { readonly most: number };

/** One figure. */
export interface Line {
  /** Unique; it names the figure in `--only`, in results and when two results are compared. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
  /** None: it is shown only. */
  readonly bound?: Bound;
  /** Held against a figure that is measured beside it in the same run. Where it is given, it decides. */
  readonly ratio?: { readonly of: string; readonly bound: Bound };
}

/** One run's figure. */
export interface Sample {
  readonly value: number;
  /** What `ratio` is taken against. */
  readonly baseline?: number;
}

/** What one run of a row gave, by the names of its lines. */
export type Samples = Readonly<Record<string, Sample>>;

/** A row with processes that live through all of its runs. */
export interface Prepared {
  run(): Promise<Samples>;
}

/** Lines that are measured together. */
export interface Row {
  readonly name: string;
  readonly lines: readonly Line[];
  /** Why it cannot be measured here. */
  skip?(lab: Lab): string | undefined;
  /** Starts what all runs need; the lab ends it. */
  prepare(lab: Lab): Promise<Prepared>;
}

/** Whether more is better, as far as the line says. */
export function moreIsBetter(line: Line): boolean {
  const bound = line.bound ?? line.ratio?.bound;
  return bound === undefined ? line.unit.endsWith("/s") : "least" in bound;
}

/** Whether a figure is within a limit. */
export function isWithin(value: number, bound: Bound): boolean {
  return "least" in bound ? value >= bound.least : value <= bound.most;
}
