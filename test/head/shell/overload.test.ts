/** More work than memory: what waits goes to disk, cancel and close get through, and others get their share. */

import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Head } from "../../../head/shell/head.js";
import type { Assign, ClientMessage, HeadToClient, Results } from "../../../proto/grain.js";
import type { Link } from "../../../proto/link/link.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { hello } from "../../../proto/version.js";
import { poolOfCores, ScriptedClient, specOf, submitOf } from "../../kit/peers.js";
import { bytes, openHead } from "./head-kit.js";

const MIB = 1024 ** 2;
const CAP_BYTES = 64 * MIB;
const VALUE_BYTES = 32 * 1024;
const PER_MESSAGE = 32;
const MESSAGES = 1024;
const TASKS = PER_MESSAGE * MESSAGES;
const TOKEN = new Uint8Array(16).fill(7);

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A value that tells whose it is, at both ends. */
function numbered(task: number): Uint8Array {
  const value = Buffer.alloc(VALUE_BYTES);
  value.writeUInt32LE(task, 0);
  value.writeUInt32LE(task, VALUE_BYTES - 4);
  return value;
}

/** A client that reads what it is sent when it likes: what it has not read is pending at the head. */
class SlowClient {
  readonly link: Link<ClientMessage, HeadToClient>;
  readonly seen = new Set<number>();
  /** Messages that must not be missed, of those it was sent. */
  received = 0;
  wrong = 0;
  mostPendingBytes = 0;
  #pendingBytes = 0;
  #drained: (() => void)[] = [];
  #unread: HeadToClient[] = [];

  constructor(head: Head) {
    const [mine, heads] = memoryLink<ClientMessage, HeadToClient>();
    this.link = mine;
    mine.receive({ messages: (batch) => void this.#unread.push(...batch), ended: () => {} });
    const slow: Link<HeadToClient, ClientMessage> = {
      send: (message) => {
        this.#pendingBytes += sizeOf(message);
        this.mostPendingBytes = Math.max(this.mostPendingBytes, this.#pendingBytes);
        heads.send(message);
      },
      flush: () => heads.flush(),
      receive: (handler) => heads.receive(handler),
      pendingBytes: 0,
      drained: () =>
        this.#pendingBytes === 0
          ? Promise.resolve()
          : new Promise((resolve) => void this.#drained.push(resolve)),
      pause: (paused) => heads.pause(paused),
      close: () => heads.close(),
      destroy: (message) => heads.destroy(message),
    };
    Object.defineProperty(slow, "pendingBytes", { get: () => this.#pendingBytes });
    head.acceptClient(slow);
  }

  send(...messages: ClientMessage[]): void {
    for (const message of messages) this.link.send(message);
    this.link.flush();
  }

  open(resume?: { session: number; received: number; sent: number }): void {
    const fields = { name: "slow", prioritized: false, priority: 0, outputs: false, counts: false };
    const open = { hello: hello(), token: TOKEN, ...fields, ...(resume === undefined ? {} : { resume }) };
    this.send({ body: { $case: "open", open } });
  }

  /** Reads all there is, checks it, and acknowledges. */
  read(): void {
    const unread = this.#unread;
    this.#unread = [];
    this.#pendingBytes = 0;
    for (const resolve of this.#drained.splice(0)) resolve();
    for (const { body } of unread) {
      if (body?.$case !== "results") continue;
      this.received += 1;
      this.#check(body.results);
      this.link.send({ body: { $case: "ack", ack: { tasks: body.results.tasks } } });
    }
    if (unread.length > 0) this.send({ body: { $case: "received", received: this.received } });
  }

  #check({ tasks, sizes, values }: Results): void {
    let at = 0;
    for (const [i, task] of tasks.entries()) {
      const value = Buffer.from(values.subarray(at, at + sizes[i]!));
      at += sizes[i]!;
      if (this.seen.has(task) || value.byteLength !== VALUE_BYTES) this.wrong += 1;
      else if (value.readUInt32LE(0) !== task || value.readUInt32LE(VALUE_BYTES - 4) !== task)
        this.wrong += 1;
      this.seen.add(task);
    }
  }
}

function sizeOf({ body }: HeadToClient): number {
  return body?.$case === "results" ? body.results.values.byteLength : 0;
}

/** A worker that ends all it is given. @param resultOf default: the arguments */
async function work(
  worker: ReturnType<ReturnType<typeof openHead>["worker"]>,
  resultOf?: (task: number) => Uint8Array,
) {
  worker.inbox.all.length = 0;
  for (;;) {
    let assign: Assign;
    try {
      assign = await worker.inbox.take("assign");
    } catch {
      return;
    }
    // Else the test would hold what the head does not.
    worker.inbox.all.length = 0;
    if (resultOf === undefined) worker.finish(assign);
    // As real workers do, in messages of a few mebibytes.
    else for (const part of partsOf(assign)) worker.finish(part, resultsOf(part.tasks.map(resultOf)));
  }
}

function partsOf(assign: Assign): Assign[] {
  return Array.from({ length: Math.ceil(assign.tasks.length / PER_MESSAGE) }, (_, i) => {
    const [from, to] = [i * PER_MESSAGE, (i + 1) * PER_MESSAGE];
    return { ...assign, tasks: assign.tasks.slice(from, to), attempts: assign.attempts.slice(from, to) };
  });
}

function resultsOf(values: readonly Uint8Array[]) {
  return { sizes: values.map((value) => value.byteLength), values: Buffer.concat(values) };
}

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "grain-test-"));
  onTestFinished(() => rmSync(parent, { recursive: true }));
});

function openSmall() {
  const opened = openHead({ blobs: { memoryBytes: CAP_BYTES, spillParent: parent } });
  let most = 0;
  const look = () => {
    most = Math.max(most, opened.head.blobs.memoryBytes);
  };
  return { ...opened, look, most: () => most };
}

/** Files without a name that this process has open there. */
function spillFiles(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(parent);
    } catch {
      return false;
    }
  }).length;
}

