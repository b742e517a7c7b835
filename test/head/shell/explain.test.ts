/** What the head says of its tasks, over memory links. */

import { describe, expect, it } from "vitest";
import { cores, limit, nodes, type ResourceLike, toRequest, wtime } from "../../../proto/resource/index.js";
import { anyOf } from "../../../proto/resource/resource.js";
import { poolOfCores, type specOf } from "../../kit/peers.js";
import { bytes, openHead } from "./head-kit.js";

const request = (demand: ResourceLike) => toRequest(demand) as ReturnType<typeof specOf>["request"];

describe("an explanation", () => {
  it("tells where a task is", async () => {
    const { head, client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join("w1", poolOfCores(1));
    const { session } = await client.open();
    client.define(1, { name: "energy", request: request(cores(1).and(limit("db", 1))) });
    client.submit(1, 1, [bytes("a"), bytes("b")]);
    await worker.inbox.take("assign");
    expect(head.explain(session, 1)).toMatchObject({
      session,
      task: 1,
      state: "running",
      function: "energy",
      attempt: 1,
      workers: ["w1"],
      sinceMs: expect.any(Number),
      alternatives: [],
      text: expect.stringMatching(/^Task 1\.1 \(energy\) has run on w1 for 0:00:0\d\.$/),
    });
    expect(head.explain(session, 2)).toMatchObject({
      state: "queued",
      connected: 1,
      alternatives: [
        {
          demand: "1 core, limit db 1",
          never: [],
          able: 1,
          obstacles: [
            { type: "limit", name: "db", needed: 1, there: 1 },
            {
              type: "short",
              name: "cores",
              workers: [{ worker: "w1", needed: 10_000, free: 0, total: 10_000 }],
            },
          ],
        },
      ],
      before: 0,
    });
    client.cancel(1);
    await worker.inbox.take("cancel");
    expect(head.explain(session, 1)).toMatchObject({ state: "stopping", workers: ["w1"] });
    expect(head.explain(session, 3)).toMatchObject({ state: "unknown", function: "", workers: [] });
    expect(head.explain(9, 1)).toMatchObject({ state: "unknown" });
  });

  it("names for whom workers are kept free, and what goes first", async () => {
    let nowMs = 0;
    const {
      head,
      client: newClient,
      worker: newWorker,
    } = openHead({
      nowMs: () => nowMs,
      scheduling: { reserveAfterMs: 1_000 },
    });
    const [small, large, worker] = [newClient(), newClient(), newWorker()];
    await worker.join("w1", poolOfCores(2));
    const { session } = await small.open();
    const other = await large.open({ name: "large" });
    small.define(1, { request: request(cores(1).and(wtime(600))) });
    small.submit(1, 1, [bytes("a")]);
    await worker.inbox.take("assign");
    large.define(1, { name: "big", request: request(cores(2)) });
    large.submit(1, 1, [bytes("a")]);
    await expect.poll(() => head.explain(other.session, 1).state).toBe("queued");
    nowMs = 2_000;
    small.define(2, { name: "little", request: request(cores(1).and(wtime(6_000))) });
    small.define(3, { priority: 7, request: request(cores(2)) });
    small.submit(3, 2, [bytes("a"), bytes("b")]);
    await expect.poll(() => head.explain(other.session, 1).reservation).toBeDefined();
    const kept = { session: other.session, function: "big", workers: ["w1"], expectedMs: 598_000 };
    expect(head.explain(other.session, 1).reservation).toEqual(kept);
    small.submit(2, 4, [bytes("a")]);
    await expect.poll(() => head.explain(session, 4).state).toBe("queued");
    expect(head.explain(session, 4)).toMatchObject({
      alternatives: [{ obstacles: [{ type: "reserved", reservation: kept, workers: [{ worker: "w1" }] }] }],
      urgent: [{ prioritized: false, priority: 7, tasks: 2 }],
      sessions: [{ session: other.session, name: "large", tasks: 1 }],
    });
  });

  it("tells why no worker could ever run it", async () => {
    const { head, client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join("w1", poolOfCores(2));
    const { session } = await client.open();
    client.define(1, { name: "energy", request: request(anyOf(cores(64), nodes(2))) });
    client.submit(1, 1, [bytes("a")]);
    const notice = await client.inbox.take("notice");
    expect(notice.text).toBe(
      'No connected worker can ever run "energy": it asks for 64 cores or 2 nodes; ' +
        "for 64 cores: 64 cores asked, 2 there (on w1, the only worker); for 2 nodes: 2 nodes asked, 1 worker there. " +
        "Its calls wait until workers join that can; ask for less, or start such workers (`grain ls` shows what there is).",
    );
    expect(head.explain(session, 1).alternatives).toMatchObject([
      { never: ["64 cores asked, 2 there"], closest: "w1", able: 0 },
      { never: ["2 nodes asked, 1 worker there"], closest: "", able: 1 },
    ]);
    client.define(2, { request: request(nodes(3)), failInfeasible: true });
    client.submit(2, 2, [bytes("a")]);
    expect((await client.inbox.take("failure")).message).toBe(
      "no connected worker could ever give 3 nodes: 3 nodes asked, 1 worker there",
    );
  });
});

it("a gang's task is told the workers that it has for itself", async () => {
  const { client: newClient, worker: newWorker } = openHead();
  const [client, first, second] = [newClient(), newWorker(), newWorker()];
  await first.join("w1", poolOfCores(2));
  await second.join("w2", poolOfCores(4));
  await client.open();
  client.define(1, { request: request(nodes(2)) });
  client.submit(1, 1, [bytes("a")]);
  const assign = await first.inbox.take("assign");
  const host = expect.any(String);
  expect(assign).toMatchObject({ granted: true, hardMs: 0 });
  expect(assign.gangs).toEqual([
    {
      index: 0,
      nodes: [
        { worker: "w1", host, cores: 2 },
        { worker: "w2", host, cores: 4 },
      ],
    },
  ]);
});
