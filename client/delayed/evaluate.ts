/**
 * Evaluates nodes: each once, however many ask, in time linear in the graph and
 * without recursion.
 *
 * Invariants:
 * 1. A node is FRESH until somebody subscribes to it or to what depends on it.
 * 2. A STARTED node has told each of its unfinished operands to tell it, so that
 *    whatever is reachable from it is observed.
 * 3. A node is in `ready` at most once while STARTED: when its last operand ends,
 *    or, FAILING, when its first operand fails.
 * 4. An ended node holds neither operands nor dependants.
 */

import type { Completion } from "../completion.js";
import {
  DelayedNode,
  type Dependant,
  FAILING,
  FRESH,
  FULFILLED,
  IN_PLACE,
  INSIDE,
  isThenable,
  type Kind,
  type Listener,
  REJECTED,
  STARTED,
} from "./node.js";

/** A call of a delayed function: `left` its completion, `right` the name, `rest` the number. */
export const SOURCE: Kind = {
  label: "call",
  keepsRight: true,
  compute() {
    throw new Error("a call is not computed");
  },
  text: (node) => `${String(node.right)}#${String(node.rest)}`,
};

/** Several operands as one array, in `rest`: what `each` waits for. */
export const GATHER: Kind = {
  label: "each",
  compute: (node) =>
    (node.rest as unknown[]).map((item) => (item instanceof DelayedNode ? item.result : item)),
};

/** Nodes to compute or fail next. One list for all: nested evaluations join the one under way. */
const ready: DelayedNode[] = [];
let draining = false;

/** Starts the evaluation of a node if need be, and tells the listener of its end. */
export function subscribe(node: DelayedNode, listener: Listener): void {
  if (node.phase === FULFILLED || node.phase === REJECTED) {
    listener.ended(node);
    return;
  }
  // Not by addDependant: the code of millions of operands would be taken back for a node of another class.
  if (node.result === undefined) node.result = listener;
  else addDependant(node, listener);
  if (node.phase === FRESH) {
    // All of it is linked before any of it is computed.
    const outer = draining;
    draining = true;
    start(node);
    draining = outer;
  }
  drain();
}

/** A promise of the node's value. */
export function promiseOf(node: DelayedNode): Promise<unknown> {
  return new Promise((resolve, reject) => {
    subscribe(node, {
      ended: () => {
        if (node.phase === FULFILLED) resolve(node.result);
        else reject(node.result);
      },
    });
  });
}

/** Marks the nodes that an assigned value is made of: they are read before the assignment. */
export function markInside(root: DelayedNode): void {
  const stack = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.phase !== FRESH || (node.flags & INSIDE) !== 0) continue;
    node.flags |= INSIDE;
    if (node.left instanceof DelayedNode) stack.push(node.left);
    if (node.right instanceof DelayedNode) stack.push(node.right);
    if (Array.isArray(node.rest))
      for (const item of node.rest) if (item instanceof DelayedNode) stack.push(item);
  }
}

function start(root: DelayedNode): void {
  const stack = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.phase !== FRESH) continue;
    node.phase = STARTED;
    if (node.versions !== undefined) node.versions.started = true;
    if (node.kind === SOURCE) {
      startSource(node);
      continue;
    }
    if (node.left instanceof DelayedNode) link(node, node.left, stack);
    if (node.right instanceof DelayedNode) link(node, node.right, stack);
    if (Array.isArray(node.rest)) {
      const items = node.rest as readonly unknown[];
      for (let i = 0; i < items.length; i++) {
        const item = items[i];
        if (item instanceof DelayedNode) link(node, item, stack);
      }
    }
    if (node.phase === STARTED && node.waits === 0) ready.push(node);
  }
}

function link(node: DelayedNode, operand: DelayedNode, stack: DelayedNode[]): void {
  depend(node, operand, stack);
  const { versions } = operand;
  if (versions === undefined || versions.latest === operand) return;
  // Without copies an earlier version is the same object: it is read once all assignments are made.
  if ((operand.flags & IN_PLACE) !== 0 && (node.flags & INSIDE) === 0) depend(node, versions.latest, stack);
}

function depend(node: DelayedNode, operand: DelayedNode, stack: DelayedNode[]): void {
  switch (operand.phase) {
    case FULFILLED:
      return;
    case REJECTED:
      fail(node, operand.result);
      return;
    case FRESH:
      if (isPendingSource(operand)) {
        // Nothing is below it, and it tells of its end later: it need not be put off until all are linked.
        operand.phase = STARTED;
        startSource(operand);
      } else stack.push(operand);
      break;
    default:
  }
  node.waits++;
  addDependant(operand, node);
}

function isPendingSource(node: DelayedNode): boolean {
  if (node.kind !== SOURCE || node.versions !== undefined) return false;
  return (node.left as Completion).state.type === "pending";
}

function startSource(node: DelayedNode): void {
  (node.left as Completion).watch(sourceEnded, node);
}

function sourceEnded(node: DelayedNode): void {
  const { state } = node.left as Completion;
  if (state.type === "fulfilled") finish(node, FULFILLED, state.value);
  else if (state.type === "rejected") finish(node, REJECTED, state.error);
  drain();
}

function addDependant(node: DelayedNode, dependant: Dependant): void {
  const present = node.result as undefined | Dependant | Dependant[];
  if (present === undefined) node.result = dependant;
  else if (Array.isArray(present)) present.push(dependant);
  else node.result = [present, dependant];
}

function drain(): void {
  if (draining) return;
  draining = true;
  try {
    for (let node = ready.pop(); node !== undefined; node = ready.pop()) step(node);
  } finally {
    draining = false;
  }
}

function step(node: DelayedNode): void {
  if (node.phase === FAILING) {
    finish(node, REJECTED, node.left);
    return;
  }
  let value: unknown;
  try {
    value = node.kind.compute(node);
    if (isThenable(value)) {
      follow(node, value);
      return;
    }
  } catch (error) {
    finish(node, REJECTED, error);
    return;
  }
  finish(node, FULFILLED, value);
}

function follow(node: DelayedNode, promise: PromiseLike<unknown>): void {
  Promise.resolve(promise).then(
    (value) => {
      finish(node, FULFILLED, value);
      drain();
    },
    (error) => {
      finish(node, REJECTED, error);
      drain();
    },
  );
}

function finish(node: DelayedNode, phase: typeof FULFILLED | typeof REJECTED, result: unknown): void {
  const dependants = node.result as undefined | Dependant | Dependant[];
  node.phase = phase;
  node.result = result;
  node.left = undefined;
  if (node.kind.keepsRight !== true) node.right = undefined;
  if (node.kind !== SOURCE) node.rest = undefined;
  if (dependants === undefined) return;
  if (Array.isArray(dependants)) for (const dependant of dependants) tell(dependant, node);
  else tell(dependants, node);
}

function tell(dependant: Dependant, node: DelayedNode): void {
  if (!(dependant instanceof DelayedNode)) {
    dependant.ended(node);
    return;
  }
  if (node.phase === REJECTED) {
    fail(dependant, node.result);
    return;
  }
  dependant.waits--;
  if (dependant.waits === 0 && dependant.phase === STARTED) ready.push(dependant);
}

function fail(node: DelayedNode, error: unknown): void {
  if (node.phase !== STARTED) return;
  node.phase = FAILING;
  node.left = error;
  node.right = node.kind.keepsRight === true ? node.right : undefined;
  node.rest = undefined;
  ready.push(node);
}
