/** Ports that a test takes, gives back and takes again. */

import { createServer } from "node:net";

/** Below those that systems give to who does not choose, and beside those of `test/slurm`. */
const FIRST = 10_000;
const COUNT = 10_000;

/** A port at which nobody listens, and which nobody gets who only asks for any. */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
