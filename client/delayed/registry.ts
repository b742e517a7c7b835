/**
 * The functions that were made while their modules loaded: a worker finds one by its file and name,
 * so two of one name in a file cannot be told apart.
 */

import { executorHost } from "../../proto/host.js";
import type { FunctionDefinition } from "../call.js";

interface Entry {
  readonly fn: FunctionDefinition["fn"];
  readonly place: string;
  /** The position in the module's top level. */
  readonly origin: string | undefined;
  readonly turn: object;
}

const byModule = new Map<string, Map<string, Entry>>();

/** Stands for the code that runs until the next microtask. */
let turn: object | undefined;

function currentTurn(): object {
  if (turn === undefined) {
    turn = {};
    queueMicrotask(() => {
      turn = undefined;
    });
  }
  return turn;
}

/**
 * Notes a function, and tells the executor of it if this process is one. Functions made later than
 * their modules are left out: they run locally, and there may be many.
 *
 * @param origin the position in the module's top level that led to it
 * @throws TypeError when its file has another one of that name; names both places
 */
export function registerFunction(definition: FunctionDefinition, origin: string | undefined): void {
  if (!definition.topLevel) return;
  const host = executorHost();
  if (host !== undefined) {
    // A bundle holds several modules, so one name can come twice: the last is the bundle's own.
    host.register({ name: definition.name, fn: definition.fn });
    return;
  }
  if (definition.module === undefined) return;
  let functions = byModule.get(definition.module);
  if (functions === undefined) {
    functions = new Map();
    byModule.set(definition.module, functions);
  }
  const entry: Entry = { fn: definition.fn, place: definition.place, origin, turn: currentTurn() };
  const present = functions.get(definition.name);
  if (present !== undefined && !isSame(present, entry))
    throw new TypeError(
      `delayed: there are two functions ${JSON.stringify(definition.name)} in one module, at ${present.place} and ${entry.place}; a worker could not tell them apart: give one another name, as delayed(fn, { name: "…" }).`,
    );
  functions.set(definition.name, entry);
}

/** Whether it is the function itself, or its code ran again because the module was loaded again, as test runners do. */
function isSame(before: Entry, now: Entry): boolean {
  return (
    before.fn === now.fn ||
    (before.place === now.place && before.origin === now.origin && before.turn !== now.turn)
  );
}
