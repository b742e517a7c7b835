import { describe, expect, it, vi } from "vitest";
import { FailureKind, Refused_Code } from "../../../proto/grain.js";
import { refOf } from "../../../proto/hash.js";
import { cores } from "../../../proto/resource/resource.js";
import { poolOfCores } from "../../kit/peers.js";
import { bytes, openHead, text } from "./head-kit.js";

describe("one task's way", () => {
  it("goes to a worker and its result comes back", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const client = newClient();
    const worker = newWorker();
    await worker.join("w1");
    const { session } = await client.open();
    client.define(1);
    client.submit(1, 1, [bytes("ab"), bytes(""), bytes("cde")]);
    const { spec, outputs } = await worker.inbox.take("spec");
    expect(spec?.function).toBe("work");
    expect(outputs).toBe(false);
    const assign = await worker.inbox.take("assign");
    expect(assign).toMatchObject({
      session,
      spec: 1,
      tasks: [1, 2, 3],
      attempts: [],
      sizes: [2, 0, 3],
      granted: true,
    });
    expect(text(assign.args)).toBe("abcde");
    worker.finish(assign, { sizes: [1, 1, 1], values: bytes("xyz") });
    const results = await client.inbox.take("results");
    expect(results).toMatchObject({ tasks: [1, 2, 3], sizes: [1, 1, 1] });
    expect(text(results.values)).toBe("xyz");
  });

  it("takes views of the submitted bytes, and hands the worker's bytes on as they are", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join("w1", poolOfCores(2));
    await client.open();
    client.define(1);
    const args = Buffer.from("aabbccdd");
    client.submit(1, 1, [], { sizes: [2, 2, 2, 2], args });
    const assign = await worker.inbox.take("assign");
    expect(assign.args.buffer).toBe(args.buffer);
    const values = bytes("v".repeat(assign.tasks.length));
    worker.finish(assign, { sizes: assign.tasks.map(() => 1), values });
    expect((await client.inbox.take("results")).values).toBe(values);
  });

  it("tells a worker each specification once", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join();
    await client.open();
    client.define(7);
    for (const task of [1, 2, 3]) {
      client.submit(7, task, [bytes("x")]);
      worker.finish(await worker.inbox.take("assign"));
      await client.inbox.take("results");
    }
    expect(worker.inbox.all.filter(({ body }) => body?.$case === "spec")).toHaveLength(1);
  });

  it("relays a failure with the worker's name, and retries when asked to", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join("w7");
    await client.open();
    client.define(1, { retries: 1 });
    client.submit(1, 1, [bytes("x")]);
    worker.fail(await worker.inbox.take("assign"), { kind: FailureKind.THREW });
    const again = await worker.inbox.take("assign");
    expect(again.attempts).toEqual([2]);
    worker.fail(again, { kind: FailureKind.DIED, exitCode: 3 });
    const failure = await client.inbox.take("failure");
    expect(failure).toMatchObject({
      session: 0,
      task: 1,
      attempt: 2,
      kind: FailureKind.DIED,
      worker: "w7",
      exitCode: 3,
    });
  });

  it("moves the tasks of a lost worker elsewhere and drops what it still says", async () => {
    const { client: newClient, worker: newWorker, lines } = openHead();
    const [client, first, second] = [newClient(), newWorker(), newWorker()];
    await first.join("first");
    await client.open();
    client.define(1);
    client.submit(1, 1, [bytes("x")]);
    await first.inbox.take("assign");
    first.link.destroy("gone");
    await second.join("second");
    const assign = await second.inbox.take("assign");
    expect(assign.attempts).toEqual([2]);
    second.finish(assign);
    expect((await client.inbox.take("results")).tasks).toEqual([1]);
    expect(lines.some((line) => line.includes('worker "first" left'))).toBe(true);
  });

  it("passes on what tasks print, before their result, to clients that asked", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const [curious, other, worker] = [newClient(), newClient(), newWorker()];
    await worker.join("w1");
    for (const client of [curious, other]) {
      const { session } = await client.open({ outputs: client === curious });
      client.define(1);
      client.submit(1, 1, [bytes("x")]);
      const assign = await worker.inbox.take("assign");
      worker.print(session, 1, "hello");
      worker.finish(assign);
      await client.inbox.take("results");
    }
    expect(curious.inbox.all.map(({ body }) => body?.$case)).toEqual(["welcome", "output", "results"]);
    expect(await curious.inbox.take("output")).toMatchObject({ session: 0, task: 1, worker: "w1" });
    expect(other.inbox.all.map(({ body }) => body?.$case)).toEqual(["welcome", "results"]);
  });
});

