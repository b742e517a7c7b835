import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { idOf, matcher } from "../../../head/cache/entry.js";
import { ResultStore, type ResultStoreOptions } from "../../../head/cache/store.js";
import { newValueKey, valueRefOf } from "../../../proto/hash.js";

let directory: string;
let nowMs = 0;
const open: ResultStore[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "grain-results-"));
  nowMs = Date.now();
});
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  rmSync(directory, { recursive: true, force: true });
});

async function opened(options: ResultStoreOptions = {}): Promise<ResultStore> {
  const store = await ResultStore.open(directory, { nowMs: () => nowMs, ...options });
  open.push(store);
  return store;
}

const OF = { owner: "ada", function: "energy", detached: "" };
const id = (n: number) => n.toString(16).padStart(64, "0");
const small = (length: number, fill = 1) =>
  ({ type: "bytes", bytes: new Uint8Array(length).fill(fill) }) as const;

function large(length: number) {
  const bytes = new Uint8Array(length).fill(7);
  const ref = valueRefOf(newValueKey(), [bytes]);
  return {
    type: "large",
    ref,
    chunks: (async function* () {
      yield bytes;
    })(),
  } as const;
}

const ids = async (store: ResultStore) => (await store.list(() => true)).map(([one]) => one);
/** What another process has written is seen from the next turn on. */
const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 1));

