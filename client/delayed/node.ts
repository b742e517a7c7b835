/**
 * One node of the graph behind `Delayed`: plain state, and the strategy that computes it.
 *
 * Running the graph is evaluate's; what users can do with a node is surface's.
 * The class is kept small on purpose: a million of them are a normal program.
 */

/** Nobody has asked for the value: operands may still be edited. */
export const FRESH = 0;
/** Asked for; waits for `waits` operands, or for its own call or promise. */
export const STARTED = 1;
/** An operand failed; the error is in `left` until the work list comes to it. */
export const FAILING = 2;
/** `result` is the value. */
export const FULFILLED = 3;
/** `result` is the error. */
export const REJECTED = 4;

/** Item assignment changes the value in place. */
export const IN_PLACE = 1;
/** Part of an assigned value: reads what its operands are then, without later assignments. */
export const INSIDE = 2;
/** The next lookup of `then` finds nothing, so that a promise can be resolved with the node itself. */
export const HIDE_THEN = 4;

/** Somebody who waits for a node without being one. */
export interface Listener {
  /** Called once the node is fulfilled or rejected; must not throw. */
  ended(node: DelayedNode): void;
}

/** Who is to be told of a node's end. */
export type Dependant = DelayedNode | Listener;

/** What a node is: how its value comes about and how it is shown. */
export interface Kind {
  /** For people, and all that is left to say once the operands are dropped. */
  readonly label: string;
  /** The value, from operands that are all fulfilled. A thenable is waited for. */
  compute(node: DelayedNode): unknown;
  /** Whether `right` is a name worth keeping after evaluation. */
  readonly keepsRight?: boolean;
  /** Whether it is shown as fulfilled from the start. */
  readonly isReady?: boolean;
  /** The node in source-like form; `show` writes an operand. Default: label and operands. */
  text?(node: DelayedNode, show: (operand: unknown) => string): string;
}

/** The versions that item assignments made of one node. */
export interface Versions {
  /** The node that has all assignments so far. */
  latest: DelayedNode;
  /** Whether anybody took `latest` as an operand, so that the next assignment needs a new version. */
  read: boolean;
  /** Whether one of the versions was asked for its value. */
  started: boolean;
}

/** A node. Operands are nodes or plain values, in `left`, `right` and `rest`. */
export class DelayedNode {
  phase: number = FRESH;
  flags: number;
  /** Operands that have not ended yet. */
  waits = 0;
  /** How many items unpacking gives; -1: it cannot be unpacked. */
  length = -1;
  readonly kind: Kind;
  left: unknown;
  right: unknown;
  /** More operands, in an array; a source keeps its number here. */
  rest: unknown;
  versions: Versions | undefined = undefined;
  /** Until the end: undefined, a dependant or an array of them. Then the value or error. */
  result: unknown = undefined;

  constructor(kind: Kind, left: unknown, right: unknown, rest: unknown, flags: number) {
    this.kind = kind;
    this.left = left;
    this.right = right;
    this.rest = rest;
    this.flags = flags;
  }
}

/** The value of an operand that is fulfilled, or plain. */
export function operandValue(operand: unknown): unknown {
  return operand instanceof DelayedNode ? operand.result : operand;
}

/** Whether a value is to be waited for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  return typeof (value as { then?: unknown }).then === "function";
}
