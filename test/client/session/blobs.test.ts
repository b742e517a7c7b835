import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ConnectionError } from "../../../proto/errors.js";
import { refOf } from "../../../proto/hash.js";
import { definitionOf, remoteCall, settingsFor } from "../../kit/fake-head.js";
import { resultOf, setUp } from "./session-kit.js";

const THIS_FILE = fileURLToPath(import.meta.url);

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Waits for what no message tells. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe("large values and modules of a session", () => {
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

  it("does not hold small calls back behind large arguments", async () => {
    const { head, session, owner } = setUp();
    const { opened, open } = gate();
    head.blobs.before = (operation) => (operation === "put" ? opened : undefined);
    const f = definitionOf("f");
    session.submit(remoteCall(f, new Uint8Array(100_000)), owner);
    session.submit(remoteCall(f, 1), owner);
    await head.until(() => head.tasks.size === 1);
    expect(head.argsOf(head.tasks.get(1)!)).toEqual([1]);
    open();
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
    const { opened, open } = gate();
    head.blobs.before = (operation) => (operation === "put" ? opened : undefined);
    const bundled = definitionOf("bundled", { module: THIS_FILE });
    const baked = definitionOf("baked");
    for (let i = 0; i < 3; i++) {
      session.submit(remoteCall(bundled, i), owner);
      session.submit(remoteCall(baked, i), owner);
    }
    await head.until(() => head.tasks.size === 3);
    open();
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
    const { opened, open } = gate();
    head.blobs.before = () => opened;
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
    open();
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
});

describe("what the head has dropped meanwhile", () => {
  /** The head's patience with what nothing refers to. */
  const GRACE_MS = 60_000;

  /** A session whose head drops blobs when the clock says so, and whose first module takes a while. */
  function setUpSlow() {
    let nowMs = 0;
    const slow = gate();
    const world = setUp(
      {},
      {
        nowMs: () => nowMs,
        bundle: async (file) => {
          await slow.opened;
          const bytes = Buffer.from(`bundle of ${file}`);
          return { ref: refOf([bytes]), bytes };
        },
      },
    );
    const sleep = (ms: number) => {
      nowMs += ms;
      if (ms >= GRACE_MS) world.head.blobs.held.clear();
    };
    return { ...world, sleep, bundled: slow.open };
  }

  it("is uploaded again before a call refers to it", async () => {
    const { head, session, owner, sleep, bundled } = setUpSlow();
    const f = definitionOf("f", { module: THIS_FILE });
    const large = new Uint8Array(100_000).fill(7);
    session.submit(remoteCall(f, large), owner);
    session.submit(remoteCall(f, large, 2), owner);
    await until(() => head.blobs.held.size === 2);
    // Changed after the call: what is sent again is what was given.
    large.fill(9);
    sleep(GRACE_MS + 1);
    bundled();
    // The scripted head throws at a call whose arguments are not there.
    await head.until(() => head.tasks.size === 2);
    expect([...head.tasks.values()].map((task) => head.argsOf(task))).toEqual([
      [new Uint8Array(100_000).fill(7)],
      [new Uint8Array(100_000).fill(7), 2],
    ]);
    await session.close();
  });

  it("is asked about, and not uploaded again where it is still there", async () => {
    const { head, session, owner, sleep, bundled } = setUpSlow();
    session.submit(remoteCall(definitionOf("f", { module: THIS_FILE }), new Uint8Array(100_000)), owner);
    await until(() => head.blobs.held.size === 1);
    sleep(GRACE_MS / 2);
    bundled();
    await head.until(() => head.tasks.size === 1);
    expect(head.blobs.log).toEqual(["missing", "put", "missing", "put", "missing"]);
    await session.close();
  });

  it("is not asked about while the head surely has it", async () => {
    const { head, session, owner, sleep, bundled } = setUpSlow();
    session.submit(remoteCall(definitionOf("f", { module: THIS_FILE }), new Uint8Array(100_000)), owner);
    await until(() => head.blobs.held.size === 1);
    sleep(GRACE_MS / 10);
    bundled();
    await head.until(() => head.tasks.size === 1);
    expect(head.blobs.log).toEqual(["missing", "put", "missing", "put"]);
    await session.close();
  });

  it("may be a module: it is uploaded again before the function is registered", async () => {
    const { head, session, owner, sleep, bundled } = setUpSlow();
    bundled();
    const f = definitionOf("f", { module: THIS_FILE });
    session.submit(remoteCall(f, 1), owner);
    await head.until(() => head.tasks.size === 1);
    sleep(GRACE_MS + 1);
    session.submit(remoteCall(definitionOf("g", { module: THIS_FILE }), 2), owner);
    await head.until(() => head.tasks.size === 2);
    expect(head.blobs.held.size).toBe(1);
    await session.close();
  });

  it("fails the call, not the session, when it cannot be uploaded again", async () => {
    const { head, session, owner, sleep, bundled } = setUpSlow();
    session.submit(remoteCall(definitionOf("f", { module: THIS_FILE }), new Uint8Array(100_000)), owner);
    await until(() => head.blobs.held.size === 1);
    sleep(GRACE_MS / 2);
    let asked = 0;
    head.blobs.before = () => {
      // The module's upload is the first to ask, and may.
      asked += 1;
      if (asked > 2) throw new Error("no room");
    };
    bundled();
    await head.until(() => head.tasks.size === 1);
    await session.close();
  });
});
