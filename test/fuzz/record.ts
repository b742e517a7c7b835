/** Records what a real program, head and worker say to each other, cut off and back again among it. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HeadSession } from "../../client/session/session.js";
import { Head } from "../../head/shell/head.js";
import { ClientMessage, HeadToClient, HeadToWorker, WorkerMessage } from "../../proto/grain.js";
import type { Connection, Link } from "../../proto/link/link.js";
import { memoryLink } from "../../proto/link/memory.js";
import { startAgent } from "../../worker/agent/agent.js";
import { definitionOf, FakeHead, remoteCall, settingsFor } from "../kit/fake-head.js";
import { poolOf } from "../worker/agent/world.js";
import type { Bytes, Codec } from "./mutate.js";

/** The streams of one session, each as its messages in order. */
export interface Recording {
  readonly toHead: { readonly client: Bytes[][]; readonly worker: Bytes[][] };
  readonly fromHead: { readonly client: Bytes[][]; readonly worker: Bytes[][] };
}

/** The module that the recorded functions are of. */
export const TASKS = fileURLToPath(new URL("../worker/fixtures/tasks.mjs", import.meta.url));
export const TOKEN_BYTES = 16;

/** Records a session. */
export async function record(): Promise<Recording> {
  const directory = mkdtempSync(join(tmpdir(), "grain-fuzz-"));
  const head = new Head();
  const client = new Tap(ClientMessage, HeadToClient, (link) => head.acceptClient(link), head);
  const worker = new Tap(WorkerMessage, HeadToWorker, (link) => head.acceptWorker(link), head);
  const agent = startAgent({
    connection: worker.connection,
    id: randomBytes(TOKEN_BYTES),
    name: "recorded",
    pool: poolOf(2, 8),
    imports: [TASKS],
    cacheDir: directory,
  });
  await agent.joined;
  const session = new HeadSession({
    ...settingsFor(new FakeHead()),
    outputs: true,
    counts: true,
    open: async () => ({ connection: client.connection, release: async () => {} }),
  });
  await play(session, client, worker);
  await session.close();
  await agent.close();
  await head.close();
  rmSync(directory, { recursive: true });
  return {
    toHead: { client: client.sent, worker: worker.sent },
    fromHead: { client: client.received, worker: worker.received },
  };
}

/** A program that uses much of the protocol. */
async function play(session: HeadSession, client: { cut(): void }, worker: { cut(): void }): Promise<void> {
  const define = (name: string) => definitionOf(name, { module: "tasks.mjs" });
  const [echo, throwing, large, printing] = ["echo", "throwing", "large", "printing"].map(define);
  let left = 0;
  let allEnded = () => {};
  const owner = {
    ended: () => {
      left -= 1;
      if (left === 0) allEnded();
    },
  };
  const submit = (definition: typeof echo, ...args: unknown[]) => {
    left += 1;
    session.submit(remoteCall(definition!, ...args), owner);
  };
  const settle = () =>
    new Promise<void>((resolve) => {
      allEnded = resolve;
    });
  for (let i = 0; i < 30; i += 1) submit(echo, i, "text");
  submit(throwing, "on purpose");
  submit(large, 100_000);
  submit(echo, new Uint8Array(100_000));
  submit(printing, "p");
  await settle();
  for (let i = 0; i < 10; i += 1) submit(echo, i);
  client.cut();
  await settle();
  for (let i = 0; i < 10; i += 1) submit(echo, i);
  worker.cut();
  await settle();
  submit(define("untilAborted"));
  submit(define("untilAborted"));
  const ended = settle();
  setImmediate(() => session.cancel(owner));
  await ended;
}

/** A connection to a head in this process, of which all that passes is kept. */
class Tap<Out, In> {
  readonly connection: Connection<Out, In>;
  readonly sent: Bytes[][] = [];
  readonly received: Bytes[][] = [];
  readonly #out: Codec<Out>;
  readonly #in: Codec<In>;
  readonly #accept: (link: Link<In, Out>) => void;
  #link: Link<Out, In>;

  constructor(out: Codec<Out>, into: Codec<In>, accept: (link: Link<In, Out>) => void, head: Head) {
    this.#out = out;
    this.#in = into;
    this.#accept = accept;
    this.#link = this.#open();
    this.connection = {
      link: this.#link,
      reopen: async () => this.#open(),
      blobs: head.openBlobs(),
      address: "recorded",
      status: async () => head.status(),
      close: async () => this.#link.close(),
    };
  }

  cut(): void {
    this.#link.destroy("cut");
  }

  #open(): Link<Out, In> {
    const [mine, heads] = memoryLink<Out, In>();
    const [sent, received]: [Bytes[], Bytes[]] = [[], []];
    this.sent.push(sent);
    this.received.push(received);
    const tapped: Link<Out, In> = {
      send: (message) => {
        sent.push(this.#out.encode(message).finish());
        mine.send(message);
      },
      receive: (handler) =>
        mine.receive({
          messages: (batch) => {
            for (const message of batch) received.push(this.#in.encode(message).finish());
            handler.messages(batch);
          },
          ended: (end) => handler.ended(end),
        }),
      flush: () => mine.flush(),
      pendingBytes: 0,
      drained: () => mine.drained(),
      pause: (paused) => mine.pause(paused),
      close: () => mine.close(),
      destroy: (message) => mine.destroy(message),
    };
    this.#link = tapped;
    this.#accept(heads);
    return tapped;
  }
}

type Coded = {
  readonly [part in keyof Recording]: { readonly client: string[][]; readonly worker: string[][] };
};

/** Keeps a recording, so that a seed makes the same of it again. @returns the file */
export function keep(recording: Recording, seed: number): string {
  const coded = (streams: Bytes[][]) =>
    streams.map((of) => of.map((bytes) => Buffer.from(bytes).toString("base64")));
  const both = ({ client, worker }: Recording["toHead"]) => ({
    client: coded(client),
    worker: coded(worker),
  });
  const file = join(tmpdir(), `grain-fuzz-${seed}.json`);
  writeFileSync(file, JSON.stringify({ toHead: both(recording.toHead), fromHead: both(recording.fromHead) }));
  return file;
}

/** What `keep` has written. */
export function kept(file: string): Recording {
  const { toHead, fromHead } = JSON.parse(readFileSync(file, "utf8")) as Coded;
  const read = (streams: string[][]) =>
    streams.map((of) => of.map((text) => new Uint8Array(Buffer.from(text, "base64"))));
  const both = ({ client, worker }: Coded["toHead"]) => ({ client: read(client), worker: read(worker) });
  return { toHead: both(toHead), fromHead: both(fromHead) };
}
