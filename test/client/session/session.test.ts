import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { HeadSession } from "../../../client/session/session.js";
import { SerializationError, TaskCancelledError, TaskError } from "../../../proto/errors.js";
import { FailureKind, type Submit } from "../../../proto/grain.js";
import { encodeError } from "../../../proto/values/error.js";
import { coresRequest, definitionOf, remoteCall, settingsFor } from "../../kit/fake-head.js";
import { Owner, resultOf, setUp } from "./session-kit.js";

const THIS_FILE = fileURLToPath(import.meta.url);

describe("a session", () => {
  it("introduces itself and is welcomed", async () => {
    const { head, session } = setUp(
      {},
      { name: "me", prioritized: true, priority: 7, outputs: true, counts: true },
    );
    await session.open();
    expect(head.opened).toMatchObject({
      name: "me",
      prioritized: true,
      priority: 7,
      outputs: true,
      counts: true,
    });
    expect(head.opened?.hello?.protocol).toBe(1);
    await session.close();
    expect(head.messages.at(-1)?.body?.$case).toBe("close");
    await head.until(() => head.closed);
  });

  it("is opened by the first call, and merges the calls of one turn", async () => {
    const { head, session, owner } = setUp({
      onTask: (task, fake) => fake.finish([task.number, (fake.argsOf(task)[0] as number) * 2]),
    });
    const f = definitionOf("double");
    const calls = Array.from({ length: 1000 }, (_, i) => session.submit(remoteCall(f, i), owner));
    expect(calls.map(({ number }) => number)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    const values = await Promise.all(calls.map(({ completion }) => resultOf(completion)));
    expect(values).toEqual(Array.from({ length: 1000 }, (_, i) => i * 2));
    expect(head.bodies("submit")).toHaveLength(1);
    expect(owner.numbers).toHaveLength(1000);
    await session.close();
    expect(head.acked.size).toBe(1000);
  });

  it("registers one spec for one function, request and options", async () => {
    const { head, session, owner } = setUp();
    const f = definitionOf("f");
    for (const cores of [1, 2, 1]) session.submit({ ...remoteCall(f), request: coresRequest(cores) }, owner);
    session.submit(remoteCall(definitionOf("f", { options: { priority: 5 } })), owner);
    session.submit(remoteCall(definitionOf("g")), owner);
    await head.until(() => head.tasks.size === 5);
    expect(
      [...head.specs.values()].map((spec) => [
        spec.function,
        spec.request?.alternatives[0]?.amounts[0]?.amount,
        spec.priority,
      ]),
    ).toEqual([
      ["f", 10_000, 0],
      ["f", 20_000, 0],
      ["f", 10_000, 5],
      ["g", 10_000, 0],
    ]);
    expect([...head.tasks.values()].map(({ spec }) => spec.spec)).toEqual([1, 2, 1, 3, 4]);
    await session.close();
  });

  it("refuses arguments that cannot be sent, at the call", async () => {
    const { session, owner } = setUp();
    expect(() => session.submit(remoteCall(definitionOf("f"), { callback: () => {} }), owner)).toThrow(
      SerializationError,
    );
    expect(owner.numbers).toEqual([]);
    await session.close();
  });

  it("rejects with a TaskError that names function, task and worker", async () => {
    const { head, session, owner } = setUp();
    const call = session.submit(remoteCall(definitionOf("energy")), owner);
    await head.until(() => head.tasks.size === 1);
    head.fail(1, { kind: FailureKind.THREW, worker: "w1", error: encodeError(new RangeError("too close")) });
    const error = (await resultOf(call.completion).catch((caught) => caught)) as TaskError;
    expect(error).toBeInstanceOf(TaskError);
    expect(error.message).toBe("energy (task 3.1) failed on worker w1: too close");
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ functionName: "energy", taskId: "3.1", worker: "w1", attempt: 1 });
    await session.close();
    expect([...head.acked]).toEqual([1]);
  });

  it("ignores a result that comes again", async () => {
    const { head, session, owner } = setUp();
    const call = session.submit(remoteCall(definitionOf("f")), owner);
    await head.until(() => head.tasks.size === 1);
    head.finish([1, "mine"], [1, "again"]);
    expect(await resultOf(call.completion)).toBe("mine");
    await head.until(() => head.acked.has(1));
    expect(owner.numbers).toEqual([1]);
    await session.close();
  });

  it("leaves a head that breaks the protocol, and says what was wrong", async () => {
    const { head, session, owner } = setUp();
    const call = session.submit(remoteCall(definitionOf("f")), owner);
    await head.until(() => head.tasks.size === 1);
    head.finish([77, "stray"], [1, "mine"]);
    await expect(resultOf(call.completion)).rejects.toThrow(
      /breaks the protocol: results: task 77 was never submitted, and 1 unfinished call is lost/,
    );
    expect(() => session.submit(remoteCall(definitionOf("f")), owner)).toThrow(/breaks the protocol/);
    expect(owner.numbers).toEqual([1]);
    await session.close();
  });

  it("refuses more than there is room for, and takes more when there is", async () => {
    const room = { heapUse: () => 0, argumentBytes: 32 * 1024 * 1024 };
    const { head, session, owner } = setUp({}, { room });
    const f = definitionOf("f");
    const flood = () => {
      for (let i = 0; i < 10_000; i += 1) session.submit(remoteCall(f, "x".repeat(10_000)), owner);
    };
    expect(flood).toThrow(/Too much is submitted at once: \d+ MiB of arguments wait .* queueLimiter/);
    const { submitted } = session.figures;
    // What has been submitted is sent, and ends as always.
    await head.until(() => head.tasks.size === submitted);
    session.submit(remoteCall(f, "one more"), owner);
    await head.until(() => head.tasks.size === submitted + 1);
    await session.close();
    expect(owner.numbers).toHaveLength(submitted + 1);
  });

  it("refuses more calls than its heap holds", async () => {
    const room = { heapUse: () => 0.9, argumentBytes: Number.POSITIVE_INFINITY };
    const { session, owner } = setUp({}, { room });
    const f = definitionOf("f");
    const flood = () => {
      for (let i = 0; i < 100_000; i += 1) session.submit(remoteCall(f), owner);
    };
    expect(flood).toThrow(
      /5\d{4} calls are under way, and the heap of this program is nearly full.*max-old-space-size/,
    );
    session.cancel(owner);
    await session.close();
  });

  it("rejects calls whose result bytes are no value", async () => {
    const { head, session, owner } = setUp();
    const call = session.submit(remoteCall(definitionOf("f")), owner);
    await head.until(() => head.tasks.size === 1);
    head.delivered.add(1);
    head.send({
      $case: "results",
      results: { tasks: [1], sizes: [3], values: Buffer.from([250, 251, 252]), blobs: [] },
    });
    await expect(resultOf(call.completion)).rejects.toThrow(SerializationError);
    await session.close();
  });

  it("cancels what was sent by asking, and what was not here", async () => {
    const { head, session, owner } = setUp();
    const other = new Owner();
    const f = definitionOf("f");
    const sent = session.submit(remoteCall(f, 1), owner);
    const foreign = session.submit(remoteCall(f, 2), other);
    await head.until(() => head.tasks.size === 2);
    head.blobs.before = () => new Promise(() => {});
    const uploading = session.submit(remoteCall(f, new Uint8Array(100_000)), owner);
    const held = session.submit(remoteCall(definitionOf("g", { module: THIS_FILE })), owner);
    const queued = session.submit(remoteCall(f, 3), owner);
    session.cancel(owner);
    for (const call of [uploading, held, queued]) expect(call.completion.state.type).toBe("rejected");
    expect(sent.completion.state.type).toBe("pending");
    await expect(resultOf(sent.completion)).rejects.toThrow(TaskCancelledError);
    expect(head.bodies("cancel")).toEqual([{ tasks: [1] }]);
    expect(foreign.completion.state.type).toBe("pending");
    expect(head.submitted.size).toBe(2);
    await session.close();
    expect(foreign.completion.state).toMatchObject({ type: "rejected" });
  });

  it("asks the head for its status", async () => {
    const { session } = setUp();
    expect(await session.status()).toMatchObject({ workers: [] });
    await session.close();
  });

  it("stops sending while the transport is full", async () => {
    const { head, session, owner } = setUp();
    const real = head.connection.link;
    let pendingBytes = 0;
    let drained!: () => void;
    const full = {
      ...head.connection,
      link: new Proxy(real, {
        get(target, key) {
          if (key === "pendingBytes") return pendingBytes;
          if (key === "drained") return () => new Promise<void>((resolve) => (drained = resolve));
          const value = Reflect.get(target, key, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      }),
    };
    const slow = new HeadSession(
      settingsFor(head, { open: async () => ({ connection: full, release: async () => {} }) }),
    );
    await slow.open();
    pendingBytes = 9 * 1024 * 1024;
    slow.submit(remoteCall(definitionOf("f"), 1), owner);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    slow.submit(remoteCall(definitionOf("f"), 2), owner);
    expect(head.submitted.size).toBe(0);
    pendingBytes = 0;
    drained();
    await head.until(() => head.submitted.size === 2);
    expect((head.bodies("submit") as Submit[]).map(({ first, sizes }) => [first, sizes.length])).toEqual([
      [1, 2],
    ]);
    await slow.close();
    await session.close();
  });
});
