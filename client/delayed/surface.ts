/**
 * What users can do with a `Delayed`: each trap turns a use into a node, a promise,
 * or a TypeError that says what to write instead.
 *
 * A Delayed is a proxy whose handler is the node itself and whose target is one
 * function for all, so that it costs two small objects. Its type is in delayed.ts.
 */

import { inspect } from "node:util";
import { ASSIGN, type Assignment, CALL, type CallPlan, ITEM, MEMBER } from "./access.js";
import { describe } from "./describe.js";
import { markInside, promiseOf } from "./evaluate.js";
import { DelayedNode, FRESH, HIDE_THEN, IN_PLACE, INSIDE, type Kind } from "./node.js";
import { plan } from "./plan.js";

const NODE = Symbol("grain.node");
const INDEX = /^(?:0|[1-9]\d{0,15})$/;

/** The proxies' target: callable, since values may be; only `inspect` looks inside. */
const target = Object.defineProperty(() => undefined, inspect.custom, {
  value(this: unknown): string {
    return describe(expectNode(this));
  },
});

/** The node behind a Delayed; undefined for any other value. */
export function nodeOf(value: unknown): DelayedNode | undefined {
  if (typeof value !== "function") return undefined;
  const node = (value as unknown as Record<symbol, unknown>)[NODE];
  return node instanceof DelayedNode ? node : undefined;
}

/** Whether a value is a Delayed. */
export function isDelayed(value: unknown): boolean {
  return nodeOf(value) !== undefined;
}

/** A Delayed's node as an operand, with the item assignments made so far; undefined for any other value. */
export function operandOf(value: unknown): DelayedNode | undefined {
  const node = nodeOf(value);
  return node === undefined ? undefined : take(node);
}

/** A Delayed's node as an operand, or the plain value itself. */
export function toOperand(value: unknown): unknown {
  return operandOf(value) ?? value;
}

/** What a Delayed may be made with. */
export interface SurfaceOptions {
  readonly flags?: number | undefined;
  readonly length?: number | undefined;
}

/** Makes a Delayed. */
export function makeDelayed(
  kind: Kind,
  left: unknown,
  right?: unknown,
  rest?: unknown,
  options?: SurfaceOptions,
): unknown {
  const node = new Surface(kind, left, right, rest, options?.flags ?? 0);
  if (options?.length !== undefined) node.length = options.length;
  return new Proxy(target, node);
}

/** Plans the arguments of a call; the nodes found are put into `operands`. */
export function planArgs(args: readonly unknown[], operands: DelayedNode[]): readonly unknown[] {
  const planned = args.map((arg) => plan(arg, operandOf, operands));
  return operands.length === 0 ? args : planned;
}

/** Makes the next lookup of `then` find nothing: resolving a promise with the Delayed then gives the Delayed. */
export function hideThenOnce(delayed: unknown): void {
  expectNode(delayed).flags |= HIDE_THEN;
}

/**
 * Assigns an item, as `r[key] = value`.
 *
 * @throws TypeError when the evaluation has started
 */
export function assign(delayed: unknown, key: unknown, value: unknown): void {
  const node = expectNode(delayed);
  if (node.versions?.started === true || node.phase !== FRESH)
    throw new TypeError(
      `cannot assign an item of ${describe(node)}: its evaluation has started; assign before the first await.`,
    );
  const operands: DelayedNode[] = [];
  const assignment: Assignment = {
    key: plan(key, operandOf, operands),
    value: plan(value, operandOf, operands),
    operands,
  };
  const isInPlace = (node.flags & IN_PLACE) !== 0;
  if (isInPlace) operands.forEach(markInside);
  const { versions } = node;
  if (versions !== undefined && !versions.read) {
    (versions.latest.right as Assignment[]).push(assignment);
    (versions.latest.rest as DelayedNode[]).push(...operands);
    return;
  }
  const flags = isInPlace ? IN_PLACE | INSIDE : 0;
  const next = new Surface(ASSIGN, versions?.latest ?? node, [assignment], [...operands], flags);
  if (versions === undefined) node.versions = { latest: next, read: false, started: false };
  else {
    versions.latest = next;
    versions.read = false;
  }
  next.versions = node.versions;
}

function take(node: DelayedNode): DelayedNode {
  const { versions } = node;
  if (versions === undefined) return node;
  versions.read = true;
  return versions.latest;
}

function expectNode(value: unknown): DelayedNode {
  const node = nodeOf(value);
  if (node === undefined) throw new TypeError("a method of Delayed was called on something else.");
  return node;
}

function thenOf(
  this: unknown,
  onFulfilled?: ((value: unknown) => unknown) | null,
  onRejected?: ((error: unknown) => unknown) | null,
): Promise<unknown> {
  return promiseOf(take(expectNode(this))).then(onFulfilled, onRejected);
}

