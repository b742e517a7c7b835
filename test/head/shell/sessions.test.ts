import { describe, expect, it } from "vitest";
import { FailureKind, Refused_Code } from "../../../proto/grain.js";
import { hello } from "../../../proto/version.js";
import { bytes, openHead } from "./head-kit.js";

describe("sessions", () => {
  it("answers close when all tasks have ended, and lets workers forget", async () => {
    const { head, client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join();
    const { session } = await client.open();
    client.define(1);
    client.submit(1, 1, [bytes("a")]);
    const assign = await worker.inbox.take("assign");
    client.closeSession();
    await worker.inbox.take("cancel");
    expect(head.status().sessions).toHaveLength(1);
    worker.fail(assign, { kind: FailureKind.CANCELLED });
    await client.inbox.take("closed");
    expect(await client.ended).toEqual({ type: "closed" });
    expect(await worker.inbox.take("forget")).toBe(session);
    expect(head.status().sessions).toHaveLength(0);
  });

  it("cancels everything of a client that goes away", async () => {
    const { head, client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join();
    await client.open();
    client.define(1);
    client.submit(1, 1, [bytes("a")]);
    const assign = await worker.inbox.take("assign");
    client.link.destroy("killed");
    await worker.inbox.take("cancel");
    worker.fail(assign, { kind: FailureKind.CANCELLED });
    await worker.inbox.take("forget");
    expect(head.connectedClients).toBe(0);
    expect(head.status().sessions).toEqual([]);
  });

  it("serves no more clients than it may, until one leaves", async () => {
    const connected: number[] = [];
    const { client: newClient } = openHead({ maxClients: 1, onClients: (count) => connected.push(count) });
    const [first, second] = [newClient(), newClient()];
    await first.open();
    second.send({
      body: {
        $case: "open",
        open: { hello: hello(), name: "", prioritized: false, priority: 0, outputs: false, counts: false },
      },
    });
    const refused = await second.inbox.take("refused");
    expect(refused.code).toBe(Refused_Code.TOO_MANY_CLIENTS);
    expect(refused.message).toContain("--max-clients");
    await second.ended;
    first.closeSession();
    await first.inbox.take("closed");
    await newClient().open();
    expect(connected).toEqual([1, 0, 1]);
  });

  it("counts for clients that asked, only while something changes", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await client.open({ counts: true });
    client.define(1);
    client.submit(1, 1, [bytes("a"), bytes("b")]);
    expect(await client.inbox.take("counts")).toEqual({ queued: 2, running: 0, workers: 0 });
    await worker.join();
    expect(await client.inbox.take("counts")).toEqual({ queued: 0, running: 2, workers: 1 });
    worker.finish(await worker.inbox.take("assign"));
    expect(await client.inbox.take("counts")).toEqual({ queued: 0, running: 0, workers: 1 });
  });
});