describe("what the head concludes itself", () => {
  it("cancels tasks, on the worker too", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join("w1", poolOfCores(1));
    await client.open();
    client.define(1, { request: { alternatives: cores(1).request.alternatives as never } });
    client.submit(1, 1, [bytes("a")]);
    const assign = await worker.inbox.take("assign");
    client.cancel(1);
    expect(await worker.inbox.take("cancel")).toEqual({ session: assign.session, tasks: [1] });
    worker.fail(assign, { kind: FailureKind.CANCELLED });
    expect(await client.inbox.take("failure")).toMatchObject({ task: 1, kind: FailureKind.CANCELLED });
  });

  it("says that queued tasks are cancelled", async () => {
    const { client: newClient } = openHead();
    const client = newClient();
    await client.open();
    client.define(1);
    client.submit(1, 5, [bytes("a"), bytes("b")]);
    client.cancel(5, 6);
    for (const task of [5, 6]) {
      expect(await client.inbox.take("failure")).toMatchObject({
        task,
        kind: FailureKind.CANCELLED,
        session: 0,
      });
    }
  });

  it("warns once of calls that never fit, or fails them when asked to", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join("w1", poolOfCores(2));
    await client.open();
    const request = cores(64).request as never;
    client.define(1, { name: "energy", request });
    client.define(2, { request, failInfeasible: true });
    client.submit(1, 1, [bytes("a")]);
    client.submit(2, 2, [bytes("a")]);
    const notice = await client.inbox.take("notice");
    expect(notice.warning).toBe(true);
    expect(notice.text).toContain('"energy"');
    expect(notice.text).toContain("64 cores");
    expect(await client.inbox.take("failure")).toMatchObject({ task: 2, kind: FailureKind.INFEASIBLE });
  });

  it.each([
    [false, /wait until workers join that can; ask for less, or start such workers \(`grain ls`/],
    [true, /^This program's own worker can never.*wait in vain: ask for less.*option local.*GRAIN_ADDRESS/],
  ])("advises what can be done about calls that never fit (embedded: %s)", async (embedded, advice) => {
    const { client: newClient, worker: newWorker } = openHead({ embedded });
    const [client, worker] = [newClient(), newWorker()];
    await worker.join("w1", poolOfCores(2));
    await client.open();
    client.define(1, { name: "energy", request: cores(64).request as never });
    client.submit(1, 1, [bytes("a")]);
    expect((await client.inbox.take("notice")).text).toMatch(advice);
  });

  it("gives a task up whose workers keep dying", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const client = newClient();
    await client.open();
    client.define(1);
    client.submit(1, 1, [bytes("a")]);
    for (const name of ["a", "b", "c", "d", "e"]) {
      const worker = newWorker();
      await worker.join(name);
      await worker.inbox.take("assign");
      worker.link.destroy("crashed");
    }
    const failure = await client.inbox.take("failure");
    expect(failure).toMatchObject({ task: 1, kind: FailureKind.WORKER_LOST, worker: "e" });
    expect(failure.message).toContain("a, b, c, d, e");
  });

  it("charges nothing to tasks of a worker that said it leaves", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const client = newClient();
    await client.open();
    client.define(1);
    client.submit(1, 1, [bytes("a")]);
    for (const name of ["a", "b", "c", "d", "e", "f", "g"]) {
      const worker = newWorker();
      await worker.join(name);
      await worker.inbox.take("assign");
      worker.send({ body: { $case: "leaving", leaving: { reason: "walltime" } } });
      worker.link.close();
    }
    const last = newWorker();
    await last.join("last");
    last.finish(await last.inbox.take("assign"));
    expect((await client.inbox.take("results")).tasks).toEqual([1]);
  });
});

