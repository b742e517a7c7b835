/** What a keeper has set up: the context, then the service. Torn down in the other order. */

import { importModule } from "../../proto/module/type-script.js";
import type { Part, PartKind } from "../executor/message.js";
import { clauseOf, type Exports, encodeShared, exportsOf, type Holding, holdingOf, titleOf } from "./load.js";
import type { SetUp } from "./message.js";

/** What the holder wants to hear; clauses or sentences about a module. */
export interface HoldingsHost {
  doing(kind: PartKind): void;
  broken(message: string): void;
  problem(message: string): void;
}

interface Held {
  readonly title: string;
  readonly holding: Holding;
}

/** Everything that is set up in this process. */
export class Holdings {
  readonly #host: HoldingsHost;
  readonly #held: Held[] = [];
  readonly #leaving = new AbortController();
  #settingUp: Promise<unknown> = Promise.resolve();

  constructor(host: HoldingsHost) {
    this.#host = host;
  }

  /**
   * Sets up what the modules say.
   *
   * @throws Error with a sentence that names the file; its cause is what the module threw
   */
  setUp(order: SetUp): Promise<Part[]> {
    const work = this.#setUpAll(order);
    this.#settingUp = work.catch(() => {});
    return work;
  }

  /** Tears down what was set up, the last first; what cannot be is told. Waits for a set-up that goes on. */
  async tearDown(): Promise<void> {
    this.#leaving.abort(new Error("The worker leaves."));
    await this.#settingUp;
    for (const { title, holding } of this.#held.splice(0).reverse()) {
      try {
        await holding.dispose();
      } catch (error) {
        this.#host.problem(`${title} could not be torn down: ${clauseOf(error)}`);
      }
    }
  }

  async #setUpAll(order: SetUp): Promise<Part[]> {
    const { worker, resources } = order;
    const life = { worker, resources, signal: this.#leaving.signal };
    const parts: Part[] = [];
    let context: unknown;
    if (order.context !== undefined) {
      const part = await this.#setUpOne("context", order.context, [life]);
      context = part.holding?.value;
      parts.push(part.part);
    }
    if (order.service !== undefined) {
      const part = await this.#setUpOne("service", order.service, [{ ...life, context }]);
      parts.push(part.part);
    }
    return parts;
  }

  async #setUpOne(
    kind: PartKind,
    file: string,
    args: unknown[],
  ): Promise<{ part: Part; holding: Holding | undefined }> {
    this.#host.doing(kind);
    const title = titleOf(kind, file);
    let doing = "loaded";
    try {
      const { once, each }: Exports = exportsOf(kind, await importModule(file));
      doing = kind === "context" ? "set up" : "started";
      const holding = once === undefined ? undefined : await this.#hold(kind, title, once, args);
      const root = kind === "context" ? "context" : "connection";
      const value = encodeShared(holding?.value, root);
      return { part: { kind, file, value, isPerExecutor: each !== undefined }, holding };
    } catch (error) {
      throw new Error(`${title} could not be ${doing}: ${clauseOf(error)}`, { cause: error });
    }
  }

  async #hold(
    kind: PartKind,
    title: string,
    once: (...args: unknown[]) => unknown,
    args: unknown[],
  ): Promise<Holding> {
    const [what, field] =
      kind === "context" ? (["it", "value"] as const) : (["start", "connection"] as const);
    const holding = holdingOf(await once(...args), what, field);
    this.#held.push({ title, holding });
    const ended = (how: string) => {
      if (!this.#leaving.signal.aborted)
        this.#host.broken(`${title} does not run any more: its server ended${how}.`);
    };
    holding.ended?.then(
      (how) => ended(typeof how === "number" || typeof how === "string" ? ` (${how})` : ""),
      (error: unknown) => ended(`: ${clauseOf(error)}`),
    );
    return holding;
  }
}
