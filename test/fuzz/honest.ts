/** Peers that do what they should, among others that do not. */

import type { Assign, ClientMessage, HeadToClient, HeadToWorker, WorkerMessage } from "../../proto/grain.js";
import type { Link } from "../../proto/link/link.js";
import { cores, token } from "../../proto/resource/resource.js";
import { poolOfCores, ScriptedClient, ScriptedWorker } from "../kit/peers.js";

/** A client and a worker that do what they should, with work that only they have to do with. */
export class Honest {
  readonly #client: ScriptedClient;
  readonly #worker: ScriptedWorker;
  #last = 0;

  constructor(client: Link<ClientMessage, HeadToClient>, worker: Link<WorkerMessage, HeadToWorker>) {
    this.#client = new ScriptedClient(client);
    this.#worker = new ScriptedWorker(worker);
  }

  async begin(): Promise<void> {
    await this.#client.open({ name: "honest" });
    await this.#worker.join("honest", poolOfCores(2, { tokens: ["honest"] }));
    this.#client.define(1, { request: cores(1).and(token("honest")).request as never });
    void this.#work();
  }

  /** Some calls, each of which comes back with what it was given. */
  async ask(count: number): Promise<string | undefined> {
    const first = this.#last + 1;
    this.#last += count;
    const texts = Array.from({ length: count }, (_, i) => Buffer.from(`argument ${first + i}`));
    this.#client.submit(1, first, texts);
    for (let left = count; left > 0; ) {
      const { tasks, sizes, values } = await this.#client.inbox.take("results");
      let at = 0;
      for (const [i, task] of tasks.entries()) {
        const value = Buffer.from(values.subarray(at, at + sizes[i]!)).toString();
        at += sizes[i]!;
        if (value !== `argument ${task}`) return `task ${task} of the honest client ended with ${value}`;
      }
      this.#client.acknowledge(...tasks);
      left -= tasks.length;
    }
    return undefined;
  }

  async #work(): Promise<void> {
    for (;;) {
      let assign: Assign;
      try {
        assign = await this.#worker.inbox.take("assign");
      } catch {
        return;
      }
      this.#worker.finish(assign);
    }
  }
}
