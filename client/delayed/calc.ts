/** `calc`: expressions over interpolated values. Reading them is calc-parse's. */

import { type Program, parseProgram } from "./calc-parse.js";
import type { Delayed } from "./delayed.js";
import { type Kind, operandValue } from "./node.js";
import { makeDelayed, toOperand } from "./surface.js";

/** By call site: the same template object comes with every call of it. */
const programs = new WeakMap<TemplateStringsArray, Program>();

/** `right` the program, `rest` the interpolated operands. */
const CALC: Kind = {
  label: "calc",
  compute: (node) => (node.right as Program)((node.rest as unknown[]).map(operandValue)),
  text: (node, show) => `calc(${(node.rest as unknown[]).map(show).join(", ")})`,
};

/**
 * A lazy expression over delayed or plain values: arithmetic, comparisons, logic, `? :`, members.
 * Operators are JavaScript's own (`%` has the sign of the dividend, unlike `op.mod`). All interpolated
 * values are awaited; `&&`, `||`, `??` and `? :` then evaluate only the part they need. Nothing but
 * operators and members can run, whatever is interpolated.
 *
 * @typeParam T what it evaluates to; TypeScript cannot tell. Default: number
 * @throws SyntaxError at the call, showing where, when the expression cannot be read or has anything else in it
 * @example
 * const mean = calc`(${a} + 2 * ${b}.length) / ${n}`;
 * const enough = calc<boolean>`${a} > 3 && ${b}.ok`;
 */
export function calc<T = number>(strings: TemplateStringsArray, ...values: readonly unknown[]): Delayed<T> {
  if (!Array.isArray(strings?.raw))
    throw new TypeError("calc is written as a template, without parentheses: calc`1 + 1`.");
  let program = programs.get(strings);
  if (program === undefined) {
    program = parseProgram(strings);
    programs.set(strings, program);
  }
  return makeDelayed(CALC, undefined, program, values.map(toOperand)) as Delayed<T>;
}
