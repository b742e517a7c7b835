/**
 * Registered functions of a session: one number for one function with one request
 * and one set of options, however often it is called. Where a spec's module comes
 * from is the shell's affair.
 */

import type { Spec } from "../../proto/grain.js";
import { demandKey, type Request } from "../../proto/resource/demand.js";
import type { FunctionDefinition } from "../call.js";
import { SendQueue } from "./columns.js";
import { TaskNumbers } from "./task-numbers.js";

/** Whether the head knows a spec. */
export type SpecStage =
  /** Nothing was done about its module yet, or it failed: the next call asks for it. */
  | { readonly type: "new" }
  /** Its module is being bundled or uploaded; its calls are held back. */
  | { readonly type: "preparing" }
  /** The head was told; calls go straight on. */
  | { readonly type: "registered" };

/** Where calls wait, and what numbers them. */
export interface Lane {
  readonly queue: SendQueue;
  readonly numbers: TaskNumbers;
}

/** One registered function with what its calls ask for. */
export class SpecEntry {
  readonly number: number;
  readonly definition: FunctionDefinition;
  readonly request: Request;
  /** Calls that wait for the module, in order. */
  readonly held = new SendQueue();
  stage: SpecStage = { type: "new" };
  /** Where its calls are put now. Looked up, so that a call takes one way at all stages: code is compiled for ways taken. */
  lane: Lane = { queue: this.held, numbers: new TaskNumbers() };
  /** Results are stored. */
  readonly keyed: boolean;
  /** Only until the work of the detached program is done. */
  readonly once: boolean;

  constructor(number: number, definition: FunctionDefinition, request: Request, detached = false) {
    const own = definition.options.cacheKey !== undefined;
    this.keyed = own || detached;
    this.once = detached && !own;
    this.number = number;
    this.definition = definition;
    this.request = request;
  }

  /** As the head is told, once the module has a name. */
  toSpec(module: string, code?: Uint8Array): Spec {
    const { name, options } = this.definition;
    return {
      spec: this.number,
      module,
      function: name,
      name,
      request: this.request,
      priority: options.priority,
      timeoutMs: options.timeoutMs,
      retries: options.retries.max,
      retryBackoffMs: options.retries.backoffMs,
      retryOn: [...options.retries.on],
      pin: options.pin,
      failInfeasible: options.failInfeasible,
      ...(code === undefined ? {} : { code }),
      ...(this.once ? { once: true } : {}),
    };
  }
}

interface Remembered {
  readonly request: Request;
  readonly entry: SpecEntry;
}

/** All specs of a session. */
export class SpecTable {
  readonly #byText = new Map<string, SpecEntry>();
  readonly #detached: boolean;
  /** Last request of each definition: spares a call in a loop the making of its text. */
  readonly #remembered = new WeakMap<FunctionDefinition, Remembered>();
  /** The last one: mostly the next call is another of the same. */
  #last: SpecEntry | undefined;

  /** @param detached results of all calls are stored */
  constructor(detached: boolean) {
    this.#detached = detached;
  }

  /** Finds or makes the spec of a call. */
  intern(definition: FunctionDefinition, request: Request): SpecEntry {
    const last = this.#last;
    if (last?.definition === definition && last.request === request) return last;
    const remembered = this.#remembered.get(definition);
    if (remembered !== undefined && remembered.request === request) return remembered.entry;
    const text = specText(definition, request);
    let entry = this.#byText.get(text);
    if (entry === undefined) {
      entry = new SpecEntry(this.#byText.size + 1, definition, request, this.#detached);
      this.#byText.set(text, entry);
    }
    this.#remembered.set(definition, { request, entry });
    this.#last = entry;
    return entry;
  }

  /** All of them. */
  entries(): Iterable<SpecEntry> {
    return this.#byText.values();
  }
}

function specText(definition: FunctionDefinition, request: Request): string {
  const { priority, timeoutMs, retries, pin, failInfeasible, cacheKey } = definition.options;
  return JSON.stringify([
    definition.module,
    definition.name,
    definition.place,
    priority,
    timeoutMs,
    retries,
    pin,
    failInfeasible,
    cacheKey !== undefined,
    request.alternatives.map(demandKey),
  ]);
}
