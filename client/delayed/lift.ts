/** `lift`: any function, or a namespace of them, over delayed arguments. */

import { fillAll } from "./access.js";
import type { Lifted } from "./delayed.js";
import type { DelayedNode, Kind } from "./node.js";
import { isPlainObject } from "./plain-object.js";
import { isDelayed, makeDelayed, planArgs } from "./surface.js";

/** A namespace whose functions are lifted, at any depth. */
export type LiftedNamespace<N> = {
  readonly [K in keyof N]: N[K] extends (...args: never[]) => unknown
    ? Lifted<N[K]>
    : N[K] extends readonly unknown[]
      ? N[K]
      : N[K] extends object
        ? LiftedNamespace<N[K]>
        : N[K];
};

type AnyFunction = (...args: unknown[]) => unknown;

/** `right` the function and the planned arguments, `rest` the arguments' nodes. */
interface LiftPlan {
  readonly fn: AnyFunction;
  readonly receiver: unknown;
  readonly args: readonly unknown[];
}

const LIFT: Kind = {
  label: "lift",
  compute(node) {
    const { fn, receiver, args } = node.right as LiftPlan;
    const operands = node.rest as readonly DelayedNode[] | undefined;
    return Reflect.apply(fn, receiver, operands === undefined ? args : fillAll(args, operands));
  },
  text: (node) => `${(node.right as LiftPlan).fn.name || "lift"}(…)`,
};

function liftFunction(fn: AnyFunction, receiver: unknown): AnyFunction {
  const lifted = (...args: unknown[]): unknown => {
    const operands: DelayedNode[] = [];
    const planned = planArgs(args, operands);
    return makeDelayed(LIFT, undefined, { fn, receiver, args: planned } satisfies LiftPlan, operands);
  };
  return Object.defineProperty(lifted, "name", { value: fn.name });
}

function liftNamespace(namespace: object): object {
  const lifted = new Map<PropertyKey, unknown>();
  // Not the namespace itself as the target: a proxy must show read-only members as they are.
  return new Proxy(Object.create(null) as object, {
    get(_target, key) {
      const present = lifted.get(key);
      if (present !== undefined) return present;
      const member: unknown = Reflect.get(namespace, key);
      const value = liftMember(member, namespace);
      if (value !== member) lifted.set(key, value);
      return value;
    },
    has: (_target, key) => Reflect.has(namespace, key),
    ownKeys: () => Reflect.ownKeys(namespace),
    getOwnPropertyDescriptor(_target, key) {
      if (!Object.hasOwn(namespace, key)) return undefined;
      const value = liftMember(Reflect.get(namespace, key), namespace);
      return { value, enumerable: true, configurable: true, writable: false };
    },
  });
}

function liftMember(member: unknown, owner: object): unknown {
  if (typeof member === "function") return liftFunction(member as AnyFunction, owner);
  return isNamespace(member) ? liftNamespace(member) : member;
}

/** Instances of classes are values, such as a library's constants. */
function isNamespace(value: unknown): value is object {
  return isPlainObject(value) || Object.prototype.toString.call(value) === "[object Module]";
}

/**
 * Makes a function take delayed arguments, also inside arrays and plain objects, and give a `Delayed`.
 * It runs locally, when the result is awaited, with plain values; a promise it returns is awaited.
 * Of a namespace, every function is lifted when it is used; other members stay as they are.
 *
 * @param target a function, or an object of functions
 * @throws TypeError when it is neither
 * @example
 * const m = lift(mathjs);
 * console.log(await m.mean([a, b, c]), await lift(Math.max)(a, 2));
 */
export function lift<F extends Function>(target: F): Lifted<F>;
export function lift<N extends object>(target: N): LiftedNamespace<N>;
export function lift(target: unknown): unknown {
  if (isDelayed(target))
    throw new TypeError("lift takes a function, not a Delayed; call the Delayed itself, as r(x).");
  if (typeof target === "function") return liftCallable(target as AnyFunction);
  if (typeof target === "object" && target !== null) return liftNamespace(target);
  throw new TypeError(
    `lift takes a function or an object of functions, not ${target === null ? "null" : typeof target}.`,
  );
}

/** A function, with the members it may have besides, such as a library's default export. */
function liftCallable(fn: AnyFunction): unknown {
  const lifted = liftFunction(fn, undefined);
  for (const key of Object.keys(fn)) {
    const member = liftMember((fn as unknown as Record<string, unknown>)[key], fn);
    Object.defineProperty(lifted, key, { value: member, enumerable: true });
  }
  return lifted;
}
