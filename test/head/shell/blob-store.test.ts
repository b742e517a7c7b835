import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { CHUNK_BYTES } from "../../../head/shell/blob/content.js";
import { BlobStore, type BlobStoreOptions } from "../../../head/shell/blob/store.js";
import type { BlobRef } from "../../../proto/grain.js";
import { refOf } from "../../../proto/hash.js";

const MIB = 1024 * 1024;

/** Bytes that differ from place to place. */
function bytesOf(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 1) bytes[i] = (i * 31 + seed * 7 + (i >> 8)) & 0xff;
  return bytes;
}

async function openStore(options: BlobStoreOptions = {}) {
  const parent = await mkdtemp(join(tmpdir(), "grain-test-"));
  const store = new BlobStore({ spillParent: parent, ...options });
  onTestFinished(async () => {
    await store.close();
    expect(await readdir(parent)).toEqual([]);
    await rm(parent, { recursive: true });
  });
  return { store, parent };
}

async function upload(
  store: BlobStore,
  ref: BlobRef,
  bytes: Uint8Array,
  chunkBytes = CHUNK_BYTES,
): Promise<void> {
  const intake = await store.receive(ref);
  try {
    for (let at = 0; at < bytes.byteLength; at += chunkBytes)
      await intake.write(bytes.slice(at, at + chunkBytes));
    await intake.finish();
  } finally {
    await intake.abort();
  }
}

async function download(store: BlobStore, hash: string): Promise<{ hash: string; largest: number }> {
  const digest = createHash("sha256");
  let largest = 0;
  for await (const chunk of store.read(hash).chunks()) {
    digest.update(chunk);
    largest = Math.max(largest, chunk.byteLength);
  }
  return { hash: `sha256-${digest.digest("hex")}`, largest };
}

