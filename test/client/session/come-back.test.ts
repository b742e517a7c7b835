/** A session whose streams break, with a real head and a worker that gives arguments back. */

import { describe, expect, it, vi } from "vitest";
import { HeadSession } from "../../../client/session/session.js";
import type { ClientConnection } from "../../../client/session/settings.js";
import { Head } from "../../../head/shell/head.js";
import type { HeadOptions } from "../../../head/shell/head-options.js";
import type { ClientMessage, HeadToClient, HeadToWorker, WorkerMessage } from "../../../proto/grain.js";
import type { Link } from "../../../proto/link/link.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { definitionOf, FakeHead, remoteCall, settingsFor } from "../../kit/fake-head.js";
import { poolOfCores, ScriptedWorker } from "../../kit/peers.js";
import { Owner, resultOf } from "./session-kit.js";

type ClientLink = Link<ClientMessage, HeadToClient>;

/** A head, a session with it, and its streams. */
function setUp(options: HeadOptions = {}) {
  const head = new Head(options);
  const streams: ClientLink[] = [];
  let refuses = false;
  /** Called for each batch of the head's. */
  const onBatch = { call: () => {} };
  const stream = (): ClientLink => {
    const [mine, heads] = memoryLink<ClientMessage, HeadToClient>();
    head.acceptClient(heads);
    const { receive } = mine;
    mine.receive = (handler) =>
      receive.call(mine, {
        ended: (end) => handler.ended(end),
        messages: (batch) => {
          handler.messages(batch as never);
          onBatch.call();
        },
      });
    streams.push(mine);
    return mine;
  };
  const connection: ClientConnection = {
    link: stream(),
    reopen: async () => {
      if (refuses) throw new Error("nobody answers");
      return stream();
    },
    blobs: head.blobs,
    address: "test",
    status: async () => head.status(),
    close: async () => streams.at(-1)!.close(),
  };
  const notices: string[] = [];
  const session = new HeadSession(
    settingsFor(new FakeHead(), {
      open: async () => ({ connection, release: async () => {} }),
      listener: { output() {}, ended() {}, notice: ({ text }) => void notices.push(text) },
    }),
  );
  const [mine, heads] = memoryLink<WorkerMessage, HeadToWorker>();
  head.acceptWorker(heads);
  const worker = new ScriptedWorker(mine);
  return {
    head,
    session,
    worker,
    owner: new Owner(),
    notices,
    onBatch,
    cut: () => streams.at(-1)!.destroy("cut"),
    streams,
    refuse: (yes: boolean) => {
      refuses = yes;
    },
  };
}

const echo = definitionOf("echo");

describe("a session whose stream breaks", () => {
  it.each([1, 2, 3, 7])(
    "after every %i batches of the head's ends each call once, in order",
    async (every) => {
      const given = setUp();
      const { head, session, worker, owner, onBatch, cut, streams } = given;
      await worker.join("w1", poolOfCores(2));
      void worker.workOn();
      await session.open();
      let batches = 0;
      onBatch.call = () => {
        batches += 1;
        if (batches % every === 0 && streams.length < 40) cut();
      };
      const calls = [];
      for (let round = 0; round < 30; round += 1) {
        for (let i = 0; i < 10; i += 1) calls.push(session.submit(remoteCall(echo, round * 10 + i), owner));
        await new Promise((resolve) => setImmediate(resolve));
      }
      const values = await Promise.all(calls.map(({ completion }) => resultOf(completion)));
      expect(values).toEqual(Array.from({ length: 300 }, (_, i) => [i]));
      expect(owner.numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
      expect(streams.length).toBeGreaterThan(3);
      expect(worker.inbox.all.filter(({ body }) => body?.$case === "assign").flatMap(tasksOf)).toHaveLength(
        300,
      );
      await session.close();
      await head.close();
    },
  );

  it("sends what was submitted and cancelled meanwhile when it is back", async () => {
    const { head, session, worker, owner, cut, refuse } = setUp();
    await worker.join("w1", poolOfCores(1));
    await session.open();
    const kept = session.submit(remoteCall(echo, 1), owner);
    const first = await worker.inbox.take("assign");
    refuse(true);
    cut();
    await new Promise((resolve) => setImmediate(resolve));
    const other = new Owner();
    const late = session.submit(remoteCall(echo, 2), owner);
    const doomed = session.submit(remoteCall(echo, 3), other);
    session.cancel(other);
    worker.finish(first);
    refuse(false);
    expect(await resultOf(kept.completion)).toEqual([1]);
    worker.finish(await worker.inbox.take("assign"));
    expect(await resultOf(late.completion)).toEqual([2]);
    await expect(resultOf(doomed.completion)).rejects.toThrow(/cancelled/);
    await session.close();
    await head.close();
  });

  it("says so after 5 s, and fails with what was under way when its lease has ended", async () => {
    const { head, session, worker, owner, cut, refuse, notices } = setUp({ leaseMs: 8_000 });
    await worker.join("w1", poolOfCores(1));
    await session.open();
    const call = session.submit(remoteCall(echo, 1), owner);
    await worker.inbox.take("assign");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      refuse(true);
      const failed = resultOf(call.completion).catch((error: Error) => error.message);
      cut();
      await new Promise((resolve) => setImmediate(resolve));
      await vi.advanceTimersByTimeAsync(4_900);
      expect(notices).toEqual([]);
      await vi.advanceTimersByTimeAsync(200);
      expect(notices).toEqual(["lost the connection to the head at test; trying again"]);
      await vi.advanceTimersByTimeAsync(4_000);
      expect(await failed).toMatch(/could not be opened again within 8 s, and 1 unfinished call is lost/);
    } finally {
      vi.useRealTimers();
    }
    await session.close();
    await head.close();
  });

  it("does not wait for it when there is nothing left to do", async () => {
    const { head, session, worker, owner, cut, refuse } = setUp();
    await worker.join("w1", poolOfCores(1));
    void worker.workOn();
    await session.open();
    expect(await resultOf(session.submit(remoteCall(echo, 1), owner).completion)).toEqual([1]);
    refuse(true);
    cut();
    await new Promise((resolve) => setImmediate(resolve));
    await session.close();
    await head.close();
  });
});

function tasksOf({ body }: HeadToWorker): number[] {
  return body?.$case === "assign" ? body.assign.tasks : [];
}
