/**
 * The walk over a value that is no plain data, before it is encoded: refuses what
 * cannot be sent, naming its place, and finds the memory that is to be sent beside
 * the value. Iterative, and in the order of the platform's own serializer, so that
 * cycles, sharing and depth mean the same to both.
 */

import { classify } from "./classify.js";
import { below, type Place, ROOT, type Step } from "./place.js";
import { type Refusal, refusalError } from "./refuse.js";

/** Deeper values overflow the stack of the platform's deserializer. */
export const MAX_DEPTH = 1000;
/** Of longer arrays, what hangs on them beside their items is left to the serializer to check. */
const MAX_LISTED_LENGTH = 4096;
const LARGEST_ELEMENT_BYTES = 8;

/** The part of an ArrayBuffer that is in use. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What the walk found. */
export interface Survey {
  /** The memory in use, in the order met. Of a buffer that is only looked at through views: what they cover. */
  readonly buffers: Map<ArrayBuffer, Span>;
  /** Whether an object computes properties, which may be read once only. */
  readonly hasAccessors: boolean;
}

/** An object still to be looked at. */
interface Visit {
  readonly object: object;
  readonly place: Place;
}

/**
 * Walks over a value.
 *
 * @param value anything
 * @param root what it is called in messages, e.g. "args"
 * @throws SerializationError at the first thing that cannot be sent
 */
export function survey(value: unknown, root: string): Survey {
  const walk = new Walk(root);
  walk.run(value);
  return walk;
}

class Walk implements Survey {
  readonly buffers = new Map<ArrayBuffer, Span>();
  hasAccessors = false;
  readonly #root: string;
  readonly #seen = new Set<object>();
  readonly #pending: Visit[] = [];
  /** Errors that have an object as their cause. */
  readonly #caused = new Map<object, Place>();
  /** Children of the object being looked at, in order. */
  #children: Visit[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  run(value: unknown): void {
    if (this.#isInner(value)) this.#pending.push({ object: value, place: ROOT });
    else this.#check(value, undefined, undefined);
    for (let visit = this.#pending.pop(); visit !== undefined; visit = this.#pending.pop()) {
      if (this.#seen.has(visit.object)) {
        this.#checkCause(visit);
        continue;
      }
      this.#seen.add(visit.object);
      this.#look(visit.object, visit.place);
      // Last in, first out: in reverse, so that the first child comes next.
      while (this.#children.length > 0) this.#pending.push(this.#children.pop()!);
    }
  }

  #look(object: object, place: Place): void {
    if (place.depth > MAX_DEPTH) this.#refuse({ type: "tooDeep", levels: MAX_DEPTH }, place);
    const kind = classify(object);
    switch (kind.type) {
      case "array":
        return this.#lookAtArray(object as unknown[], place);
      case "object":
        return this.#lookAtProperties(object, place);
      case "map":
        return this.#lookAtMap(object as Map<unknown, unknown>, place);
      case "set":
        return this.#lookAtSet(object as Set<unknown>, place);
      case "error":
        return this.#lookAtError(object, place);
      case "buffer":
        return this.#use(object as ArrayBuffer, 0, (object as ArrayBuffer).byteLength, place);
      case "view":
        return this.#useView(object as ArrayBufferView<ArrayBuffer>, place);
      case "leaf":
        return;
      case "refused":
        return this.#refuse(kind.refusal, place);
      default:
        return kind satisfies never;
    }
  }

  #lookAtArray(array: unknown[], place: Place): void {
    for (let index = 0; index < array.length; index++) {
      const item = array[index];
      if (this.#isInner(item))
        this.#children.push({ object: item, place: below(place, { type: "index", index }) });
      else this.#check(item, place, { type: "index", index });
    }
    if (array.length > MAX_LISTED_LENGTH) return;
    const keys = Object.keys(array);
    for (let i = keys.length - 1; i >= 0 && !isIndex(keys[i]!); i--)
      this.#lookAtProperty(array, keys[i]!, place);
  }

  #lookAtError(error: object, place: Place): void {
    this.#lookAtProperty(error, "cause", place);
    if (this.#children.length > 0) this.#caused.set(error, place);
  }

  /** The platform fails to read an error that is met again inside its own cause. */
  #checkCause(again: Visit): void {
    const open = this.#caused.get(again.object);
    if (open === undefined) return;
    for (let at: Place | undefined = again.place; at !== undefined; at = at.parent) {
      if (at === open) this.#refuse({ type: "causedByItself" }, again.place);
    }
  }

  #lookAtProperties(object: object, place: Place): void {
    for (const key of Object.keys(object)) this.#lookAtProperty(object, key, place);
  }

  #lookAtProperty(object: object, key: string, place: Place): void {
    const property = Object.getOwnPropertyDescriptor(object, key);
    if (property === undefined) return;
    if (property.get !== undefined || property.set !== undefined) this.hasAccessors = true;
    else this.#add(property.value, place, { type: "property", key });
  }

  #lookAtMap(map: Map<unknown, unknown>, place: Place): void {
    let index = 0;
    for (const [key, value] of Map.prototype.entries.call(map)) {
      this.#add(key, place, { type: "mapKey", index });
      this.#add(value, place, { type: "mapValue", key, index });
      index++;
    }
  }

  #lookAtSet(set: Set<unknown>, place: Place): void {
    let index = 0;
    for (const item of Set.prototype.values.call(set))
      this.#add(item, place, { type: "setItem", index: index++ });
  }

  #add(value: unknown, parent: Place, step: Step): void {
    if (this.#isInner(value)) this.#children.push({ object: value, place: below(parent, step) });
    else this.#check(value, parent, step);
  }

  #isInner(value: unknown): value is object {
    return typeof value === "object" && value !== null;
  }

  /** Refuses primitives and functions that cannot be sent. */
  #check(value: unknown, parent: Place | undefined, step: Step | undefined): void {
    if (typeof value !== "function" && typeof value !== "symbol") return;
    const place = parent === undefined || step === undefined ? ROOT : below(parent, step);
    if (typeof value === "symbol") this.#refuse({ type: "symbol" }, place);
    else this.#refuse({ type: "function", name: nameOfFunction(value) }, place);
  }

  #refuse(refusal: Refusal, place: Place): never {
    throw refusalError(refusal, place, this.#root);
  }

  #useView(view: ArrayBufferView<ArrayBuffer>, place: Place): void {
    this.#use(view.buffer, view.byteOffset, view.byteOffset + view.byteLength, place);
  }

  /**
   * Widens what is in use of a buffer. Views must begin at a multiple of their
   * element size: they do when all begin at `start`, or when `start` is a multiple of 8.
   */
  #use(buffer: ArrayBuffer, start: number, end: number, place: Place): void {
    if (isDetached(buffer)) this.#refuse({ type: "detached" }, place);
    const used = this.buffers.get(buffer);
    if (used === undefined) {
      this.buffers.set(buffer, { start, end });
      return;
    }
    const lowest = Math.min(used.start, start);
    const common = used.start === start ? start : lowest - (lowest % LARGEST_ELEMENT_BYTES);
    this.buffers.set(buffer, { start: common, end: Math.max(used.end, end) });
  }
}

function isIndex(key: string): boolean {
  return String(Number(key) >>> 0) === key;
}

function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

function nameOfFunction(value: Function): string {
  const name: unknown = Object.getOwnPropertyDescriptor(value, "name")?.value;
  return typeof name === "string" ? name : "";
}
