/** Writers that are killed at any moment: what was durable is there, and of every transaction all or nothing. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { Entry } from "../../../head/journal/changes.js";
import { Journal } from "../../../head/journal/journal.js";

const silent = { info() {}, warn() {} };
const NO_VALUES = {
  has: () => false,
  read(): never {
    throw new Error("there are no values");
  },
};

const MODULES = new URL("../../../head/journal/", import.meta.url).href;
const TSX = import.meta.resolve("tsx");
/** Writes in each transaction two records that say the same, and deletes those of the transaction before the last ten. */
const WRITER = `
const { Journal } = await import(${JSON.stringify(`${MODULES}journal.ts`)});
const { Entry } = await import(${JSON.stringify(`${MODULES}changes.ts`)});
const [directory, from] = process.argv.slice(1);
const journal = await Journal.open(directory, { info() {}, warn() {} });
journal.begin({ has: () => false }, () => {});
const written = [];
for (let i = Number(from); ; i += 1) {
  const text = (i + " ").repeat(1 + (i * 7919) % 3000);
  const pair = ["task/a" + i, "task/b" + i].map((key) => new Entry(key, () => Buffer.from(text)));
  for (const entry of pair) journal.changes.put(entry);
  written.push(pair);
  if (written.length > 10) for (const entry of written.shift()) journal.changes.remove(entry);
  await new Promise((resolve) => journal.whenDurable(resolve));
  console.log(i);
}
`;

async function emptyDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "grain-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, "journal");
}

/** Lets a process write until it has said so many times that it did, and kills it so long after. @returns the last */
async function writeAndKill(
  directory: string,
  from: number,
  count: number,
  afterMs: number,
): Promise<number> {
  const child = spawn(
    process.execPath,
    ["--import", TSX, "--input-type=module", "-e", WRITER, "--", directory, String(from)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let last = from - 1;
  const lines = createInterface(child.stdout);
  lines.on("line", (line) => {
    last = Number(line);
    if (last === from + count) setTimeout(() => child.kill("SIGKILL"), afterMs);
  });
  await Promise.all([once(child, "close"), once(lines, "close")]);
  return last;
}

describe("a journal whose head is killed while it writes", () => {
  it("has everything that was durable, whole transactions only, and can be written on", async () => {
    const directory = await emptyDirectory();
    let next = 0;
    for (const [count, afterMs] of [
      [1, 0],
      [3, 7],
      [12, 11],
      [20, 3],
      [5, 14],
    ] as const) {
      const last = await writeAndKill(directory, next, count, afterMs);
      const journal = await Journal.open(directory, silent);
      const found = new Map(
        journal.records.map(([key, bytes]) => [key, bytes && Buffer.from(bytes).toString()]),
      );
      const numbers = [...found.keys()]
        .filter((key) => key.startsWith("task/a"))
        .map((key) => Number(key.slice(6)));
      for (const number of numbers) {
        expect(found.get(`task/a${number}`)).toMatch(new RegExp(`^(${number} )+$`));
        expect(found.get(`task/b${number}`)).toBe(found.get(`task/a${number}`));
      }
      expect(found.size).toBe(2 * numbers.length);
      const newest = Math.max(...numbers);
      expect(newest).toBeGreaterThanOrEqual(last);
      for (let kept = Math.max(next, last - 8); kept <= last; kept += 1) expect(numbers).toContain(kept);
      next = newest + 1;
      await journal.close();
    }
  });
});

describe("a large file that is mostly free", () => {
  it("is written anew when a head starts", async () => {
    const directory = await emptyDirectory();
    const first = await Journal.open(directory, silent);
    first.begin(NO_VALUES, () => {});
    const entries = Array.from(
      { length: 300 },
      (_, i) => new Entry(`task/${i}`, () => Buffer.alloc(100_000, i)),
    );
    for (const entry of entries) first.changes.put(entry);
    await new Promise<void>((resolve) => first.whenDurable(resolve));
    for (const entry of entries.slice(3)) first.changes.remove(entry);
    await new Promise<void>((resolve) => first.whenDurable(resolve));
    await first.close();
    const size = () => statSync(join(directory, "records", "data.mdb")).size;
    expect(size()).toBeGreaterThan(30_000_000);
    const second = await Journal.open(directory, silent);
    expect(size()).toBeLessThan(1_000_000);
    expect(second.records.map(([key, bytes]) => [key, bytes?.byteLength])).toEqual(
      [0, 1, 2].map((i) => [`task/${i}`, 100_000]),
    );
    second.begin(NO_VALUES, () => {});
    second.changes.put(new Entry("task/9", () => Buffer.from("new")));
    await second.close();
    const third = await Journal.open(directory, silent);
    expect(third.records.map(([key]) => key)).toEqual(["task/0", "task/1", "task/2", "task/9"]);
    await third.close();
  });
});