function catchOf(this: unknown, onRejected?: ((error: unknown) => unknown) | null): Promise<unknown> {
  return promiseOf(take(expectNode(this))).catch(onRejected);
}

function finallyOf(this: unknown, onFinally?: (() => void) | null): Promise<unknown> {
  return promiseOf(take(expectNode(this))).finally(onFinally);
}

function iteratorOf(this: unknown): Iterator<unknown> {
  const node = expectNode(this);
  if (node.length < 0)
    throw new TypeError(
      `cannot iterate over ${describe(node)}: how many items it has is not known yet; declare it, as delayed(fn, { nout: 2 }), or await it first.`,
    );
  return items(take(node), node.length);
}

function* items(node: DelayedNode, length: number): Generator<unknown> {
  const options = { flags: node.flags & IN_PLACE };
  for (let index = 0; index < length; index++) yield makeDelayed(ITEM, node, index, length, options);
}

function refusePrimitive(this: unknown, hint: string): never {
  const wanted = hint === "default" ? "an operand" : `a ${hint}`;
  throw new TypeError(
    `cannot use ${describe(expectNode(this))} as ${wanted}: its value is not there yet; use op (op.add(a, b)) or calc (calc\`\${a} + \${b}\`), or await it first.`,
  );
}

function refuseJson(this: unknown): never {
  throw new TypeError(
    `cannot write ${describe(expectNode(this))} as JSON: its value is not there yet; await it first, as JSON.stringify(await r).`,
  );
}

// Not a private method: each node would pay for it.
function symbolOf(node: DelayedNode, key: symbol): unknown {
  switch (key) {
    case NODE:
      return node;
    case Symbol.iterator:
      return iteratorOf;
    case Symbol.toPrimitive:
      return refusePrimitive;
    case Symbol.toStringTag:
      return "Delayed";
    case inspect.custom:
      return target[inspect.custom as never];
    default:
      // Others only ask what kind of object this is; user-defined symbols go through op.getItem.
      return undefined;
  }
}

class Surface extends DelayedNode implements ProxyHandler<typeof target> {
  get(_target: unknown, key: string | symbol): unknown {
    if (typeof key === "symbol") return symbolOf(this, key);
    switch (key) {
      case "then":
        if ((this.flags & HIDE_THEN) === 0) return thenOf;
        this.flags &= ~HIDE_THEN;
        return undefined;
      case "catch":
        return catchOf;
      case "finally":
        return finallyOf;
      case "toJSON":
        return refuseJson;
      default:
        return new Proxy(target, new Surface(MEMBER, take(this), key, undefined, this.flags & IN_PLACE));
    }
  }

  apply(_target: unknown, _receiver: unknown, args: unknown[]): unknown {
    const operands: DelayedNode[] = [];
    const planned = planArgs(args, operands);
    const rest = operands.length === 0 ? undefined : operands;
    // A member that nobody evaluated or assigned to is a method of its receiver.
    const isMethod = this.kind === MEMBER && this.phase === FRESH && this.versions === undefined;
    const call: CallPlan = { key: isMethod ? (this.right as string) : undefined, args: planned };
    return makeDelayed(CALL, isMethod ? this.left : take(this), call, rest);
  }

  set(_target: unknown, key: string | symbol, value: unknown, receiver: unknown): boolean {
    if (typeof key === "string" && INDEX.test(key)) {
      assign(receiver, Number(key), value);
      return true;
    }
    const name = typeof key === "symbol" ? String(key) : JSON.stringify(key);
    throw new TypeError(
      `cannot set ${name} of ${describe(this)}: only items are assigned like this, as r[1] = value; use op.setItem(r, ${name}, value).`,
    );
  }

  has(_target: unknown, key: string | symbol): never {
    const name = typeof key === "symbol" ? String(key) : JSON.stringify(key);
    throw new TypeError(
      `cannot tell whether ${name} is in ${describe(this)}: its value is not there yet; await it first, as ${name} in (await r).`,
    );
  }

  ownKeys(): never {
    throw new TypeError(
      `cannot list the keys of ${describe(this)}: its value is not there yet; await it first, as Object.keys(await r).`,
    );
  }

  defineProperty(_target: unknown, key: string | symbol): never {
    throw new TypeError(`cannot define ${String(key)} on ${describe(this)}; use op.setItem(r, key, value).`);
  }

  deleteProperty(_target: unknown, key: string | symbol): never {
    throw new TypeError(
      `cannot delete ${String(key)} of ${describe(this)}: its value is not there yet; await it first.`,
    );
  }

  // The target is shared: neither may change it.
  setPrototypeOf(): boolean {
    return false;
  }

  preventExtensions(): boolean {
    return false;
  }
}
