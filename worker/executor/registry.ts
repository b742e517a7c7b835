/**
 * Loads modules and finds the delayed functions that they create.
 *
 * A module is loaded up to where a client program would start: what calls `run`
 * or `connect` at its top level stops there, and never settles. Modules are loaded
 * one at a time, because a function belongs to the module that is loading.
 */

import { pathToFileURL } from "node:url";
import type { HostedFunction } from "../../proto/host.js";

/** A module that keeps loading may have come to wait for ever: what it has created by then is taken. */
const PATIENCE_MS = 100;

/** Any function; what it takes is the caller's affair. */
export type AnyFunction = (...args: unknown[]) => unknown;

/** How loading a module ended. */
type Loading =
  | { readonly type: "loaded" }
  /** It threw. What it had created before can be used. */
  | { readonly type: "threw"; readonly error: unknown };

interface Module {
  readonly functions: Map<string, AnyFunction>;
  readonly loading: Promise<Loading>;
  /** It has come to `run` or `connect`. */
  stopped: () => void;
  registered: () => void;
}

/** What was found for a name. */
export type Lookup =
  | { readonly type: "found"; readonly fn: AnyFunction }
  | { readonly type: "missing" }
  | { readonly type: "threw"; readonly error: unknown };

/** All modules of this executor. */
export class Registry {
  readonly #modules = new Map<string, Module>();
  /** The module that is loading. */
  #current: Module | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** Notes a function that the module which is loading has created; outside of loading: nothing. */
  register(definition: HostedFunction): void {
    // Of two of one name the last is the module's own: what it imports was there before it.
    this.#current?.functions.set(definition.name, definition.fn as AnyFunction);
    this.#current?.registered();
  }

  /** The module that is loading has come to where a client program would start. */
  stopHere(): Promise<never> {
    this.#current?.stopped();
    return new Promise<never>(() => {});
  }

  /**
   * Finds a function, loading its module first if need be.
   *
   * @param path of the module, absolute
   */
  async find(path: string, name: string): Promise<Lookup> {
    const module = this.#modules.get(path) ?? this.#load(path);
    const loading = await module.loading;
    const fn = module.functions.get(name);
    if (fn !== undefined) return { type: "found", fn };
    return loading.type === "threw" ? loading : { type: "missing" };
  }

  #load(path: string): Module {
    const functions = new Map<string, AnyFunction>();
    const module: Module = {
      functions,
      loading: this.#queue.then(() => this.#evaluate(path, module)),
      stopped: () => {},
      registered: () => {},
    };
    this.#queue = module.loading;
    this.#modules.set(path, module);
    return module;
  }

  async #evaluate(path: string, module: Module): Promise<Loading> {
    this.#current = module;
    let patience: NodeJS.Timeout | undefined;
    const halted = new Promise<Loading>((resolve) => {
      const end = () => resolve({ type: "loaded" });
      // What stands beside the call, in the same turn, is still created.
      module.stopped = () => setImmediate(end);
      module.registered = () => {
        patience ??= setTimeout(end, PATIENCE_MS);
      };
    });
    const evaluated = import(pathToFileURL(path).href).then(
      (): Loading => ({ type: "loaded" }),
      (error: unknown): Loading => ({ type: "threw", error }),
    );
    const loading = await Promise.race([evaluated, halted]);
    clearTimeout(patience);
    this.#current = undefined;
    return loading;
  }
}
