/** A head over several lives: always at one address, with one journal. */

import { createServer } from "node:net";
import type { Running, Stage } from "./daemons.js";

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
    const address = `127.0.0.1:${await freePort()}`;
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

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}
