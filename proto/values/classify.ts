/**
 * What kind of object something is, as far as sending it goes. Looks at internal
 * types and prototypes only: no accessor, trap or method of the object is called.
 */

import { types } from "node:util";
import type { Refusal } from "./refuse.js";

/** How an object is sent, or why it is not. */
export type Kind =
  | { readonly type: "array" | "object" | "map" | "set" | "error" | "buffer" | "view" | "leaf" }
  | { readonly type: "refused"; readonly refusal: Refusal };

const ARRAY: Kind = { type: "array" };
const OBJECT: Kind = { type: "object" };
const MAP: Kind = { type: "map" };
const SET: Kind = { type: "set" };
const ERROR: Kind = { type: "error" };
const BUFFER: Kind = { type: "buffer" };
const VIEW: Kind = { type: "view" };
const LEAF: Kind = { type: "leaf" };

const ITERATOR_PROTOTYPE: object = Object.getPrototypeOf(Object.getPrototypeOf([].values()));
const ASYNC_ITERATOR_PROTOTYPE: object = Object.getPrototypeOf(
  Object.getPrototypeOf(Object.getPrototypeOf((async function* () {})())),
);

/** What each prototype met so far says about its instances, for classes that are no built-ins. */
const kindsOfClasses = new WeakMap<object, Kind>();

/** Tells how an object is sent, or why it is not. */
export function classify(object: object): Kind {
  if (types.isProxy(object)) return refused({ type: "proxy" });
  const prototype: object | null = Object.getPrototypeOf(object);
  if (Array.isArray(object)) return prototype === Array.prototype ? ARRAY : builtIn(ARRAY, prototype);
  const kind = internalKind(object, prototype);
  if (kind !== undefined) return kind;
  if (prototype === Object.prototype || prototype === null) return OBJECT;
  let known = kindsOfClasses.get(prototype);
  if (known === undefined) {
    known = kindOfClass(prototype);
    kindsOfClasses.set(prototype, known);
  }
  return known;
}

/** Built-ins are told by what they are inside, in whichever realm they were made. */
function internalKind(object: object, prototype: object | null): Kind | undefined {
  if (ArrayBuffer.isView(object)) {
    if (types.isSharedArrayBuffer(object.buffer)) return refused({ type: "sharedMemory" });
    return prototype === Buffer.prototype ? VIEW : builtIn(VIEW, prototype);
  }
  if (types.isAnyArrayBuffer(object)) {
    if (types.isSharedArrayBuffer(object)) return refused({ type: "sharedMemory" });
    return builtIn(BUFFER, prototype);
  }
  if (types.isMap(object)) return builtIn(MAP, prototype);
  if (types.isSet(object)) return builtIn(SET, prototype);
  if (types.isDate(object) || types.isRegExp(object)) return builtIn(LEAF, prototype);
  // Errors often have a method or two; that a copy lacks them surprises nobody.
  if (types.isNativeError(object)) return ERROR;
  if (types.isBoxedPrimitive(object)) {
    return types.isSymbolObject(object) ? refused({ type: "symbol" }) : builtIn(LEAF, prototype);
  }
  if (types.isPromise(object)) return refused({ type: "promise" });
  if (types.isWeakMap(object)) return refused({ type: "weak", className: "WeakMap" });
  if (types.isWeakSet(object)) return refused({ type: "weak", className: "WeakSet" });
  if (object instanceof WeakRef) return refused({ type: "weak", className: "WeakRef" });
  return undefined;
}

function refused(refusal: Refusal): Kind {
  return { type: "refused", refusal };
}

/** An object of a built-in class, unless a subclass of it has methods of its own. */
function builtIn(kind: Kind, prototype: object | null): Kind {
  const methods = methodsAbove(prototype, isNative);
  return methods.length === 0 ? kind : refused({ type: "methods", className: nameOf(prototype), methods });
}

function kindOfClass(prototype: object): Kind {
  const className = nameOf(prototype);
  if (isOfPlatform(prototype)) return refused({ type: "platform", className });
  const methods = methodsAbove(prototype, isRootOfObjects);
  if (methods.length === 0) return OBJECT;
  const isStream = methods.includes("pipe") || methods.includes("getReader") || methods.includes("getWriter");
  return refused(isStream ? { type: "stream", className } : { type: "methods", className, methods });
}

/** Whether instances are objects of the language that carry more than their properties: generators, compiled modules. */
function isOfPlatform(prototype: object): boolean {
  for (
    let at: object | null = prototype;
    at !== null && !isRootOfObjects(at);
    at = Object.getPrototypeOf(at)
  ) {
    if (isNative(at) || at === ITERATOR_PROTOTYPE || at === ASYNC_ITERATOR_PROTOTYPE) return true;
  }
  return false;
}

/** Methods and accessors on a prototype chain, up to (not with) the first prototype that `ends` it. */
function methodsAbove(first: object | null, ends: (prototype: object) => boolean): string[] {
  const found = new Set<string>();
  for (let at = first; at !== null && !ends(at); at = Object.getPrototypeOf(at)) {
    for (const key of Reflect.ownKeys(at)) {
      if (key === "constructor") continue;
      const property = Object.getOwnPropertyDescriptor(at, key);
      if (property === undefined) continue;
      if (property.get !== undefined || property.set !== undefined || typeof property.value === "function") {
        found.add(String(key));
      }
    }
  }
  return [...found];
}

/** Whether a prototype is `Object.prototype`, of this realm or another. */
function isRootOfObjects(prototype: object): boolean {
  return (
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf"))
  );
}

/** Whether a prototype belongs to a class that is part of the language, of this realm or another. */
function isNative(prototype: object): boolean {
  const maker: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  return typeof maker === "function" && Function.prototype.toString.call(maker).endsWith("{ [native code] }");
}

function nameOf(prototype: object | null): string {
  for (let at = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    const tag: unknown = Object.getOwnPropertyDescriptor(at, Symbol.toStringTag)?.value;
    const maker: unknown = Object.getOwnPropertyDescriptor(at, "constructor")?.value;
    if (typeof maker === "function") {
      const name: unknown = Object.getOwnPropertyDescriptor(maker, "name")?.value;
      if (typeof name === "string" && name !== "") return name;
    }
    if (typeof tag === "string" && tag !== "") return tag;
  }
  return "(anonymous)";
}
