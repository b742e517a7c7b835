/**
 * The type `Delayed<T>`: what can be done with a value that is not there yet, and what
 * type each use has. Nothing here exists at run time; that is surface's.
 *
 * Decisions: a union has the members that all of its parts have. Items of arrays are taken to
 * exist, so `r.hits[0].id` needs no check (with `noUncheckedIndexedAccess` an index that is not a
 * literal below 16 still may be undefined; `op.getItem(r, i)` is not). `Delayed<any>` has any member.
 */

import type { ArrayItems, TupleItems } from "./items.js";

declare const phantom: unique symbol;

/** What every `Delayed` has. Structurally a `Promise`, so `Promise.all` and `await` take it. */
export interface DelayedBase<out T> {
  /** Only for the type: keeps promises and plain objects from being taken for a `Delayed`. */
  readonly [phantom]: T;
  readonly [Symbol.toStringTag]: string;
  /** Starts the evaluation, if nobody did yet, and waits for it. */
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B>;
  /** As `then`, for the error only. */
  catch<B = never>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<T | B>;
  /** As `then`, for either end. */
  finally(onFinally?: (() => void) | null): Promise<T>;
}

/**
 * A value of type T that is being computed. Awaiting gives the value; members, items, calls and
 * the operators of `op`, `calc` and `lift` give other `Delayed`, evaluated locally once awaited.
 *
 * @example
 * const best = search(query).hits[0].id; // Delayed<string>
 * console.log(await best);
 */
export type Delayed<T> = DelayedBase<T> & Members<T>;

/** A `Delayed<T>` or a plain T. */
export type Operand<T> = T | DelayedBase<T>;

/**
 * What a delayed call takes where the function takes a T: also a `Delayed`, itself or inside arrays
 * and plain objects. Callbacks are called with plain values.
 */
export type Argument<T, Level extends 0 | 1 | 2 | 3 = 0> = 0 extends 1 & T
  ? T
  : T | DelayedBase<T> | (Level extends 0 | 1 | 2 ? Inside<T, Level> : never);

/** Instances of classes, told by their methods, are not looked into; nor is anything deeper than three levels. */
type Inside<T, Level extends 0 | 1 | 2> = T extends AnyFunction
  ? never
  : T extends readonly unknown[]
    ? { readonly [I in keyof T]: Argument<T[I], Deeper[Level]> }
    : T extends object
      ? Extract<T[keyof T], AnyFunction> extends never
        ? { readonly [K in keyof T]: Argument<T[K], Deeper[Level]> }
        : never
      : never;

type Deeper = { 0: 1; 1: 2; 2: 3 };

/** The arguments of a delayed call. */
export type Arguments<A extends readonly unknown[]> = { [I in keyof A]: Argument<A[I]> };

type AnyFunction = (...args: never[]) => unknown;

/** A function over possibly delayed arguments: each of the last four overloads of F. */
export type Lifted<F> = F extends {
  (...args: infer A1): infer R1;
  (...args: infer A2): infer R2;
  (...args: infer A3): infer R3;
  (...args: infer A4): infer R4;
}
  ? LiftedCall<A1, R1> & LiftedCall<A2, R2> & LiftedCall<A3, R3> & LiftedCall<A4, R4>
  : F extends { (...args: infer A1): infer R1; (...args: infer A2): infer R2; (...args: infer A3): infer R3 }
    ? LiftedCall<A1, R1> & LiftedCall<A2, R2> & LiftedCall<A3, R3>
    : F extends { (...args: infer A1): infer R1; (...args: infer A2): infer R2 }
      ? LiftedCall<A1, R1> & LiftedCall<A2, R2>
      : F extends (...args: infer A) => infer R
        ? LiftedCall<A, R>
        : unknown;

type LiftedCall<A extends readonly unknown[], R> = (...args: Arguments<A>) => Delayed<Awaited<R>>;

type Reserved = symbol | "then" | "catch" | "finally" | "toJSON";

