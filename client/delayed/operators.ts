/** `op`: lazy operators over delayed or plain operands. What they do to values is arithmetic's. */

import { GET_ITEM } from "./access.js";
import { BINARY, UNARY } from "./arithmetic.js";
import type { Delayed, Operand } from "./delayed.js";
import { type Kind, operandValue } from "./node.js";
import { assign, isDelayed, makeDelayed, toOperand } from "./surface.js";
import { delayedVal } from "./value.js";

/** Two operands of one type, giving that type. */
export interface ArithmeticOperator {
  (a: Operand<number>, b: Operand<number>): Delayed<number>;
  (a: Operand<bigint>, b: Operand<bigint>): Delayed<bigint>;
}

/** As arithmetic, and joins strings. */
export interface AddOperator extends ArithmeticOperator {
  (a: Operand<string>, b: Operand<string>): Delayed<string>;
}

/** Bits of numbers (32, signed) or bigints; of booleans the logical operation, without short circuit. */
export interface BitOperator extends ArithmeticOperator {
  (a: Operand<boolean>, b: Operand<boolean>): Delayed<boolean>;
}

/** Compares two operands of one type. */
export interface OrderOperator {
  (a: Operand<number>, b: Operand<number>): Delayed<boolean>;
  (a: Operand<bigint>, b: Operand<bigint>): Delayed<boolean>;
  (a: Operand<string>, b: Operand<string>): Delayed<boolean>;
}

/** Compares two values of any type, as `===`. */
export type EqualityOperator = <T>(a: Operand<T>, b: Operand<T>) => Delayed<boolean>;

/** One operand, giving its type. */
export interface SignOperator {
  (a: Operand<number>): Delayed<number>;
  (a: Operand<bigint>): Delayed<bigint>;
}

/** All bits, or the truth value, turned over. */
export interface InvertOperator extends SignOperator {
  (a: Operand<boolean>): Delayed<boolean>;
}

/** Reads items: of maps by key, of arrays (where they are taken to exist) by index, of objects by name. */
export interface GetItemOperator {
  <K, V>(from: Operand<ReadonlyMap<K, V>>, key: Operand<K>): Delayed<V | undefined>;
  <T extends readonly unknown[], K extends number>(from: Operand<T>, key: Operand<K>): Delayed<T[K]>;
  <E>(from: Operand<ArrayLike<E>>, key: Operand<number>): Delayed<E>;
  <T, K extends keyof T>(from: Operand<T>, key: Operand<K>): Delayed<T[K]>;
}

/** Assigns items, and gives back what was assigned to. */
export interface SetItemOperator {
  <K, V>(into: Operand<Map<K, V>>, key: Operand<K>, value: Operand<V>): Delayed<Map<K, V>>;
  <T extends unknown[], K extends number>(
    into: Operand<T>,
    key: Operand<K>,
    value: Operand<T[K]>,
  ): Delayed<T>;
  <T, K extends keyof T>(into: Operand<T>, key: Operand<K>, value: Operand<T[K]>): Delayed<T>;
}

/** The operators, as {@link op} has them. */
export interface Operators {
  /** `a + b`; joins two strings. */
  readonly add: AddOperator;
  /** `a - b`. */
  readonly sub: ArithmeticOperator;
  /** `a * b`. */
  readonly mul: ArithmeticOperator;
  /** `a / b`; of bigints without the fraction, as in JavaScript. */
  readonly div: ArithmeticOperator;
  /** The quotient rounded down, so that `a` is `floorDiv(a, b) * b + mod(a, b)`: -7 by 2 is -4. */
  readonly floorDiv: ArithmeticOperator;
  /** What `floorDiv` leaves; has the sign of the divisor: -7 by 2 leaves 1 (unlike `%`). */
  readonly mod: ArithmeticOperator;
  /** `a ** b`. */
  readonly pow: ArithmeticOperator;
  /** `-a`. */
  readonly neg: SignOperator;
  /** The absolute value. */
  readonly abs: SignOperator;
  /** `~a`; of a boolean `!a`. */
  readonly invert: InvertOperator;
  /** `a & b`. */
  readonly and: BitOperator;
  /** `a | b`. */
  readonly or: BitOperator;
  /** `a ^ b`. */
  readonly xor: BitOperator;
  /** `a << b`. */
  readonly shl: ArithmeticOperator;
  /** `a >> b`, keeping the sign. */
  readonly shr: ArithmeticOperator;
  /** `a === b`. */
  readonly eq: EqualityOperator;
  /** `a !== b`. */
  readonly ne: EqualityOperator;
  /** `a < b`. */
  readonly lt: OrderOperator;
  /** `a <= b`. */
  readonly le: OrderOperator;
  /** `a > b`. */
  readonly gt: OrderOperator;
  /** `a >= b`. */
  readonly ge: OrderOperator;
  /** An item of an array, a typed array, a map (by its key) or an object. */
  readonly getItem: GetItemOperator;
  /**
   * `r[key] = value`, typed: changes what `r` evaluates to, and gives `r` back. An array, typed array,
   * map or plain object is copied first, unless `r` has `copyOnSetItem: false`.
   *
   * @throws TypeError when the evaluation of `r` has started
   * @example
   * op.setItem(counts, "total", op.add(counts.a, counts.b));
   */
  readonly setItem: SetItemOperator;
}

type Lazy = (...operands: unknown[]) => unknown;

function lazyBinary(label: string, apply: (a: unknown, b: unknown) => unknown): Lazy {
  const kind: Kind = { label, compute: (node) => apply(operandValue(node.left), operandValue(node.right)) };
  return (a, b) => makeDelayed(kind, toOperand(a), toOperand(b));
}

function lazyUnary(label: string, apply: (a: unknown) => unknown): Lazy {
  const kind: Kind = { label, compute: (node) => apply(operandValue(node.left)) };
  return (a) => makeDelayed(kind, toOperand(a));
}

function setItem(into: unknown, key: unknown, value: unknown): unknown {
  const delayed = isDelayed(into) ? into : delayedVal(into);
  assign(delayed, key, value);
  return delayed;
}

function build(): Operators {
  const operators: Record<string, Lazy> = {
    getItem: (from, key) => makeDelayed(GET_ITEM, toOperand(from), toOperand(key)),
    setItem,
  };
  for (const [name, apply] of Object.entries(BINARY)) operators[name] = lazyBinary(name, apply);
  for (const [name, apply] of Object.entries(UNARY)) operators[name] = lazyUnary(name, apply);
  return Object.freeze(operators) as unknown as Operators;
}

/**
 * Lazy operators over `Delayed` or plain operands, each giving a `Delayed` that is evaluated
 * when it is awaited. Operands of different types (a number and a bigint, say) are a TypeError then.
 *
 * @example
 * const mean = op.div(op.add(a, b), 2);
 * console.log(await mean);
 */
export const op: Operators = build();
