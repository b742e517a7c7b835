/** The thread that writes a journal's database, as the others see it. */

import { Worker } from "node:worker_threads";
import { builtFile } from "../../proto/module/own-files.js";
import type { Committed } from "./commit-thread.js";
import type { Place } from "./store-options.js";

/** Writes packed batches, each in a transaction of its own. */
export class Writer {
  readonly #thread: Worker;
  readonly #waiting: { resolve(): void; reject(error: Error): void }[] = [];
  readonly #exit: Promise<void>;
  #failure: Error | undefined;

  constructor(place: Place) {
    this.#thread = new Worker(builtFile("head/journal/commit-thread.js"), {
      workerData: place,
      execArgv: [],
    });
    this.#exit = new Promise((resolve) => this.#thread.once("exit", () => resolve()));
    this.#thread.on("message", ({ error }: Committed) => {
      const waiting = this.#waiting.shift();
      if (error === undefined) waiting?.resolve();
      else waiting?.reject(new Error(error));
    });
    this.#thread.on("error", (error) => this.#failed(error));
    void this.#exit.then(() => this.#failed(new Error("the thread that writes it has ended")));
  }

  /** Resolves when the batch is durable; rejects, and has written nothing, when it cannot be. */
  commit(packet: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#thread.postMessage(packet, [packet.buffer as ArrayBuffer]);
    });
  }

  async close(): Promise<void> {
    this.#thread.postMessage("close");
    await this.#exit;
  }

  #failed(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
