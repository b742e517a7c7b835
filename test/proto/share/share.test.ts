import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { digestLike, isBlobName, newValueKey, refOf, valueRefOf } from "../../../proto/hash.js";
import {
  fileNameOf,
  isFileName,
  keep,
  makePrivate,
  newFileName,
  privateAt,
  ROLES,
  removeFilesOf,
  sharedRoot,
  sweep,
} from "../../../proto/share/directory.js";
import {
  readValue,
  readValueSync,
  removeValue,
  writeAndName,
  writeValue,
} from "../../../proto/share/value-file.js";
import { decodeValue, encodeValue, joinParts } from "../../../proto/values/value.js";

function scratch(): string {
  const path = mkdtempSync(join(tmpdir(), "grain-test-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe("names of values", () => {
  it("are those of their bytes, in whatever pieces, under one key", () => {
    const key = newValueKey();
    const bytes = Buffer.alloc(700_000, "grain");
    const ref = valueRefOf(key, [bytes]);
    expect(isBlobName(ref.hash)).toBe(true);
    expect(valueRefOf(key, [bytes.subarray(0, 3), bytes.subarray(3)])).toEqual(ref);
    expect(valueRefOf(newValueKey(), [bytes]).hash).not.toBe(ref.hash);
    bytes[699_999]! ^= 1;
    expect(valueRefOf(key, [bytes]).hash).not.toBe(ref.hash);
    const digest = digestLike(ref.hash);
    bytes[699_999]! ^= 1;
    digest.update(bytes);
    expect(digest.name()).toBe(ref.hash);
  });

  it.each(["", "../x", "gmac-1-2", "sha256-", `gmac-${"0".repeat(32)}-${"g".repeat(32)}`])(
    "are not %j",
    (text) => expect(isBlobName(text)).toBe(false),
  );
});

describe("private directories", () => {
  it("are found by their names alone, if they are this user's and nobody else's", () => {
    const root = scratch();
    const path = makePrivate(root, "head");
    expect(privateAt(root, basename(path))).toBe(path);
    expect(privateAt(root, `../${basename(root)}/${basename(path)}`)).toBeUndefined();
    expect(privateAt(root, ".")).toBeUndefined();
    const linked = basename(path).replace(/[0-9a-f]{32}$/, "0".repeat(32));
    symlinkSync(path, join(root, linked));
    expect(privateAt(root, linked)).toBeUndefined();
    const open = basename(path).replace(/[0-9a-f]{32}$/, "1".repeat(32));
    mkdirSync(join(root, open), { mode: 0o755 });
    expect(privateAt(root, open)).toBeUndefined();
  });

  it("are swept when their process has ended, and only then", () => {
    const root = scratch();
    const mine = basename(makePrivate(root, "worker"));
    // The same process id, started at another time.
    const [, role, pid, start, namespace] = mine.split("-");
    const dead = ["grain", role, pid, String(Number(start) + 1), namespace, "0".repeat(32)].join("-");
    const elsewhere = ["grain", role, pid, "1", `${namespace}1`, "0".repeat(32)].join("-");
    for (const name of [dead, elsewhere, "grain-mine"]) mkdirSync(join(root, name), { mode: 0o700 });
    writeFileSync(join(root, dead, "value"), "x");
    sweep(root, ROLES);
    expect(readdirSync(root).sort()).toEqual([elsewhere, mine, "grain-mine"].sort());
  });

  it("are left for a while to a process that will take them over", () => {
    const root = scratch();
    const mine = basename(makePrivate(root, "head"));
    const [, role, pid, start, namespace] = mine.split("-");
    const [kept, late] = ["0", "1"].map((digit) =>
      join(root, ["grain", role, pid, String(Number(start) + 1), namespace, digit.repeat(32)].join("-")),
    );
    for (const path of [kept!, late!]) {
      mkdirSync(path, { mode: 0o700 });
      keep(path);
    }
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(join(late!, "kept"), longAgo, longAgo);
    sweep(root, ROLES);
    expect(readdirSync(root).sort()).toEqual([basename(kept!), mine].sort());
  });

  it("are in GRAIN_SHARED_DIR, unless that is empty or none", () => {
    const root = scratch();
    expect(sharedRoot({ GRAIN_SHARED_DIR: root })).toBe(root);
    expect(sharedRoot({ GRAIN_SHARED_DIR: "" })).toBeUndefined();
    expect(sharedRoot({ GRAIN_SHARED_DIR: join(root, "none") })).toBeUndefined();
  });

  it("lose the files of one writer", () => {
    const root = scratch();
    const names = [fileNameOf(1), fileNameOf(1), fileNameOf(17)];
    for (const name of names) writeFileSync(join(root, name), "");
    expect([...names, newFileName()].every(isFileName)).toBe(true);
    removeFilesOf(1, root, new Set([names[1]!]));
    expect(readdirSync(root).sort()).toEqual(names.slice(1).sort());
    removeFilesOf(1, join(root, "none"), new Set());
  });
});

describe("files of values", () => {
  const shared = new Float64Array(40_000).fill(1.5);
  const values: [string, unknown][] = [
    ["nothing", null],
    ["text", "grain".repeat(50_000)],
    ["one array", new Uint8Array(5_000_000).fill(7)],
    ["small arrays", Array.from({ length: 3_000 }, (_, i) => new Uint8Array(100).fill(i))],
    [
      "arrays of all sizes",
      [new Uint8Array(0), new Int16Array(99_999).fill(-3), new Uint8Array(0), { shared, also: shared }],
    ],
    ["views", [new Uint8Array(300_000).subarray(5, 200_000), new DataView(new ArrayBuffer(100_000), 8)]],
  ];

  it.each(values)("give %s back", async (_, value) => {
    const path = join(scratch(), "value");
    const { parts } = encodeValue(value, "result");
    const ref = valueRefOf(newValueKey(), parts);
    writeValue(path, parts);
    const expected = decodeValue(joinParts({ byteLength: ref.byteLength, parts }));
    expect(isDeepStrictEqual(decodeValue(readValueSync(path, ref)), expected)).toBe(true);
    expect(isDeepStrictEqual(decodeValue(await readValue(path, ref)), expected)).toBe(true);
  });

  it.each([0, 1, 300_000, 9_000_001])("of %i bytes are named as they are written", async (length) => {
    const path = join(scratch(), "value");
    const parts = [new Uint8Array(length).map((_, i) => i % 251), Buffer.from("end")];
    const key = newValueKey();
    const ref = writeAndName(path, key, parts);
    expect(ref).toEqual(valueRefOf(key, parts));
    const read = Buffer.concat((await readValue(path, ref)).parts);
    expect(read.equals(Buffer.concat(parts))).toBe(true);
    expect(() => writeAndName(path, key, parts)).toThrow(/EEXIST/);
  });

  it("give arrays memory of their own, and keep what they share", () => {
    const path = join(scratch(), "value");
    const { parts } = encodeValue([shared, shared, new Uint8Array(100_000)], "result");
    writeValue(path, parts);
    const [one, other, third] = decodeValue(readValueSync(path, refOf(parts))) as Float64Array[];
    expect(one!.buffer).toBe(other!.buffer);
    expect(one!.buffer.byteLength).toBe(shared.byteLength);
    expect(third!.buffer.byteLength).toBe(100_000);
  });

  it.each([1000, 5_000_000])("of %i bytes that were changed are found", async (length) => {
    const path = join(scratch(), "value");
    const bytes = new Uint8Array(length).fill(3);
    const ref = valueRefOf(newValueKey(), [bytes]);
    writeValue(path, [bytes]);
    expect(() => writeValue(path, [bytes])).toThrow(/EEXIST/);
    bytes[length - 1] = 4;
    removeValue(path);
    writeValue(path, [bytes]);
    expect(() => readValueSync(path, ref)).toThrow(/damaged/);
    await expect(readValue(path, ref)).rejects.toThrow(/damaged/);
    truncateSync(path, length - 1);
    expect(() => readValueSync(path, ref)).toThrow(/damaged/);
    await expect(readValue(path, ref)).rejects.toThrow(/damaged/);
    removeValue(path);
    removeValue(path);
    await expect(readValue(path, ref)).rejects.toThrow(/ENOENT/);
  });

  it("fail once when several reads at a time fail", async () => {
    const path = join(scratch(), "value");
    const bytes = new Uint8Array(9 * 1024 * 1024).fill(3);
    const ref = writeAndName(path, newValueKey(), [bytes]);
    const probe = await open(path);
    const reads = vi.spyOn(Object.getPrototypeOf(probe) as FileHandle, "read");
    await probe.close();
    onTestFinished(() => reads.mockRestore());
    const unhandled: unknown[] = [];
    const hear = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", hear);
    onTestFinished(() => void process.off("unhandledRejection", hear));
    // The first that fails is waited for last: the others fail before anybody waits for them.
    reads.mockImplementation(async () => {
      if (reads.mock.calls.length === 2) await new Promise((resolve) => setImmediate(resolve));
      throw new Error("EIO: i/o error, read");
    });
    const first = reads.getMockImplementation()!;
    reads.mockImplementationOnce(async (...[buffer]) => {
      const length = (buffer as unknown as Uint8Array).byteLength;
      return { bytesRead: length, buffer } as unknown as Awaited<ReturnType<typeof first>>;
    });
    await expect(readValue(path, ref)).rejects.toThrow(/EIO/);
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });

  it("are not read through links", () => {
    const directory = scratch();
    writeFileSync(join(directory, "secret"), "x");
    symlinkSync(join(directory, "secret"), join(directory, "value"));
    expect(() => readValueSync(join(directory, "value"), refOf([Buffer.from("x")]))).toThrow(/ELOOP/);
  });
});
