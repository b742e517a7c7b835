/**
 * What the operators of `op` do to values.
 *
 * Both operands are numbers, both bigints, or where it makes sense both strings or
 * booleans; anything else is a TypeError that names both types. Nothing is converted.
 */

import { nameType } from "./access.js";

type Binary = (a: unknown, b: unknown) => unknown;
type Unary = (a: unknown) => unknown;

interface ByType {
  readonly number?: (a: number, b: number) => unknown;
  readonly bigint?: (a: bigint, b: bigint) => unknown;
  readonly string?: (a: string, b: string) => unknown;
  readonly boolean?: (a: boolean, b: boolean) => unknown;
}

type TypeName = keyof ByType;

function binary(name: string, cases: ByType): Binary {
  const byType = cases as Readonly<Partial<Record<string, Binary>>>;
  const taken = (Object.keys(cases) as TypeName[]).map((type) => `two ${type}s`).join(" or ");
  return (a, b) => {
    const type = typeof a;
    const apply = byType[type];
    if (apply === undefined || typeof b !== type)
      throw new TypeError(
        `op.${name} takes ${taken}, not ${nameType(a)} and ${nameType(b)}; convert one of them.`,
      );
    return apply(a, b);
  };
}

function unary(name: string, cases: Readonly<Partial<Record<TypeName, (a: never) => unknown>>>): Unary {
  const byType = cases as Readonly<Partial<Record<string, Unary>>>;
  const taken = Object.keys(cases).join(" or ");
  return (a) => {
    const apply = byType[typeof a];
    if (apply === undefined)
      throw new TypeError(`op.${name} takes a ${taken}, not ${nameType(a)}; convert it.`);
    return apply(a);
  };
}

function floorMod(a: number, b: number): number {
  const remainder = a % b;
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder;
}

function floorDiv(a: number, b: number): number {
  if (b === 0) return Math.floor(a / b);
  // Not Math.floor(a / b): the quotient may have been rounded up to the next whole number.
  const remainder = a % b;
  const quotient = (a - remainder) / b;
  if (!Number.isFinite(quotient)) return Math.floor(a / b);
  return Math.round(remainder !== 0 && remainder < 0 !== b < 0 ? quotient - 1 : quotient);
}

function floorModBig(a: bigint, b: bigint): bigint {
  const remainder = a % b;
  return remainder !== 0n && remainder < 0n !== b < 0n ? remainder + b : remainder;
}

/** Binary operators by name. */
export const BINARY = {
  add: binary("add", { number: (a, b) => a + b, bigint: (a, b) => a + b, string: (a, b) => a + b }),
  sub: binary("sub", { number: (a, b) => a - b, bigint: (a, b) => a - b }),
  mul: binary("mul", { number: (a, b) => a * b, bigint: (a, b) => a * b }),
  div: binary("div", { number: (a, b) => a / b, bigint: (a, b) => a / b }),
  floorDiv: binary("floorDiv", { number: floorDiv, bigint: (a, b) => (a - floorModBig(a, b)) / b }),
  mod: binary("mod", { number: floorMod, bigint: floorModBig }),
  pow: binary("pow", { number: (a, b) => a ** b, bigint: (a, b) => a ** b }),
  and: binary("and", { number: (a, b) => a & b, bigint: (a, b) => a & b, boolean: (a, b) => a && b }),
  or: binary("or", { number: (a, b) => a | b, bigint: (a, b) => a | b, boolean: (a, b) => a || b }),
  xor: binary("xor", { number: (a, b) => a ^ b, bigint: (a, b) => a ^ b, boolean: (a, b) => a !== b }),
  shl: binary("shl", { number: (a, b) => a << b, bigint: (a, b) => a << b }),
  shr: binary("shr", { number: (a, b) => a >> b, bigint: (a, b) => a >> b }),
  eq: (a: unknown, b: unknown) => a === b,
  ne: (a: unknown, b: unknown) => a !== b,
  lt: binary("lt", { number: (a, b) => a < b, bigint: (a, b) => a < b, string: (a, b) => a < b }),
  le: binary("le", { number: (a, b) => a <= b, bigint: (a, b) => a <= b, string: (a, b) => a <= b }),
  gt: binary("gt", { number: (a, b) => a > b, bigint: (a, b) => a > b, string: (a, b) => a > b }),
  ge: binary("ge", { number: (a, b) => a >= b, bigint: (a, b) => a >= b, string: (a, b) => a >= b }),
} as const satisfies Readonly<Record<string, Binary>>;

/** Unary operators by name. */
export const UNARY = {
  neg: unary("neg", { number: (a: number) => -a, bigint: (a: bigint) => -a }),
  abs: unary("abs", { number: Math.abs, bigint: (a: bigint) => (a < 0n ? -a : a) }),
  invert: unary("invert", {
    number: (a: number) => ~a,
    bigint: (a: bigint) => ~a,
    boolean: (a: boolean) => !a,
  }),
} as const satisfies Readonly<Record<string, Unary>>;