describe.skipIf(process.platform !== "linux")(
  "1 GiB of values of 32 KiB, of a head that may have 64 MiB",
  () => {
    it("waits as arguments on disk, and all tasks get theirs", async () => {
      const { head, worker, look, most } = openSmall();
      const client = new SlowClient(head);
      client.open();
      client.send({ body: { $case: "spec", spec: specOf(1) } });
      for (let message = 0; message < MESSAGES; message += 1) {
        const first = 1 + message * PER_MESSAGE;
        const args = Array.from({ length: PER_MESSAGE }, (_, i) => numbered(first + i));
        client.send({ body: { $case: "submit", submit: submitOf(1, first, args) } });
        await turn();
        look();
      }
      expect(head.status().sessions[0]!.queued).toBe(TASKS);
      // 1 GiB less what is in memory, in files of 64 MiB.
      expect(spillFiles()).toBeGreaterThanOrEqual(15);
      const busy = worker();
      await busy.introduce({ pool: poolOfCores(64) });
      void work(busy);
      while (client.seen.size < TASKS) {
        client.read();
        await turn();
        look();
      }
      expect(client.wrong).toBe(0);
      expect(most()).toBeLessThanOrEqual(CAP_BYTES);
      expect(most()).toBeGreaterThan(CAP_BYTES / 4);
      await turn();
      expect(head.blobs.memoryBytes).toBe(0);
      expect(spillFiles()).toBeLessThanOrEqual(1);
      expect(readdirSync(parent)).toEqual([]);
    }, 120_000);

    it("waits as results for a client that is cut off, then for one that reads slowly", async () => {
      const { head, worker, look, most } = openSmall();
      const first = new SlowClient(head);
      first.open();
      const nothing = Array.from({ length: TASKS }, () => new Uint8Array(0));
      first.send(
        { body: { $case: "spec", spec: specOf(1) } },
        { body: { $case: "submit", submit: submitOf(1, 1, nothing) } },
      );
      await turn();
      first.link.destroy("cut");
      const busy = worker();
      await busy.introduce({ pool: poolOfCores(64) });
      void work(busy, numbered);
      while (head.status().sessions[0]!.finished < TASKS) {
        await turn();
        look();
      }
      // A file takes the whole of the message that fills it.
      expect(spillFiles()).toBeGreaterThanOrEqual(13);
      const again = new SlowClient(head);
      again.open({ session: 1, received: 0, sent: 2 });
      while (again.seen.size < TASKS) {
        // It reads now and then.
        for (let i = 0; i < 3; i += 1) await turn();
        again.read();
        look();
      }
      expect(again.wrong).toBe(0);
      expect(most()).toBeLessThanOrEqual(CAP_BYTES);
      expect(again.mostPendingBytes).toBeLessThan(16 * MIB);
      await turn();
      await turn();
      expect(head.blobs.memoryBytes).toBe(0);
      expect(spillFiles()).toBeLessThanOrEqual(1);
    }, 120_000);
  },
);