describe("status", () => {
  it("shows workers, sessions and queues", async () => {
    const { head, client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join("w1", poolOfCores(1));
    const { session } = await client.open({ name: "scan" });
    client.define(1, { name: "energy", request: cores(1).request as never });
    client.define(2, { name: "huge", request: cores(9).request as never });
    client.submit(1, 1, [bytes("a")]);
    client.submit(2, 2, [bytes("a"), bytes("b")]);
    await worker.inbox.take("assign");
    const status = head.status();
    expect(status.workers).toMatchObject([
      {
        name: "w1",
        state: "ready",
        running: 1,
        free: expect.arrayContaining([{ kind: "cores", amount: 0 }]),
      },
    ]);
    expect(status.sessions).toMatchObject([{ session, name: "scan", queued: 2, running: 1 }]);
    expect(status.queues).toMatchObject([{ session, function: "huge", queued: 2 }]);
  });
});

describe("closing", () => {
  it("says goodbye to everybody and takes nobody new", async () => {
    const { head, client: newClient, worker: newWorker } = openHead();
    const [client, worker, late] = [newClient(), newWorker(), newClient()];
    await worker.join();
    await client.open();
    const closed = head.close("got SIGTERM");
    expect(await client.inbox.take("refused")).toMatchObject({
      code: Refused_Code.DRAINING,
      message: "shutting down: got SIGTERM",
    });
    expect(await worker.inbox.take("leave")).toEqual({ kill: true, reason: "the head is shutting down" });
    await closed;
    expect((await late.ended).type).toBe("closed");
    expect(head.close()).toBe(closed);
  });

  it("refuses who comes during it", async () => {
    const { head, client: newClient } = openHead();
    await head.close();
    const client = newClient();
    client.open().catch(() => {});
    expect((await client.inbox.take("refused")).code).toBe(Refused_Code.DRAINING);
  });
});

describe("large values", () => {
  it("stay while something refers to them", async () => {
    let nowMs = 0;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const {
        head,
        client: newClient,
        worker: newWorker,
      } = openHead({ blobs: { graceMs: 100, nowMs: () => nowMs } });
      const later = () => {
        nowMs += 100;
        vi.advanceTimersByTime(100);
      };
      const [client, worker] = [newClient(), newWorker()];
      const [bundle, arg, result] = [bytes("bundle"), bytes("argument"), bytes("result")].map((part) => ({
        part,
        ref: refOf([part]),
      }));
      for (const { ref, part } of [bundle!, arg!]) await head.blobs.put(ref, [part]);
      await worker.join();
      await client.open();
      client.define(1, { module: bundle!.ref.hash });
      client.submit(1, 1, [bytes("")], { blobs: [{ index: 0, ref: arg!.ref }] });
      const assign = await worker.inbox.take("assign");
      expect(assign.blobs).toEqual([{ index: 0, ref: arg!.ref }]);
      later();
      expect(await head.blobs.missing([bundle!.ref.hash, arg!.ref.hash])).toEqual([]);
      await head.blobs.put(result!.ref, [result!.part]);
      worker.finish(assign, { blobs: [{ index: 0, ref: result!.ref }] });
      expect((await client.inbox.take("results")).blobs).toEqual([{ index: 0, ref: result!.ref }]);
      later();
      expect(head.blobs.has(arg!.ref.hash)).toBe(false);
      expect(await head.blobs.get(result!.ref)).toEqual(result!.part);
      client.acknowledge(1);
      client.closeSession();
      await client.inbox.take("closed");
      later();
      expect([bundle!, result!].map(({ ref }) => head.blobs.has(ref.hash))).toEqual([false, false]);
    } finally {
      vi.useRealTimers();
    }
  });
});
