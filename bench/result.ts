/** What was measured, as it is kept in files, and what it says about the targets. */

import { readFileSync } from "node:fs";
import type { Machine } from "./machine.js";
import { type Bound, isWithin, type Line, moreIsBetter, type Sample } from "./row.js";

/** All runs of one line. */
export interface LineResult {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
  readonly moreIsBetter: boolean;
  readonly values: readonly number[];
  readonly median: number;
  /** What was measured beside it: of the same runs, in the same order. */
  readonly baselines?: readonly number[];
  readonly bound?: Bound;
  readonly ratio?: {
    readonly of: string;
    readonly bound: Bound;
    /** Of each run's value to its baseline. */
    readonly values: readonly number[];
    readonly median: number;
  };
  /** Of lines that are held to something. */
  readonly verdict?: "pass" | "FAIL";
  /** Of lines with a ratio as well: whether the figure by itself is within its limit. */
  readonly absolute?: "pass" | "FAIL";
}

/** One result file. */
export interface BenchResult {
  readonly version: 1;
  readonly date: string;
  readonly machine: Machine;
  readonly runs: number;
  readonly lines: readonly LineResult[];
  readonly skipped: readonly { readonly row: string; readonly why: string }[];
}

export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Sums up the runs of a line. */
export function summarize(line: Line, samples: readonly Sample[]): LineResult {
  const values = samples.map(({ value }) => value);
  const baselines = samples.flatMap(({ baseline }) => baseline ?? []);
  const { name, title, unit, digits, bound } = line;
  const middle = median(values);
  const absolute = bound === undefined ? undefined : verdictOf(middle, bound);
  const ratio = ratioOf(line, samples);
  const verdict = ratio === undefined ? absolute : verdictOf(ratio.median, ratio.bound);
  return {
    name,
    title,
    unit,
    digits,
    moreIsBetter: moreIsBetter(line),
    values,
    median: middle,
    ...(baselines.length === 0 ? {} : { baselines }),
    ...(bound === undefined ? {} : { bound }),
    ...(ratio === undefined ? {} : { ratio }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(ratio === undefined || absolute === undefined ? {} : { absolute }),
  };
}

function verdictOf(value: number, bound: Bound): "pass" | "FAIL" {
  return isWithin(value, bound) ? "pass" : "FAIL";
}

function ratioOf({ ratio }: Line, samples: readonly Sample[]): LineResult["ratio"] {
  if (ratio === undefined) return undefined;
  const values = samples.map(({ value, baseline }) => value / (baseline ?? Number.NaN));
  return { of: ratio.of, bound: ratio.bound, values, median: median(values) };
}

/** @throws Error that says why the file is no result */
export function readResult(file: string): BenchResult {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
  const result = read as Partial<BenchResult> | null;
  if (result?.version !== 1 || !Array.isArray(result.lines))
    throw new Error(`${file} is no result of npm run bench`);
  return result as BenchResult;
}