describe("stored results", () => {
  it("are there after the process has ended, small and large", async () => {
    const first = await opened();
    await first.put(id(1), OF, small(10, 3));
    const value = large(100_000);
    await first.put(id(2), OF, value);
    await first.close();
    open.length = 0;
    const second = await opened();
    expect(second.get(id(1))).toEqual({ type: "bytes", bytes: Buffer.alloc(10, 3) });
    expect(second.get(id(2))).toMatchObject({ type: "large", ref: value.ref });
    expect(second.get(id(3))).toBeUndefined();
  });

  it("are seen by another that has the same directory open", async () => {
    const [one, other] = [await opened(), await opened()];
    await one.put(id(1), OF, small(10));
    await nextTurn();
    expect(other.get(id(1))).toBeDefined();
    await other.remove([id(1)]);
    await nextTurn();
    expect(one.get(id(1))).toBeUndefined();
  });

  it("make room by the least recently used, files too", async () => {
    const store = await opened({ limitBytes: 350_000 });
    for (const n of [1, 2, 3]) {
      nowMs += 1_000;
      await store.put(id(n), OF, large(100_000));
    }
    nowMs += 1_000;
    expect(store.get(id(1))).toBeDefined();
    nowMs += 1_000;
    await store.put(id(4), OF, large(100_000));
    expect(await ids(store)).toEqual([id(4), id(1), id(3)]);
    expect(readdirSync(join(directory, "values"))).toHaveLength(3);
  });

  it("that would fill the store alone are not stored", async () => {
    const store = await opened({ limitBytes: 1_000 });
    await store.put(id(1), OF, small(1_000));
    await store.put(id(2), OF, large(1_000));
    expect(await ids(store)).toEqual([]);
  });

  it("go a week after they were used last", async () => {
    const dayMs = 24 * 60 * 60_000;
    const store = await opened();
    await store.put(id(1), OF, small(10));
    await store.put(id(2), OF, small(10));
    nowMs += 6 * dayMs;
    expect(store.get(id(1))).toBeDefined();
    nowMs += 2 * dayMs;
    expect(store.get(id(2))).toBeUndefined();
    expect(await ids(store)).toEqual([id(1)]);
    await store.close();
    open.length = 0;
    expect(await ids(await opened())).toEqual([id(1)]);
  });

  it("whose file went missing or was cut are not there", async () => {
    const store = await opened();
    await store.put(id(1), OF, large(100_000));
    for (const name of readdirSync(join(directory, "values"))) rmSync(join(directory, "values", name));
    expect(store.get(id(1))).toBeUndefined();
  });

  it("count for more than their bytes, so that very many small ones take no more room than they may", async () => {
    const store = await opened({ limitBytes: 100_000 });
    for (let n = 0; n < 1_000; n += 1) {
      nowMs += 1;
      await store.put(id(n), OF, small(1));
    }
    const left = await ids(store);
    expect(left.length).toBeGreaterThan(100);
    expect(left.length).toBeLessThan(200);
    expect(left[0]).toBe(id(999));
    await store.remove(left);
    expect(await ids(store)).toEqual([]);
  });

  it("of which bytes were changed are not there", async () => {
    const bytes = Buffer.from("quite a long text, which is easily found in a file");
    const store = await opened();
    await store.put(id(1), OF, { type: "bytes", bytes });
    await store.close();
    open.length = 0;
    const file = join(directory, "results", "data.mdb");
    const content = readFileSync(file);
    expect(content.indexOf(bytes)).toBeGreaterThan(0);
    for (let at = content.indexOf(bytes); at !== -1; at = content.indexOf(bytes, at + 1)) content[at]! ^= 1;
    writeFileSync(file, content);
    const again = await opened();
    expect(again.get(id(1))).toBeUndefined();
    await again.put(id(1), OF, { type: "bytes", bytes });
    expect(again.get(id(1))).toEqual({ type: "bytes", bytes });
  });

  it.each(["no database", "cut off"])("begin anew when their database is damaged: %s", async (how) => {
    const store = await opened();
    for (let n = 0; n < 50; n += 1) await store.put(id(n), OF, small(5_000));
    await store.close();
    open.length = 0;
    const file = join(directory, "results", "data.mdb");
    if (how === "cut off") truncateSync(file, 40_960);
    else writeFileSync(file, Buffer.alloc(100_000, 0xab));
    const lines: string[] = [];
    const again = await opened({ warn: (text) => lines.push(text) });
    expect(lines).toEqual([expect.stringMatching(/The stored results in .* are damaged: .*computed again/)]);
    expect(await ids(again)).toEqual([]);
    await again.put(id(1), OF, small(10));
    expect(again.get(id(1))).toBeDefined();
  });

  it("of a detached program are over when it says so, also after a crash; later ones are there", async () => {
    const mine = { ...OF, detached: "sweep" };
    const store = await opened();
    await store.put(id(1), mine, small(10));
    await store.put(id(2), { ...mine, detached: "other" }, small(10));
    await store.put(id(3), { ...mine, owner: "bob" }, small(10));
    const forgotten = store.forget("ada", "sweep");
    expect(store.get(id(1))).toBeUndefined();
    await forgotten;
    nowMs += 1;
    await store.put(id(4), mine, small(10));
    await store.close();
    open.length = 0;
    expect((await ids(await opened())).sort()).toEqual([id(2), id(3), id(4)]);
  });
});

describe("what a result is stored under", () => {
  const base = {
    owner: "ada",
    code: new Uint8Array(32),
    module: "m",
    function: "f",
    detached: "",
    key: new Uint8Array(32),
  };

  it("is another for another owner, code, key or detached program; the module's name counts without a code only", () => {
    const others = [
      { ...base, owner: "bob" },
      { ...base, code: new Uint8Array(32).fill(1) },
      { ...base, key: new Uint8Array(32).fill(1) },
      { ...base, detached: "sweep" },
      { ...base, code: undefined },
      { ...base, code: undefined, function: "g" },
    ];
    expect(new Set([base, ...others].map(idOf)).size).toBe(7);
    expect(idOf({ ...base, module: "n" })).toBe(idOf(base));
  });

  it("is found by patterns", () => {
    const record = { ...OF, function: "energy.of(x)" } as Parameters<ReturnType<typeof matcher>>[1];
    const matches = (pattern: string) => matcher(pattern)(`abcdef${"0".repeat(58)}`, record);
    expect(["", "*", "energy*", "*of(x)", "abcdef"].filter(matches)).toHaveLength(5);
    expect(["energy", "abcd", "e.ergy*", "0000000"].filter(matches)).toEqual([]);
  });
});
