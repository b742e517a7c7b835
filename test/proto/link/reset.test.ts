/** Connections that are reset while their end does not read. */

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { noticeReset } from "../../../proto/link/grpc/reset.js";

/** Both ends of a TCP connection. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const near = connect(port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  onTestFinished(async () => {
    near.destroy();
    far.destroy();
    server.close();
    await once(server, "close");
  });
  return { near, far };
}

it("a reset is noticed by an end that does not read", async () => {
  const { near, far } = await pair();
  noticeReset(far);
  const closed = once(far, "close");
  near.resetAndDestroy();
  await closed;
  expect(far.destroyed).toBe(true);
});

it("connections that are only quiet, or of which the other end is done, stay", async () => {
  const [quiet, done, reset] = [await pair(), await pair(), await pair()];
  for (const { far } of [quiet, done, reset]) noticeReset(far);
  done.near.end();
  const closed = once(reset.far, "close");
  reset.near.resetAndDestroy();
  // All are looked at together.
  await closed;
  expect([quiet.far.destroyed, done.far.destroyed]).toEqual([false, false]);
});