// Over K, not `keyof T`: that would spread over a union, and give a primitive back as it is.
type MembersOf<T, K extends keyof T = Exclude<keyof T, Reserved>> = { readonly [P in K]-?: Delayed<T[P]> };

type Members<T> = 0 extends 1 & T
  ? AnyMembers<T>
  : [T] extends [never]
    ? unknown
    : [T] extends [AnyFunction]
      ? Lifted<T> & MembersOf<T>
      : [T] extends [readonly unknown[]]
        ? ArrayMembers<T>
        : [T] extends [TypedArray]
          ? ArrayItems<T[number]> & Unpacked<T[number]> & MembersOf<T, Exclude<keyof T, Reserved | number>>
          : MembersOf<T> & ([T] extends [Iterable<infer E>] ? Unpacked<E> : unknown);

interface TypedArray {
  readonly BYTES_PER_ELEMENT: number;
  readonly length: number;
  [index: number]: number | bigint;
}

/** T is any, and so is every member: an index signature of another type would add `undefined`. */
interface AnyMembers<T> {
  (...args: T[]): Delayed<T>;
  [Symbol.iterator](): IterableIterator<Delayed<T>>;
  [key: string]: T;
}

interface Unpacked<E> {
  /** Unpacks as many items as `nout` or `length` says; without it a TypeError. */
  [Symbol.iterator](): IterableIterator<Delayed<E>>;
}

type ArrayMembers<T extends readonly unknown[]> = ArrayMethods<T[number]> &
  Unpacked<T[number]> &
  MembersOf<T, Exclude<keyof T, Reserved | number | `${number}` | keyof ArrayMethods<unknown>>> &
  (number extends T["length"] ? ArrayItems<T[number]> : TupleItems<T> & Places<T>);

/** Without it, destructuring would give each variable the type of all items: only tuples are looked at by place. */
type Places<T extends readonly unknown[]> = { readonly [I in keyof T]: unknown };

/** Methods whose own type parameters `Lifted` would lose. */
interface ArrayMethods<E> {
  map<U>(callback: (value: E, index: number, array: E[]) => U): Delayed<U[]>;
  flatMap<U>(callback: (value: E, index: number, array: E[]) => U | readonly U[]): Delayed<U[]>;
  filter<S extends E>(predicate: (value: E, index: number, array: E[]) => value is S): Delayed<S[]>;
  filter(predicate: (value: E, index: number, array: E[]) => unknown): Delayed<E[]>;
  find<S extends E>(predicate: (value: E, index: number, array: E[]) => value is S): Delayed<S | undefined>;
  find(predicate: (value: E, index: number, array: E[]) => unknown): Delayed<E | undefined>;
  findLast(predicate: (value: E, index: number, array: E[]) => unknown): Delayed<E | undefined>;
  every(predicate: (value: E, index: number, array: E[]) => unknown): Delayed<boolean>;
  some(predicate: (value: E, index: number, array: E[]) => unknown): Delayed<boolean>;
  reduce(callback: (sum: E, value: E, index: number, array: E[]) => E): Delayed<E>;
  reduce<U>(callback: (sum: U, value: E, index: number, array: E[]) => U, initial: Operand<U>): Delayed<U>;
  reduceRight(callback: (sum: E, value: E, index: number, array: E[]) => E): Delayed<E>;
  reduceRight<U>(
    callback: (sum: U, value: E, index: number, array: E[]) => U,
    initial: Operand<U>,
  ): Delayed<U>;
  concat(...items: Argument<E | readonly E[]>[]): Delayed<E[]>;
  with(index: Operand<number>, value: Operand<E>): Delayed<E[]>;
  flat<D extends number = 1>(depth?: D): Delayed<FlatArray<E[], D>[]>;
  indexOf(item: Operand<E>, from?: Operand<number>): Delayed<number>;
  includes(item: Operand<E>, from?: Operand<number>): Delayed<boolean>;
}
