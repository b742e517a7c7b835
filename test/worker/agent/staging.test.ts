import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { newValueKey, valueRefOf } from "../../../proto/hash.js";
import type { BlobTransport, ValueFiles } from "../../../proto/link/link.js";
import { fileNameOf } from "../../../proto/share/directory.js";
import { NAMED_BYTES } from "../../../proto/share/named.js";
import { readValueSync, writeValue } from "../../../proto/share/value-file.js";
import { Staging } from "../../../worker/agent/staging.js";

const BYTES = new Uint8Array(100_000).fill(5);

function setUp(files?: (directory: string) => Partial<ValueFiles>) {
  const root = mkdtempSync(join(tmpdir(), "grain-test-"));
  vi.stubEnv("GRAIN_SHARED_DIR", root);
  const held = new Map<string, Uint8Array>();
  const blobs: BlobTransport = {
    files: files === undefined ? undefined : (files(root) as ValueFiles),
    missing: async () => [],
    put: async (ref, parts) => {
      const all: Uint8Array[] = [];
      for await (const part of parts) all.push(part);
      held.set(ref.hash, Buffer.concat(all));
    },
    get: async () => BYTES,
  };
  const staging = new Staging(blobs);
  onTestFinished(() => {
    staging.close();
    vi.unstubAllEnvs();
    expect(readdirSync(root)).toEqual([]);
    rmSync(root, { recursive: true });
  });
  return { staging, held, root };
}

function result(executor: number, directory: string, bytes = BYTES) {
  const file = fileNameOf(executor);
  const { hash, byteLength } = valueRefOf(newValueKey(), [bytes]);
  writeValue(join(directory, file), [bytes]);
  return { type: "finishedLarge" as const, ref: 1, runUs: 0, hash, byteLength, file, fallback: false };
}

describe("values of a worker that shares nothing with its head", () => {
  it("are written for the executor, and removed with their task", () => {
    const { staging } = setUp();
    const { path, ...ref } = staging.fileOf(1, { ref: 7, value: BYTES });
    expect(readValueSync(path, ref).byteLength).toBe(100_000);
    staging.fileOf(2, { ref: 7, value: BYTES });
    expect(readdirSync(staging.directory)).toHaveLength(1);
    staging.forget(7);
    staging.forget(7);
    expect(readdirSync(staging.directory)).toEqual([]);
  });

  it("are sent, and their file removed", async () => {
    const { staging, held } = setUp();
    const finished = result(1, staging.directory);
    expect(await staging.deliver(finished)).toMatchObject({ hash: finished.hash });
    expect(Buffer.compare(held.get(finished.hash)!, BYTES)).toBe(0);
    expect(readdirSync(staging.directory)).toEqual([]);
    await expect(staging.deliver({ ...finished, file: "../x" })).rejects.toThrow(/does not name a file/);
  });

  it("are removed when the executor dies before it has told of them", () => {
    const { staging } = setUp();
    result(1, staging.directory);
    const other = result(2, staging.directory);
    staging.executorEnded(1);
    expect(readdirSync(staging.directory)).toEqual([other.file]);
  });

  it("fail their task when they cannot be written", () => {
    const { staging } = setUp();
    rmSync(staging.directory, { recursive: true });
    const elsewhere = staging.fileOf(1, { ref: 1, value: BYTES });
    expect(elsewhere.path.startsWith(staging.fallback)).toBe(true);
    expect(readValueSync(elsewhere.path, elsewhere).byteLength).toBe(BYTES.byteLength);
    rmSync(staging.fallback, { recursive: true });
    expect(staging.fileOf(1, { ref: 1, value: BYTES }).problem).toMatch(/ENOENT/);
    const name = { hash: "gmac", byteLength: 5 };
    expect(staging.fileOf(1, { ref: 1, value: name }).problem).toMatch(/has gone/);
  });
});

describe("values of a worker on its head's machine", () => {
  it("are handed over, or stay where they are", async () => {
    const adopted: string[] = [];
    const { staging, root } = setUp((directory) => ({
      directory,
      adopt: async (_, file) => void adopted.push(file),
      pathOf: (hash) => join(directory, hash),
    }));
    expect(staging.directory).toBe(root);
    const finished = result(1, root, new Uint8Array(NAMED_BYTES + 1));
    await staging.deliver(finished);
    expect(adopted).toEqual([finished.file]);
    expect(readdirSync(root)).not.toContain(finished.file);
    const value = { hash: "x", byteLength: 5 };
    expect(staging.fileOf(1, { ref: 1, value })).toEqual({ ...value, path: join(root, "x") });
  });

  it("are left to the head by name while few of them wait for it, and outlive their executor", async () => {
    const adopted: string[] = [];
    const { staging, root } = setUp((directory) => ({
      directory,
      name: "own",
      adopt: async (_, file) => void adopted.push(file),
    }));
    const large = new Uint8Array(NAMED_BYTES);
    const first = result(1, root, large);
    expect(await staging.deliver(first)).toMatchObject({ hash: first.hash, file: `own/${first.file}` });
    for (let i = 0; i < 7; i += 1) await staging.deliver(result(1, root, large));
    expect(adopted).toEqual([]);
    const over = result(1, root, large);
    expect(await staging.deliver(over)).toEqual({ hash: over.hash, byteLength: NAMED_BYTES });
    expect(adopted).toEqual([over.file]);
    staging.executorEnded(1);
    // The head takes one: there is room for another.
    rmSync(join(root, first.file));
    const next = result(2, root, large);
    expect(await staging.deliver(next)).toMatchObject({ file: `own/${next.file}` });
    for (const file of readdirSync(root)) if (/^[0-9a-f]{32}$/.test(file)) rmSync(join(root, file));
  });
});
