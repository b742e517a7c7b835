/** What is on the disk: damaged, of another format, full. */

import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open as openDatabase } from "lmdb";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Entry } from "../../../head/journal/changes.js";
import { pack } from "../../../head/journal/codec.js";
import { journalDirectory } from "../../../head/journal/directory.js";
import { Journal } from "../../../head/journal/journal.js";
import { checksum } from "../../../head/journal/record.js";
import type { ValueSource } from "../../../head/journal/value-files.js";
import { refOf } from "../../../proto/hash.js";

const NO_VALUES: ValueSource = {
  has: () => false,
  read() {
    throw new Error("there are no values");
  },
};

async function emptyDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "grain-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, "journal");
}

class Lines {
  readonly all: string[] = [];
  info(line: string): void {
    this.all.push(line);
  }
  warn(line: string): void {
    this.all.push(line);
  }
}

async function opened(directory: string, source: ValueSource = NO_VALUES) {
  const log = new Lines();
  const journal = await Journal.open(directory, log);
  journal.begin(source, () => {});
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= journal.close();
    return closed;
  };
  onTestFinished(close);
  const durable = () => new Promise<void>((resolve) => journal.whenDurable(resolve));
  return { journal, log, close, durable };
}

function entry(key: string, text: string): Entry {
  return new Entry(key, () => Buffer.from(text));
}

/** Changes what is stored behind the journal's back. */
async function tamper(directory: string, key: string, change: (stored: Buffer) => Buffer): Promise<void> {
  const db = openDatabase<Buffer, string>({ path: join(directory, "records"), encoding: "binary" });
  db.putSync(key, change(Buffer.from(db.get(key)!)));
  await db.close();
}

