/** Programs and workers of earlier versions, played from recordings, against the head of this one. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type ListeningHead, startHead } from "../../head/index.js";
import {
  ClientBatch,
  type ClientMessage,
  type HeadToClient,
  HeadToClientBatch,
  type HeadToWorker,
  HeadToWorkerBatch,
  WorkerBatch,
  type WorkerMessage,
} from "../../proto/grain.js";
import { type Entry, openRaw, rawClient } from "./wire.js";

const RECORDINGS = import.meta.dirname;
const names = readdirSync(RECORDINGS).filter((name) => name.endsWith(".jsonl"));

let directory: string;
let head: ListeningHead;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "grain-test-"));
  head = await startHead({ listen: [`unix://${directory}/head`] });
});
afterEach(async () => {
  await head.close();
  rmSync(directory, { recursive: true });
});

type FromHead = NonNullable<(HeadToClient | HeadToWorker)["body"]>;

/** What a head says, but for what is its own, and for counts, which are told now and then. */
function said(path: string, bytes: Buffer): FromHead[] {
  const codec = CODECS.get(path);
  if (codec === undefined) return [];
  return codec.head(bytes).flatMap(({ body }): FromHead[] => {
    if (body === undefined || body.$case === "received" || body.$case === "counts") return [];
    if (body.$case === "welcome") {
      const { session } = body.welcome;
      return [{ $case: "welcome", welcome: { session, hello: undefined } }];
    }
    if (body.$case === "accepted") {
      const { worker } = body.accepted;
      return [{ $case: "accepted", accepted: { worker, hello: undefined, heartbeatMs: 0 } }];
    }
    return [body];
  });
}

const CODECS = new Map([
  [
    "/grain.v1.Scheduling/Session",
    {
      head: (bytes: Buffer): (HeadToClient | HeadToWorker)[] => HeadToClientBatch.decode(bytes).messages,
      peer: (bytes: Buffer) => {
        const batch = ClientBatch.decode(bytes);
        return ClientBatch.encode({ messages: batch.messages.map(onThisNode) }).finish();
      },
    },
  ],
  [
    "/grain.v1.Scheduling/Work",
    {
      head: (bytes: Buffer): (HeadToClient | HeadToWorker)[] => HeadToWorkerBatch.decode(bytes).messages,
      peer: (bytes: Buffer) => {
        const batch = WorkerBatch.decode(bytes);
        return WorkerBatch.encode({ messages: batch.messages.map(onThisNode) }).finish();
      },
    },
  ],
]);

/** Bundles are made for one major version of Node.js: that which this test runs on. */
function onThisNode<M extends ClientMessage | WorkerMessage>(message: M): M {
  const { body } = message;
  if (body?.$case === "open" && body.open.hello !== undefined) body.open.hello.node = process.version;
  if (body?.$case === "join" && body.join.hello !== undefined) body.join.hello.node = process.version;
  return message;
}

/** One call, played. */
class Played {
  readonly path: string;
  readonly expected: FromHead[] = [];
  readonly heard: FromHead[] = [];
  readonly answers: string[] = [];
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  #isOver = false;
  #changed: () => void = () => {};

  constructor(path: string, call: ClientDuplexStream<Buffer, Buffer>) {
    this.path = path;
    this.#call = call;
    call.on("data", (bytes: Buffer) => {
      this.heard.push(...said(path, bytes));
      this.answers.push(bytes.toString("base64"));
      this.#changed();
    });
    call.on("error", () => {});
    call.on("status", () => {
      this.#isOver = true;
      this.#changed();
    });
  }

  send(bytes: Buffer): void {
    const codec = CODECS.get(this.path);
    this.#call.write(codec === undefined ? bytes : Buffer.from(codec.peer(bytes)));
  }

  end(): void {
    this.#call.end();
  }

  /** Waits until the head has said as much as it had when it was recorded; `over`: and has ended the call. */
  async caughtUp(over = false): Promise<void> {
    while (this.heard.length < this.expected.length || (over && !this.#isOver)) {
      if (this.#isOver && !over)
        throw new Error(`the head ended ${this.path} after ${JSON.stringify(this.heard)}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

it.each(names)("a head serves the peers of %s as theirs did", async (name) => {
  const entries = readFileSync(join(RECORDINGS, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Entry);
  expect(entries.length).toBeGreaterThan(20);
  const client = rawClient(`unix:${directory}/head`);
  const calls = new Map<number, Played>();
  const blobs: string[] = [];
  try {
    for (const { call, path, from, bytes } of entries) {
      let played = calls.get(call);
      if (played === undefined) {
        played = new Played(path, openRaw(client, path));
        calls.set(call, played);
      }
      const content = bytes === undefined ? undefined : Buffer.from(bytes, "base64");
      if (from === "head") {
        if (content === undefined) await played.caughtUp(true);
        else if (CODECS.has(path)) played.expected.push(...said(path, content));
        else blobs.push(content.toString("base64"));
        continue;
      }
      // What this side said depended on what it had heard, on all of its calls.
      for (const other of calls.values()) await other.caughtUp();
      if (content === undefined) played.end();
      else played.send(content);
    }
  } finally {
    client.close();
  }
  for (const { path, expected, heard } of calls.values()) {
    // A later head may say more; it says all of this.
    if (CODECS.has(path)) expect(heard, path).toMatchObject(expected);
  }
  const others = [...calls.values()].filter(({ path }) => !CODECS.has(path));
  expect(others.flatMap(({ answers }) => answers)).toEqual(blobs);
});

it("there is a recording of the first release", () => {
  expect(names).toContain("0.1.0.jsonl");
});
