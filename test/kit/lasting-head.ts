/** A head over several lives: always at one address, with one journal. */

import type { Running, Stage } from "./daemons.js";
import { lastingPort } from "./port.js";

/** Starts, kills and restarts. */
export class LastingHead {
  lives = 0;
  #running: Running | undefined;

  private constructor(
    readonly stage: Stage,
    readonly address: string,
    private readonly args: readonly string[],
  ) {}

  static async start(stage: Stage, args: readonly string[] = []): Promise<LastingHead> {
    const address = `127.0.0.1:${await lastingPort()}`;
    const head = new LastingHead(stage, address, ["--journal", `${stage.directory}/journal`, ...args]);
    await head.again();
    return head;
  }

  get running(): Running {
    return this.#running!;
  }

  async again(): Promise<void> {
    this.lives += 1;
    this.#running = this.stage.start("grain-head", ["--listen", this.address, ...this.args]);
    await this.#running.until(/listening on/);
  }

  async kill(): Promise<void> {
    this.running.kill("SIGKILL");
    await this.running.ended;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.again();
  }
}
