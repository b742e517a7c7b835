/** A head within this process and its journal: what clients and workers notice of it. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Journal } from "../../../head/journal/journal.js";
import { Head } from "../../../head/shell/head.js";
import type { ClientMessage, HeadToClient, HeadToWorker, WorkerMessage } from "../../../proto/grain.js";
import { FailureKind } from "../../../proto/grain.js";
import { refOf } from "../../../proto/hash.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { ScriptedClient, ScriptedWorker } from "../../kit/peers.js";

const lines: string[] = [];
const log = { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) };

async function emptyDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "grain-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, "journal");
}

async function headOn(directory: string) {
  const journal = await Journal.open(directory, log);
  const head = new Head({ journal, log });
  onTestFinished(() => head.close());
  return { head, journal, durable: () => new Promise<void>((resolve) => journal.whenDurable(resolve)) };
}

function clientOf(head: Head): ScriptedClient {
  const [atHead, link] = memoryLink<HeadToClient, ClientMessage>();
  head.acceptClient(atHead);
  return new ScriptedClient(link);
}

function workerOf(head: Head): ScriptedWorker {
  const [atHead, link] = memoryLink<HeadToWorker, WorkerMessage>();
  head.acceptWorker(atHead);
  return new ScriptedWorker(link);
}

const word = (text: string) => Buffer.from(text);

describe("a head whose journal cannot be written", () => {
  it("refuses what is new, ends what runs, and takes work again by itself", async () => {
    const { head, journal, durable } = await headOn(await emptyDirectory());
    const client = clientOf(head);
    await client.open({ token: Buffer.alloc(16, 1) });
    client.define(1);
    const worker = workerOf(head);
    await worker.join();
    client.submit(1, 1, [word("first")]);
    const assign = await worker.inbox.take("assign");
    await durable();

    // As a full disk does, in the only place where a test can: a value cannot be read to be written.
    const large = Buffer.alloc(70_000, 1);
    const ref = refOf([large]);
    await head.blobs.put(ref, [large]);
    const read = vi.spyOn(head.blobs, "read").mockImplementation(() => {
      throw new Error("ENOSPC: no space left on device, write");
    });
    client.submit(1, 2, [Buffer.alloc(0)], { blobs: [{ index: 0, ref }] });
    await vi.waitFor(() => expect(journal.failure).toContain("ENOSPC"), { timeout: 30_000 });

    client.submit(1, 3, [word("too late"), word("too late")]);
    for (const task of [3, 4]) {
      const failure = await client.inbox.take("failure");
      expect(failure).toMatchObject({ task, kind: FailureKind.NOT_TAKEN });
      expect(failure.message).toContain("no space left on device");
    }
    worker.finish(assign);
    expect((await client.inbox.take("results")).tasks).toEqual([1]);

    read.mockRestore();
    await durable();
    client.submit(1, 5, [word("again")]);
    const after: number[] = [];
    while (!after.includes(5)) after.push(...(await worker.inbox.take("assign")).tasks);
    expect(lines.join("\n")).toContain("can be written again");
  });
});

describe("a head with a journal", () => {
  it("is closed in order: nothing is left of sessions whose clients were told so", async () => {
    const directory = await emptyDirectory();
    const { head, durable } = await headOn(directory);
    const client = clientOf(head);
    await client.open();
    client.define(1);
    client.submit(1, 1, [word("never run")]);
    await durable();
    await head.close();
    const journal = await Journal.open(directory, log);
    expect(journal.records.map(([key]) => key)).toEqual(["head"]);
    await journal.close();
  });
});
