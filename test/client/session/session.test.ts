import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { SpawnedCall } from "../../../client/call.js";
import type { Completion } from "../../../client/completion.js";
import type { CallOwner } from "../../../client/session/call.js";
import { HeadSession } from "../../../client/session/session.js";
import { ConnectionError, SerializationError, TaskCancelledError, TaskError } from "../../../proto/errors.js";
import { FailureKind, Refused_Code, type Submit } from "../../../proto/grain.js";
import { encodeError } from "../../../proto/values/error.js";
import {
  coresRequest,
  definitionOf,
  FakeHead,
  type FakeHeadOptions,
  remoteCall,
  settingsFor,
} from "../../kit/fake-head.js";

const THIS_FILE = fileURLToPath(import.meta.url);

class Owner implements CallOwner {
  readonly numbers: number[] = [];
  ended(call: SpawnedCall): void {
    this.numbers.push(call.number);
  }
}

function setUp(options: FakeHeadOptions = {}, settings: Parameters<typeof settingsFor>[1] = {}) {
  const head = new FakeHead(options);
  const session = new HeadSession(settingsFor(head, settings));
  return { head, session, owner: new Owner() };
}

function resultOf(completion: Completion): Promise<unknown> {
  return new Promise((resolve, reject) => {
    completion.watch(() => {
      const { state } = completion;
      if (state.type === "fulfilled") resolve(state.value);
      else if (state.type === "rejected") reject(state.error);
    });
  });
}

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

  it("snapshots arguments at the call", async () => {
    const { head, session, owner } = setUp();
    const small = new Float64Array([1, 2, 3]);
    const large = new Float64Array(20_000).fill(1);
    session.submit(remoteCall(definitionOf("f"), small), owner);
    session.submit(remoteCall(definitionOf("f"), large), owner);
    small.fill(0);
    large.fill(0);
    await head.until(() => head.tasks.size === 2);
    expect(head.argsOf(head.tasks.get(1)!)[0]).toEqual(new Float64Array([1, 2, 3]));
    expect(head.argsOf(head.tasks.get(2)!)[0]).toEqual(new Float64Array(20_000).fill(1));
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

  it("does not hold small calls back behind large arguments", async () => {
    const { head, session, owner } = setUp();
    let release!: () => void;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    head.blobs.before = (operation) => (operation === "put" ? gate : undefined);
    const f = definitionOf("f");
    session.submit(remoteCall(f, new Uint8Array(100_000)), owner);
    session.submit(remoteCall(f, 1), owner);
    await head.until(() => head.tasks.size === 1);
    expect(head.argsOf(head.tasks.get(1)!)).toEqual([1]);
    release();
    await head.until(() => head.tasks.size === 2);
    expect(head.tasks.get(2)!.blob?.byteLength).toBeGreaterThan(100_000);
    await session.close();
  });

  it("uploads one large argument of many calls once while it is under way", async () => {
    const { head, session, owner } = setUp();
    const large = new Uint8Array(100_000);
    for (let i = 0; i < 5; i++) session.submit(remoteCall(definitionOf("f"), large), owner);
    await head.until(() => head.tasks.size === 5);
    expect(head.blobs.log.filter((entry) => entry === "put")).toHaveLength(1);
    await session.close();
  });

  it("holds calls back, in order, until their module is with the head; others go on", async () => {
    const { head, session, owner } = setUp();
    let release!: () => void;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    head.blobs.before = (operation) => (operation === "put" ? gate : undefined);
    const bundled = definitionOf("bundled", { module: THIS_FILE });
    const baked = definitionOf("baked");
    for (let i = 0; i < 3; i++) {
      session.submit(remoteCall(bundled, i), owner);
      session.submit(remoteCall(baked, i), owner);
    }
    await head.until(() => head.tasks.size === 3);
    release();
    await head.until(() => head.tasks.size === 6);
    const arrived = [...head.tasks.values()].map((task) => [
      task.number,
      task.spec.function,
      head.argsOf(task)[0],
    ]);
    expect(arrived).toEqual([
      [1, "baked", 0],
      [2, "baked", 1],
      [3, "baked", 2],
      [4, "bundled", 0],
      [5, "bundled", 1],
      [6, "bundled", 2],
    ]);
    expect(head.bodies("submit")).toHaveLength(2);
    expect([...head.specs.values()].map((spec) => spec.module.slice(0, 7))).toEqual(["baked", "sha256-"]);
    await session.close();
  });

  it("uploads a module once, and not at all when the head holds it", async () => {
    const { head, session, owner } = setUp();
    for (const name of ["a", "b"])
      session.submit(remoteCall(definitionOf(name, { module: THIS_FILE })), owner);
    await head.until(() => head.tasks.size === 2);
    expect(head.blobs.log).toEqual(["missing", "put"]);
    await session.close();
  });

  it("fails the calls of a module that cannot be bundled, and tries again with the next", async () => {
    let broken = true;
    const { head, session, owner } = setUp(
      {},
      {
        bundle: async (file) => {
          if (broken) throw new ConnectionError("no bundle");
          return settingsFor(head).bundle(file);
        },
      },
    );
    const f = definitionOf("f", { module: THIS_FILE });
    const calls = [1, 2].map((i) => session.submit(remoteCall(f, i), owner));
    for (const call of calls) await expect(resultOf(call.completion)).rejects.toThrow("no bundle");
    broken = false;
    session.submit(remoteCall(f, 3), owner);
    await head.until(() => head.tasks.size === 1);
    expect(head.argsOf([...head.tasks.values()][0]!)).toEqual([3]);
    await session.close();
  });

  it("fetches large results and acknowledges them then", async () => {
    const { head, session, owner } = setUp();
    const f = definitionOf("f");
    const calls = [1, 2, 3].map((i) => session.submit(remoteCall(f, i), owner));
    await head.until(() => head.tasks.size === 3);
    let release!: () => void;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    head.blobs.before = () => gate;
    head.finishWithBlobs(
      [
        [1, "one"],
        [2, "large"],
        [3, "three"],
      ],
      [1],
    );
    expect(await resultOf(calls[0]!.completion)).toBe("one");
    expect(await resultOf(calls[2]!.completion)).toBe("three");
    await head.until(() => head.acked.size === 2);
    expect([...head.acked]).toEqual([1, 3]);
    release();
    expect(await resultOf(calls[1]!.completion)).toBe("large");
    await head.until(() => head.acked.has(2));
    await session.close();
  });

  it("rejects a call whose result cannot be fetched", async () => {
    const { head, session, owner } = setUp();
    const call = session.submit(remoteCall(definitionOf("f")), owner);
    await head.until(() => head.tasks.size === 1);
    head.blobs.before = () => Promise.reject(new ConnectionError("it is gone"));
    head.finishWithBlobs([[1, "x"]], [0]);
    await expect(resultOf(call.completion)).rejects.toThrow("it is gone");
    expect(owner.numbers).toEqual([1]);
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

  it("ignores results of tasks it does not know, and acknowledges them", async () => {
    const { head, session, owner } = setUp();
    const call = session.submit(remoteCall(definitionOf("f")), owner);
    await head.until(() => head.tasks.size === 1);
    head.finish([77, "stray"], [1, "mine"], [1, "again"]);
    expect(await resultOf(call.completion)).toBe("mine");
    await head.until(() => head.acked.has(77));
    expect(owner.numbers).toEqual([1]);
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

  it("rejects everything with a ConnectionError when the link ends", async () => {
    const { head, session, owner } = setUp();
    const calls = [1, 2].map((i) => session.submit(remoteCall(definitionOf("f"), i), owner));
    await head.until(() => head.tasks.size === 2);
    head.destroy("gone");
    for (const call of calls)
      await expect(resultOf(call.completion)).rejects.toThrow(/fake:1 ended: .*the other side/);
    expect(() => session.submit(remoteCall(definitionOf("f")), owner)).toThrow(ConnectionError);
    expect(owner.numbers).toEqual([1, 2]);
    await session.close();
  });

  it("ends with the head's words when it is refused later", async () => {
    const { head, session, owner } = setUp();
    const call = session.submit(remoteCall(definitionOf("f")), owner);
    await head.until(() => head.tasks.size === 1);
    const refused = { code: Refused_Code.BAD_MESSAGE, message: "task 1: no", protocol: 1, version: "0" };
    head.send({ $case: "refused", refused });
    await expect(resultOf(call.completion)).rejects.toThrow(/refused this program: task 1: no/);
    await session.close();
  });

  it.each([
    [
      { code: Refused_Code.PROTOCOL, message: "versions differ", protocol: 9, version: "9.9.9" },
      /versions differ.*protocol 1.*9\.9\.9, protocol 9/,
    ],
    [
      {
        code: Refused_Code.TOO_MANY_CLIENTS,
        message: "8 clients are connected",
        protocol: 1,
        version: "0.1.0",
      },
      /fake:1 refused this program: 8 clients are connected$/,
    ],
  ])("is refused: %j", async (refused, message) => {
    const { head, session, owner } = setUp({ polite: false });
    const call = session.submit(remoteCall(definitionOf("f")), owner);
    await head.until(() => head.opened !== undefined);
    head.send({ $case: "refused", refused });
    await expect(session.open()).rejects.toThrow(message);
    await expect(session.open()).rejects.toThrow(ConnectionError);
    await expect(resultOf(call.completion)).rejects.toThrow(message);
    await session.close();
  });

  it("says why the head could not be had", async () => {
    const head = new FakeHead();
    const session = new HeadSession(settingsFor(head, { open: () => Promise.reject(new Error("no luck")) }));
    await expect(session.open()).rejects.toThrow("The head could not be reached: no luck");
    await session.close();
  });

  it("can be closed before it was opened, while it opens, and twice", async () => {
    const idle = setUp();
    await idle.session.close();
    expect(idle.head.messages).toEqual([]);
    const opening = setUp({ polite: false });
    const open = opening.session.open();
    await opening.head.until(() => opening.head.opened !== undefined);
    await Promise.all([
      opening.session.close(),
      opening.session.close(),
      expect(open).rejects.toThrow("closed"),
    ]);
    await opening.head.until(() => opening.head.closed);
  });

  it("releases what was started along with the connection, after closing it", async () => {
    const order: string[] = [];
    const head = new FakeHead();
    const session = new HeadSession(
      settingsFor(head, {
        open: async () => ({
          connection: {
            ...head.connection,
            close: async () => {
              order.push("close");
              await head.connection.close();
            },
          },
          release: async () => void order.push("release"),
        }),
      }),
    );
    await session.open();
    await session.close();
    expect(order).toEqual(["close", "release"]);
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
