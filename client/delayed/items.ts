/**
 * The types of `r[0]`, `r[1]`, …: reading gives a `Delayed`, assigning takes a plain or delayed value.
 *
 * They are written out because only accessors can differ in what they give and take, and because
 * an index signature would add `undefined` under `noUncheckedIndexedAccess`.
 */

import type { Delayed, Operand } from "./delayed.js";

interface Items1<T extends readonly unknown[]> {
  get 0(): Delayed<T[0]>;
  set 0(value: Operand<T[0]>);
}

interface Items2<T extends readonly unknown[]> extends Items1<T> {
  get 1(): Delayed<T[1]>;
  set 1(value: Operand<T[1]>);
}

interface Items3<T extends readonly unknown[]> extends Items2<T> {
  get 2(): Delayed<T[2]>;
  set 2(value: Operand<T[2]>);
}

interface Items4<T extends readonly unknown[]> extends Items3<T> {
  get 3(): Delayed<T[3]>;
  set 3(value: Operand<T[3]>);
}

interface Items5<T extends readonly unknown[]> extends Items4<T> {
  get 4(): Delayed<T[4]>;
  set 4(value: Operand<T[4]>);
}

interface Items6<T extends readonly unknown[]> extends Items5<T> {
  get 5(): Delayed<T[5]>;
  set 5(value: Operand<T[5]>);
}

interface Items7<T extends readonly unknown[]> extends Items6<T> {
  get 6(): Delayed<T[6]>;
  set 6(value: Operand<T[6]>);
}

interface Items8<T extends readonly unknown[]> extends Items7<T> {
  get 7(): Delayed<T[7]>;
  set 7(value: Operand<T[7]>);
}

interface Items9<T extends readonly unknown[]> extends Items8<T> {
  get 8(): Delayed<T[8]>;
  set 8(value: Operand<T[8]>);
}

interface Items10<T extends readonly unknown[]> extends Items9<T> {
  get 9(): Delayed<T[9]>;
  set 9(value: Operand<T[9]>);
}

interface Items11<T extends readonly unknown[]> extends Items10<T> {
  get 10(): Delayed<T[10]>;
  set 10(value: Operand<T[10]>);
}

interface Items12<T extends readonly unknown[]> extends Items11<T> {
  get 11(): Delayed<T[11]>;
  set 11(value: Operand<T[11]>);
}

interface Items13<T extends readonly unknown[]> extends Items12<T> {
  get 12(): Delayed<T[12]>;
  set 12(value: Operand<T[12]>);
}

interface Items14<T extends readonly unknown[]> extends Items13<T> {
  get 13(): Delayed<T[13]>;
  set 13(value: Operand<T[13]>);
}

interface Items15<T extends readonly unknown[]> extends Items14<T> {
  get 14(): Delayed<T[14]>;
  set 14(value: Operand<T[14]>);
}

interface Items16<T extends readonly unknown[]> extends Items15<T> {
  get 15(): Delayed<T[15]>;
  set 15(value: Operand<T[15]>);
}

/** Items of an array: as many as are written out, and the others by number. */
export interface ArrayItems<E> extends Items16<E[]> {
  readonly [index: number]: Delayed<E>;
}

/** Items of a tuple, each of its own type; beyond the sixteenth read only. */
export type TupleItems<T extends readonly unknown[]> = T["length"] extends keyof ItemsByLength<T>
  ? ItemsByLength<T>[T["length"]]
  : Items16<T> & { readonly [K in Extract<keyof T, `${number}`>]: Delayed<T[K]> };

interface ItemsByLength<T extends readonly unknown[]> {
  0: unknown;
  1: Items1<T>;
  2: Items2<T>;
  3: Items3<T>;
  4: Items4<T>;
  5: Items5<T>;
  6: Items6<T>;
  7: Items7<T>;
  8: Items8<T>;
  9: Items9<T>;
  10: Items10<T>;
  11: Items11<T>;
  12: Items12<T>;
  13: Items13<T>;
  14: Items14<T>;
  15: Items15<T>;
  16: Items16<T>;
}