describe.each([
  ["in memory", {}],
  ["in files", { memoryBytes: 0 }],
])("a value %s", (_, options: BlobStoreOptions) => {
  it.each([0, 1, 1000, MIB - 1, MIB, 3 * MIB + 5])(
    "of %i bytes is given back, in chunks and whole",
    async (length) => {
      const { store } = await openStore(options);
      const bytes = bytesOf(length, 1);
      const ref = refOf([bytes]);
      await upload(store, ref, bytes, 70_001);
      expect(await store.missing([ref.hash])).toEqual([]);
      const { hash, largest } = await download(store, ref.hash);
      expect(hash).toBe(ref.hash);
      expect(largest).toBeLessThanOrEqual(CHUNK_BYTES);
      expect(Buffer.compare(await store.get(ref), bytes)).toBe(0);
    },
  );

  it("is put together from small chunks", async () => {
    const { store } = await openStore(options);
    const bytes = bytesOf(300_000, 2);
    const ref = refOf([bytes]);
    await upload(store, ref, bytes, 997);
    expect((await download(store, ref.hash)).hash).toBe(ref.hash);
  });

  it("is refused when its bytes are not those of its name", async () => {
    const { store } = await openStore(options);
    const bytes = bytesOf(100_000, 3);
    const ref = refOf([bytes]);
    const wrong = bytes.slice();
    wrong[5]! ^= 1;
    await expect(upload(store, ref, wrong)).rejects.toThrow(/its bytes have the hash sha256-/);
    await expect(upload(store, ref, bytes.subarray(1))).rejects.toThrow(/99999 of 100000 bytes came/);
    await expect(upload(store, { ...ref, byteLength: 10 }, bytes)).rejects.toThrow(/more than 10 bytes/);
    expect(await store.missing([ref.hash])).toEqual([ref.hash]);
    expect(store.memoryBytes).toBe(0);
  });

  it("that comes twice at a time is kept once", async () => {
    const { store } = await openStore(options);
    const bytes = bytesOf(200_000, 4);
    const ref = refOf([bytes]);
    await Promise.all([upload(store, ref, bytes), upload(store, ref, bytes)]);
    expect((await download(store, ref.hash)).hash).toBe(ref.hash);
    expect(store.memoryBytes).toBe(options.memoryBytes === 0 ? 0 : 200_000);
  });

  it("can be read to its end after it was dropped", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      let nowMs = 0;
      const { store } = await openStore({ ...options, graceMs: 10, nowMs: () => nowMs });
      const bytes = bytesOf(2 * MIB, 5);
      const ref = refOf([bytes]);
      await upload(store, ref, bytes);
      const reading = store.read(ref.hash).chunks();
      const first = await reading.next();
      nowMs += 10;
      vi.advanceTimersByTime(10);
      expect(store.has(ref.hash)).toBe(false);
      const parts = [first.value!];
      for await (const chunk of reading) parts.push(chunk);
      expect(refOf(parts)).toEqual(ref);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("the store", () => {
  it("keeps values beyond its memory in private files without names", async () => {
    const { store, parent } = await openStore({ memoryBytes: 150_000 });
    const values = [1, 2, 3].map((seed) => bytesOf(100_000, seed));
    for (const value of values) await upload(store, refOf([value]), value);
    expect(store.memoryBytes).toBe(100_000);
    const [directory] = await readdir(parent);
    expect((await stat(join(parent, directory!))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(parent, directory!))).toEqual([]);
    for (const value of values) expect(Buffer.compare(await store.get(refOf([value])), value)).toBe(0);
  });

  it("takes values of its own process without copying them", async () => {
    const { store } = await openStore();
    const bytes = bytesOf(1000, 6);
    await store.put(refOf([bytes]), [bytes]);
    expect(await store.get(refOf([bytes]))).toBe(bytes);
  });

  it("takes values of its own process into files when memory is full", async () => {
    const { store } = await openStore({ memoryBytes: 10 });
    const parts = [bytesOf(1000, 6), bytesOf(2 * MIB, 7)];
    await store.put(refOf(parts), parts);
    expect(store.memoryBytes).toBe(0);
    expect((await download(store, refOf(parts).hash)).hash).toBe(refOf(parts).hash);
  });

  it.each([
    ["no hash", { hash: "sha256-zz", byteLength: 1 }],
    ["no length", { hash: `sha256-${"a".repeat(64)}`, byteLength: Number.NaN }],
    ["too much", { hash: `sha256-${"a".repeat(64)}`, byteLength: 5 * 1024 ** 3 }],
  ])("refuses a name with %s", async (_, ref) => {
    const { store } = await openStore();
    await expect(store.receive(ref)).rejects.toMatchObject({ fault: "mismatch" });
  });

  it("says what it does not hold", async () => {
    const { store } = await openStore();
    const ref = refOf([bytesOf(5, 1)]);
    expect(() => store.read(ref.hash)).toThrow(/does not hold the value sha256-/);
    await expect(store.get(ref)).rejects.toMatchObject({ fault: "missing" });
  });

  it("forgets an upload that is given up", async () => {
    const { store } = await openStore();
    const bytes = bytesOf(100, 1);
    const intake = await store.receive(refOf([bytes]));
    await intake.write(bytes.subarray(0, 50));
    expect(store.memoryBytes).toBe(100);
    await intake.abort();
    await intake.abort();
    expect(store.memoryBytes).toBe(0);
  });

  it("takes nothing after its end", async () => {
    const { store } = await openStore();
    const bytes = bytesOf(10, 1);
    await store.close();
    await expect(store.receive(refOf([bytes]))).rejects.toMatchObject({ fault: "closed" });
    await expect(store.put(refOf([bytes]), [bytes])).rejects.toMatchObject({ fault: "closed" });
  });
});

describe("references", () => {
  async function withClock() {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    let nowMs = 0;
    const { store } = await openStore({ graceMs: 100, nowMs: () => nowMs });
    const bytes = bytesOf(10, 1);
    const ref = refOf([bytes]);
    const pass = (ms: number) => {
      nowMs += ms;
      vi.advanceTimersByTime(ms);
    };
    return { store, ref, pass, put: () => store.put(ref, [bytes]) };
  }

  it("keep a value, each of them", async () => {
    const { store, ref, pass, put } = await withClock();
    await put();
    store.hold(ref.hash);
    store.hold(ref.hash);
    store.release(ref.hash);
    pass(1000);
    expect(store.has(ref.hash)).toBe(true);
    store.release(ref.hash);
    pass(99);
    expect(store.has(ref.hash)).toBe(true);
    pass(1);
    expect(store.has(ref.hash)).toBe(false);
    expect(store.memoryBytes).toBe(0);
  });

  it("may come before the value", async () => {
    const { store, ref, pass, put } = await withClock();
    store.hold(ref.hash);
    await put();
    pass(1000);
    expect(store.has(ref.hash)).toBe(true);
  });

  it("are waited for again after somebody asked", async () => {
    const { store, ref, pass, put } = await withClock();
    await put();
    pass(90);
    await store.missing([ref.hash]);
    pass(90);
    expect(store.has(ref.hash)).toBe(true);
    pass(10);
    expect(store.has(ref.hash)).toBe(false);
  });

  it("that are released too often are a mistake", async () => {
    const { store, ref } = await withClock();
    expect(() => store.release(ref.hash)).toThrow(/more often/);
  });
});