describe.skipIf(process.platform !== "linux")("a head that is full", () => {
  it("still hears cancel and close, and frees what they end", async () => {
    const { head, client } = openSmall();
    const peer = client();
    await peer.open({ token: TOKEN });
    peer.define(1);
    const count = 128;
    for (let message = 0; message < count; message += 1) {
      const first = 1 + message * PER_MESSAGE;
      peer.submit(
        1,
        first,
        Array.from({ length: PER_MESSAGE }, (_, i) => numbered(first + i)),
      );
      await turn();
    }
    expect(spillFiles()).toBe(2);
    // Those of the first 32 MiB are the ones in memory.
    peer.cancel(...Array.from({ length: (count / 2) * PER_MESSAGE }, (_, i) => i + 1));
    await turn();
    await turn();
    expect(head.status().sessions[0]!.queued).toBe((count / 2) * PER_MESSAGE);
    expect(head.blobs.memoryBytes).toBe(0);
    peer.closeSession();
    await peer.inbox.take("closed");
    expect(spillFiles()).toBeLessThanOrEqual(1);
  });

  it("does not take calls for which there is no room on disk either, and says so", async () => {
    const { client } = openHead({ blobs: { memoryBytes: 1024, spillParent: join(parent, "none") } });
    const peer = client();
    await peer.open();
    peer.define(1);
    peer.submit(1, 1, [new Uint8Array(8192), new Uint8Array(8192)]);
    const failures = [await peer.inbox.take("failure"), await peer.inbox.take("failure")];
    expect(failures.map(({ task }) => task)).toEqual([1, 2]);
    expect(failures[0]!.message).toMatch(/neither in memory nor on disk \(ENOENT/);
  });
});

describe("a client that floods", () => {
  it("leaves others their share", async () => {
    const { head, worker } = openHead();
    const clients = ["flood", "other"].map((name) => {
      const [mine, heads] = memoryLink<ClientMessage, HeadToClient>();
      head.acceptClient(heads);
      return { name, peer: new ScriptedClient(mine) };
    });
    const counts = [100_000, 200];
    for (const [i, { name, peer }] of clients.entries()) {
      await peer.open({ name });
      peer.define(1);
      peer.submit(
        1,
        1,
        Array.from({ length: counts[i]! }, () => bytes("x")),
      );
    }
    const busy = worker();
    await busy.join("w1", poolOfCores(4));
    const order: number[] = [];
    while (order.filter((session) => session === 2).length < counts[1]!) {
      const assign = await busy.inbox.take("assign");
      order.push(...assign.tasks.map(() => assign.session));
      busy.finish(assign);
    }
    // It waits for what is sent ahead in one go (these tasks take no time at all), never for the flood.
    expect(order.length).toBeLessThan(counts[0]! / 50);
  });
});
