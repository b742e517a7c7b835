import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Lines, openTrace } from "../../../head/trace/file.js";
import { readTrace } from "../../../head/trace/read.js";
import { ConfigError } from "../../../proto/errors.js";

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "grain-trace-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

const LINE = { type: "conclude", atMs: 0, session: 1, tasks: [], why: "cancelled" } as const;

/** A file that takes what is written when it is told to. */
class SlowFile {
  text = "";
  closed = false;
  failing = false;
  #open: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });

  go(): void {
    this.#open();
  }

  async write(bytes: Uint8Array, from: number, length: number) {
    await this.#opened;
    if (this.failing) throw new Error("no space left on device");
    // A part at a time, as the operating system may.
    const part = Math.min(length, 64);
    this.text += Buffer.from(bytes.subarray(from, from + part)).toString();
    return { bytesWritten: part, buffer: bytes };
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** The part of a FileHandle that is used. */
function handleOf(file: SlowFile): ConstructorParameters<typeof Lines>[0] {
  return file as unknown as ConstructorParameters<typeof Lines>[0];
}

describe("openTrace", () => {
  it("writes what happened, to be read again", async () => {
    const path = join(await scratch(), "head.trace");
    const trace = await openTrace(path, () => {});
    const opened = {
      type: "sessionOpened",
      session: 1,
      name: "ann",
      prioritized: false,
      priority: 0,
    } as const;
    trace.sink.record(opened, [], 5);
    await trace.close();
    expect(await readFile(path, "utf8")).toMatch(/^\{"type":"trace","version":1.*\n.*"ann".*\n$/);
    expect((await readTrace(path)).lines).toMatchObject([{ type: "session", atMs: 0, name: "ann" }]);
  });

  it("says at once that it cannot write", async () => {
    const path = join(await scratch(), "missing", "head.trace");
    const opening = openTrace(path, () => {});
    await expect(opening).rejects.toThrow(ConfigError);
    await expect(opening).rejects.toThrow(/^The trace cannot be written to .*missing/);
  });
});

describe("Lines", () => {
  it("drops lines, and says how many, while the file is too slow", async () => {
    const file = new SlowFile();
    const lines = new Lines(handleOf(file), () => {}, 100);
    for (let i = 0; i < 10; i += 1) lines.write(LINE);
    file.go();
    await lines.close();
    const written = file.text
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text) as { type: string });
    expect(written).toHaveLength(3);
    expect(written[2]).toEqual({ type: "dropped", lines: 8 });
    expect(file.closed).toBe(true);
  });

  it("ends with a word when writing fails, and never throws", async () => {
    const file = new SlowFile();
    const errors: unknown[] = [];
    const lines = new Lines(handleOf(file), (error) => errors.push(error));
    file.failing = true;
    lines.write(LINE);
    file.go();
    await lines.close();
    lines.write(LINE);
    expect(errors.map(String)).toEqual(["Error: no space left on device"]);
    expect(file.text).toBe("");
  });
});
