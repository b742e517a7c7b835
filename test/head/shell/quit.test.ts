/** Workers that are sent away by somebody. */

import { describe, expect, it } from "vitest";
import { cores } from "../../../proto/resource/resource.js";
import { poolOfCores } from "../../kit/peers.js";
import { bytes, openHead } from "./head-kit.js";

async function busy() {
  const kit = openHead();
  const [client, worker] = [kit.client(), kit.worker()];
  await worker.join("w1", poolOfCores(1));
  await client.open();
  client.define(1, { request: cores(1).request as never });
  client.submit(1, 1, [bytes("a"), bytes("b")]);
  await worker.inbox.take("assign");
  return { head: kit.head, lines: kit.lines, worker };
}

describe("a worker", () => {
  it("that is asked to leave gets nothing more from that moment on", async () => {
    const { head, worker, lines } = await busy();
    expect(
      head.workers.quit({ workers: ["w1", "w1", "none"], kill: false, reason: "an administrator said so" }),
    ).toEqual({
      told: ["w1"],
      cutOff: [],
    });
    expect(head.status().workers).toMatchObject([{ state: "draining" }]);
    expect(await worker.inbox.take("leave")).toEqual({ kill: false, reason: "an administrator said so" });
    expect(lines.join()).toContain('worker "w1" is asked to leave: an administrator said so');
    worker.link.close();
    await worker.ended;
    expect(head.status().workers).toEqual([]);
  });

  it("that is ended is gone, and its tasks are not held responsible", async () => {
    const { head, worker } = await busy();
    expect(head.workers.quit({ workers: ["w1"], kill: true, reason: "now" })).toEqual({
      told: ["w1"],
      cutOff: [],
    });
    expect(await worker.inbox.take("leave")).toEqual({ kill: true, reason: "now" });
    await worker.ended;
    expect(head.status()).toMatchObject({ workers: [], queues: [{ queued: 2 }] });
  });
});
