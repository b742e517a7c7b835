/**
 * What the worker has set up, in this executor: its values as they are, or what the modules' own
 * functions for executors have made of them.
 */

import { messageOf } from "../../proto/errors.js";
import { decodeValue } from "../../proto/values/value.js";
import type { Holding } from "../keeper/load.js";
import type { Part, PartKind, Setup } from "./message.js";

/** The parts of one executor. */
export class Parts {
  readonly #setup: Setup;
  readonly #values = new Map<PartKind, unknown>();
  readonly #held: Holding[] = [];
  readonly #leaving = new AbortController();

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  /** Whether something is to be set up here. */
  get isPerExecutor(): boolean {
    return this.#setup.parts.some(({ isPerExecutor }) => isPerExecutor);
  }

  /** What tasks get; undefined where there is no such part. The same for all tasks of this process. */
  valueOf(kind: PartKind): unknown {
    if (!this.#values.has(kind)) {
      const part = this.#setup.parts.find((one) => one.kind === kind);
      this.#values.set(kind, part === undefined ? undefined : decodeValue(part.value));
    }
    return this.#values.get(kind);
  }

  /**
   * Sets up what the modules have for executors.
   *
   * @throws Error with a sentence that names the file; its cause is what the module threw
   */
  async setUp(): Promise<void> {
    for (const part of this.#setup.parts) if (part.isPerExecutor) await this.#setUpOne(part);
  }

  /** Tears it down, the last first. Takes no longer than it may. */
  async tearDown(): Promise<void> {
    if (this.#leaving.signal.aborted) return;
    this.#leaving.abort(new Error("The process ends."));
    let patience: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      patience = setTimeout(resolve, this.#setup.teardownMs);
    });
    await Promise.race([this.#disposeAll(), late]);
    clearTimeout(patience);
  }

  async #setUpOne({ kind, file, value }: Part): Promise<void> {
    const [{ clauseOf, exportsOf, holdingOf, titleOf }, { importModule }] = await Promise.all([
      import("../keeper/load.js"),
      import("../../proto/module/type-script.js"),
    ]);
    const { worker, index } = this.#setup;
    const base = { worker, executor: index, signal: this.#leaving.signal };
    const life = kind === "context" ? base : { ...base, context: this.valueOf("context") };
    try {
      const { each } = exportsOf(kind, await importModule(file));
      const what = kind === "context" ? "executor" : "connect";
      const holding = holdingOf(await each?.(decodeValue(value), life), what, "value");
      this.#held.push(holding);
      this.#values.set(kind, holding.value);
    } catch (error) {
      const message = `${titleOf(kind, file)} could not be set up in an executor: ${clauseOf(error)}`;
      throw new Error(message, { cause: error });
    }
  }

  async #disposeAll(): Promise<void> {
    for (const holding of this.#held.splice(0).reverse()) {
      try {
        await holding.dispose();
      } catch (error) {
        process.stderr.write(`What was set up in an executor could not be torn down: ${messageOf(error)}\n`);
      }
    }
  }
}
