import { describe, expect, it, vi } from "vitest";
import { Refused_Code } from "../../../proto/grain.js";
import { cores } from "../../../proto/resource/resource.js";
import { hello } from "../../../proto/version.js";
import { poolOfCores } from "../../kit/peers.js";
import { bytes, openHead } from "./head-kit.js";

describe("workers", () => {
  it("have names of their own", async () => {
    const { worker: newWorker } = openHead();
    const [first, second, third] = [newWorker(), newWorker(), newWorker()];
    await first.join("node1");
    const pool = poolOfCores(1);
    second.send({ body: { $case: "join", join: { hello: hello(), name: "node1", pool, imports: [] } } });
    const refused = await second.inbox.take("refused");
    expect(refused.code).toBe(Refused_Code.NAME_TAKEN);
    expect(refused.message).toMatch(/"node1" is connected already .*--name/);
    first.link.close();
    await first.ended;
    await third.join("node1");
  });

  it("that are silent too long are dropped; those that are heard are not", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      let nowMs = 0;
      const { worker: newWorker, lines } = openHead({ heartbeatMs: 1_000, nowMs: () => nowMs });
      const [silent, loud] = [newWorker(), newWorker()];
      await silent.join("silent");
      await loud.join("loud");
      const beat = async () => {
        nowMs += 1_000;
        loud.send({ body: { $case: "heartbeat", heartbeat: { running: 0, loopLagMs: 0 } } });
        await new Promise((resolve) => setImmediate(resolve));
        vi.advanceTimersByTime(1_000);
      };
      await beat();
      await beat();
      expect(lines.join()).not.toContain("silent for");
      await beat();
      expect((await silent.ended).type).toBe("broken");
      expect(lines.join()).toContain('worker "silent" left (silent for 3 s)');
      expect(lines.join()).not.toContain('"loud" left');
    } finally {
      vi.useRealTimers();
    }
  });

  it("get one task at a time while they say that memory is short", async () => {
    const { head, client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join("w1", poolOfCores(4));
    await client.open();
    client.define(1, { request: cores(1).request as never });
    const beat = (pressed?: boolean) =>
      worker.send({ body: { $case: "heartbeat", heartbeat: { running: 0, loopLagMs: 0, pressed } } });
    beat(true);
    client.submit(1, 1, [bytes("a"), bytes("b"), bytes("c")]);
    const first = await worker.inbox.take("assign");
    expect([first.tasks, first.granted]).toEqual([[1], true]);
    expect(head.status().workers).toMatchObject([{ state: "pressed", running: 1, waiting: 0 }]);
    beat();
    expect((await worker.inbox.take("assign")).tasks).toEqual([2, 3]);
    expect(head.status().workers).toMatchObject([{ state: "ready", running: 3 }]);
  });

  it("are not blamed for what the head itself slept", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      let nowMs = 0;
      const { worker: newWorker, lines } = openHead({ heartbeatMs: 1_000, nowMs: () => nowMs });
      await newWorker().join("w1");
      nowMs += 60_000;
      vi.advanceTimersByTime(1_000);
      expect(lines.join()).not.toContain("left");
    } finally {
      vi.useRealTimers();
    }
  });
});