describe("a journal on disk", () => {
  it("gives back what was durable, and nothing that was removed", async () => {
    const directory = await emptyDirectory();
    const first = await opened(directory);
    const gone = entry("task/2", "two");
    first.journal.changes.put(entry("task/1", "one"));
    first.journal.changes.put(gone);
    await first.durable();
    first.journal.changes.remove(gone);
    await first.durable();
    await first.close();
    const second = await opened(directory);
    expect(second.journal.records.map(([key, bytes]) => [key, Buffer.from(bytes!).toString()])).toEqual([
      ["task/1", "one"],
    ]);
  });

  it("never writes what came and went in between", async () => {
    const { journal, durable, close } = await opened(await emptyDirectory());
    const brief = new Entry("task/1", () => {
      throw new Error("encoded in vain");
    });
    journal.changes.put(brief);
    journal.changes.put(entry("task/2", "two"));
    journal.changes.remove(brief);
    await durable();
    expect(journal.failure).toBeUndefined();
    await close();
  });

  it("names a record of which a bit has changed", async () => {
    const directory = await emptyDirectory();
    const first = await opened(directory);
    first.journal.changes.put(entry("task/1", "one"));
    first.journal.changes.put(entry("task/2", "two"));
    await first.durable();
    await first.close();
    await tamper(directory, "task/1", (stored) => {
      stored[5]! ^= 1;
      return stored;
    });
    const second = await opened(directory);
    expect(second.journal.records.map(([key, bytes]) => [key, bytes === undefined])).toEqual([
      ["task/1", true],
      ["task/2", false],
    ]);
  });

  it("refuses another format, and names both", async () => {
    const directory = await emptyDirectory();
    await (await opened(directory)).close();
    await tamper(directory, "format", () => {
      const bytes = pack({ format: 3, version: "9.9.9" });
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(checksum("format", bytes));
      return Buffer.concat([sum, bytes]);
    });
    await expect(Journal.open(directory, new Lines())).rejects.toThrow(
      `The journal ${directory} is of format 3 (grain-scheduler 9.9.9), this head reads 1; start the version that wrote it, or another --journal DIR.`,
    );
    // And lets go of it.
    expect(existsSync(join(directory, "held-by.json"))).toBe(false);
  });

  it("refuses a file that has been cut off", async () => {
    const directory = await emptyDirectory();
    const first = await opened(directory);
    for (let i = 0; i < 200; i += 1) first.journal.changes.put(entry(`task/${i}`, "x".repeat(10_000)));
    await first.durable();
    await first.close();
    const file = join(directory, "records", "data.mdb");
    const whole = statSync(file).size;
    truncateSync(file, 40_960);
    await expect(Journal.open(directory, new Lines())).rejects.toThrow(
      `The journal ${directory} is damaged: 40960 of ${whole} bytes are there; move it away`,
    );
  });

  it("refuses a file that is something else", async () => {
    const directory = await emptyDirectory();
    await (await opened(directory)).close();
    writeFileSync(join(directory, "records", "data.mdb"), "not a database");
    await expect(Journal.open(directory, new Lines())).rejects.toThrow(
      /is damaged: it is no database; move it away/,
    );
  });

  it("takes over from a head that is gone, also when its number is another's now", async () => {
    const directory = await emptyDirectory();
    await (await opened(directory)).close();
    const held = { pid: process.pid, host: (await import("node:os")).hostname(), started: "1" };
    writeFileSync(join(directory, "held-by.json"), JSON.stringify(held));
    await opened(directory);
    await expect(Journal.open(directory, new Lines())).rejects.toThrow(`the head with pid ${process.pid}`);
  });

  it("keeps large values that records refer to, and no others", async () => {
    const directory = await emptyDirectory();
    const value = Buffer.alloc(100_000, 1);
    const { hash } = refOf([value]);
    const source: ValueSource = {
      has: (asked) => asked === hash,
      read: () => ({
        byteLength: value.byteLength,
        async *chunks() {
          yield value;
        },
      }),
    };
    const { journal, durable, close } = await opened(directory, source);
    const record = new Entry("submit/1", () => Buffer.from("it"), { blobs: [hash] });
    journal.changes.put(record);
    await durable();
    const file = join(directory, "values", hash);
    expect(readFileSync(file).equals(value)).toBe(true);
    journal.valueDropped(hash);
    journal.changes.remove(record);
    await durable();
    await vi.waitFor(() => expect(existsSync(file)).toBe(false), { timeout: 30_000 });
    await close();
  });

  it("lets go of a large value that is dropped while it is about to be written", async () => {
    const directory = await emptyDirectory();
    const { hash } = refOf([Buffer.from("large")]);
    let asked = 0;
    const source: ValueSource = {
      // Whoever had it was done with it between the look and the reading.
      has: () => ++asked === 1,
      read() {
        throw new Error("nothing refers to it any more");
      },
    };
    const { journal, durable, close } = await opened(directory, source);
    journal.changes.put(new Entry("submit/1", () => Buffer.from("it"), { blobs: [hash] }));
    journal.changes.put(entry("task/1", "kept"));
    await durable();
    expect(asked).toBe(2);
    expect(journal.failure).toBeUndefined();
    expect(readdirSync(join(directory, "values"))).toEqual([]);
    await close();
    const again = await opened(directory);
    expect(again.journal.records.map(([key]) => key)).toEqual(["submit/1", "task/1"]);
  });

  it("goes on in memory while it cannot be written, and writes everything when it can again", async () => {
    const directory = await emptyDirectory();
    let full = true;
    const source: ValueSource = {
      has: () => true,
      read() {
        if (full) throw new Error("ENOSPC: no space left on device, write");
        return { byteLength: 1, async *chunks() {} };
      },
    };
    const { journal, log, durable, close } = await opened(directory, source);
    const blobs = [refOf([Buffer.from("large")]).hash];
    journal.changes.put(new Entry("submit/1", () => Buffer.from("one"), { blobs }));
    journal.changes.put(entry("task/1", "kept"));
    await vi.waitFor(() => expect(journal.failure).toContain("no space left"), { timeout: 30_000 });
    expect(log.all.filter((line) => line.includes("cannot be written"))).toHaveLength(1);
    journal.changes.put(entry("task/2", "later"));
    full = false;
    await durable();
    expect(journal.failure).toBeUndefined();
    expect(log.all.at(-1)).toContain("can be written again");
    await close();
    const again = await opened(directory);
    expect(again.journal.records.map(([key]) => key)).toEqual(["submit/1", "task/1", "task/2"]);
  });
});

describe("the default directory", () => {
  it("is the user's, and one for each address", () => {
    const env = { XDG_STATE_HOME: "/state" };
    expect(journalDirectory(undefined, "127.0.0.1:7700", env)).toBe("/state/grain/journal/127.0.0.1_7700");
    expect(journalDirectory(undefined, "unix:///run/a.sock", env)).not.toBe(
      journalDirectory(undefined, "unix:///run/b.sock", env),
    );
    expect(journalDirectory(undefined, "127.0.0.1:0", env)).toBeUndefined();
    expect(journalDirectory(false, "127.0.0.1:7700", env)).toBeUndefined();
    expect(journalDirectory("/elsewhere", "127.0.0.1:0", env)).toBe("/elsewhere");
  });
});
