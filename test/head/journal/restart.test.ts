/** A head that goes on from the journal of another: who may come back, as whom, and what is told again. */

import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Journal } from "../../../head/journal/journal.js";
import { Head } from "../../../head/shell/head.js";
import {
  type ClientMessage,
  type HeadToClient,
  type HeadToWorker,
  Refused_Code,
  type WorkerMessage,
} from "../../../proto/grain.js";
import { refOf } from "../../../proto/hash.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { ScriptedClient, ScriptedWorker } from "../../kit/peers.js";

const TOKEN = Buffer.alloc(16, 7);
const ID = Buffer.alloc(16, 3);
const silent = { info() {}, warn() {} };
const word = (text: string) => Buffer.from(text);

class Life {
  private constructor(
    readonly directory: string,
    readonly head: Head,
    readonly journal: Journal,
  ) {}

  static async on(directory: string): Promise<Life> {
    const journal = await Journal.open(directory, silent);
    const head = new Head({ journal, log: silent });
    onTestFinished(() => head.close());
    return new Life(directory, head, journal);
  }

  static async first(): Promise<Life> {
    return Life.on(join(await emptyDirectory(), "journal"));
  }

  /** What a head finds that is started after this one was killed now. */
  async next(): Promise<Life> {
    const directory = join(await emptyDirectory(), "journal");
    await cp(this.directory, directory, {
      recursive: true,
      filter: (path) => !path.endsWith("held-by.json"),
    });
    return Life.on(directory);
  }

  durable(): Promise<void> {
    return new Promise((resolve) => this.journal.whenDurable(resolve));
  }

  client(owner = ""): ScriptedClient {
    const [atHead, link] = memoryLink<HeadToClient, ClientMessage>();
    this.head.acceptClient(atHead, owner);
    return new ScriptedClient(link);
  }

  worker(): ScriptedWorker {
    const [atHead, link] = memoryLink<HeadToWorker, WorkerMessage>();
    this.head.acceptWorker(atHead);
    return new ScriptedWorker(link);
  }
}

async function emptyDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "grain-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const back = (received: number) => ({ token: TOKEN, resume: { session: 1, received } });

describe("a session after a restart", () => {
  it("is known by a token that the journal does not hold", async () => {
    const token = Buffer.from("0123456789abcdef");
    const first = await Life.first();
    const client = first.client();
    await client.open({ token, name: "in the journal" });
    client.define(1);
    client.submit(1, 1, [word("an argument")]);
    await first.durable();
    const kept = await Promise.all((await filesIn(first.directory)).map((file) => readFile(file)));
    expect(kept.some((content) => content.includes("in the journal"))).toBe(true);
    expect(kept.some((content) => content.includes(token))).toBe(false);
    // What it does hold is no way in.
    const next = await first.next();
    const fingerprint = createHash("sha256").update(token).digest();
    for (const [shown, code] of [
      [fingerprint, Refused_Code.BAD_MESSAGE],
      [fingerprint.subarray(0, token.byteLength), Refused_Code.SESSION_OVER],
    ] as const) {
      const thief = next.client();
      void thief.open({ ...back(0), token: shown }).catch(() => {});
      expect(await thief.inbox.take("refused")).toMatchObject({ code });
    }
    expect(await next.client().open({ ...back(0), token })).toMatchObject({ session: 1 });
  });

  it("is its credential's", async () => {
    const first = await Life.first();
    await first.client("ada").open({ token: TOKEN });
    const next = await first.next();
    const other = next.client("eve");
    void other.open(back(0)).catch(() => {});
    expect(await other.inbox.take("refused")).toMatchObject({ code: Refused_Code.SESSION_OVER });
    expect(await next.client("ada").open(back(0))).toMatchObject({ session: 1, received: 0 });
    expect(next.head.owns(1, "ada")).toBe(true);
  });

  it("is told how many of its messages are durable, and again what it has not acknowledged", async () => {
    const first = await Life.first();
    const client = first.client();
    await client.open({ token: TOKEN });
    client.define(1);
    client.submit(1, 1, [word("one"), word("two"), word("three")]);
    const worker = first.worker();
    await worker.introduce({ id: ID });
    void worker.workOn();
    const tasks: number[] = [];
    while (tasks.length < 3) tasks.push(...(await client.inbox.take("results")).tasks);
    client.acknowledge(2);
    await first.durable();
    await first.durable();
    const next = await first.next();
    const again = next.client();
    // Three messages of the earlier head had arrived, with numbers of its own.
    expect(await again.open(back(3))).toMatchObject({ received: 3 });
    const repeated: number[] = [];
    while (repeated.length < 2) repeated.push(...(await again.inbox.take("results")).tasks);
    expect(repeated.sort()).toEqual([1, 3]);
    again.acknowledge(1, 3);
    await next.durable();
    const last = await next.next();
    const third = last.client();
    expect(await third.open(back(5))).toMatchObject({ received: 4 });
    third.cancel(1, 2, 3);
    third.closeSession();
    await third.inbox.take("closed");
  });

  it("whose client cannot come back is over", async () => {
    const first = await Life.first();
    await first.client().open();
    await first.durable();
    expect((await first.next()).head.status().sessions).toEqual([]);
  });
});

describe("a worker after a restart", () => {
  it("goes on as who it was with what it has, and gives its result", async () => {
    const first = await Life.first();
    const client = first.client();
    await client.open({ token: TOKEN });
    client.define(1);
    const worker = first.worker();
    const accepted = await worker.introduce({ id: ID });
    client.submit(1, 1, [word("one")]);
    const assign = await worker.inbox.take("assign");
    await first.durable();
    const next = await first.next();
    const clientAgain = next.client();
    await clientAgain.open(back(0));
    expect(next.head.status().workers).toMatchObject([{ name: "w1", state: "suspect", running: 1 }]);
    const again = next.worker();
    const known = await again.introduce({ id: ID, resume: true });
    expect(known).toMatchObject({ worker: accepted.worker, head: accepted.head });
    expect(known.received).toBeUndefined();
    const executions = [
      { session: 1, tasks: [1], attempts: [1], alternatives: [], started: [true], gangs: [] },
    ];
    again.send({ body: { $case: "held", held: { executions, sessions: [1] } } });
    clientAgain.submit(1, 2, [word("two")]);
    // Only what is new is given to it.
    expect((await again.inbox.take("assign")).tasks).toEqual([2]);
    again.finish(assign);
    expect((await clientAgain.inbox.take("results")).tasks).toEqual([1]);
  });

  it("that hands over a result of which the large value is gone runs the task again", async () => {
    const first = await Life.first();
    const client = first.client();
    await client.open({ token: TOKEN });
    client.define(1);
    const worker = first.worker();
    await worker.introduce({ id: ID });
    client.submit(1, 1, [word("one"), Buffer.alloc(0)]);
    const assign = await worker.inbox.take("assign");
    expect(assign.tasks).toEqual([1, 2]);
    worker.finish(assign, { blobs: [{ index: 1, ref: refOf([word("gone")]) }] });
    expect((await client.inbox.take("results")).tasks).toEqual([1]);
    expect((await worker.inbox.take("assign")).tasks).toEqual([2]);
  });
});

describe("a head whose disk is full", () => {
  it("lets no program in, and says why", async () => {
    const life = await Life.first();
    Object.defineProperty(life.journal, "failure", { get: () => "ENOSPC: no space left on device" });
    const refused = life.client();
    void refused.open().catch(() => {});
    const { code, message } = await refused.inbox.take("refused");
    expect(code).toBe(Refused_Code.UNABLE);
    expect(message).toMatch(/journal .* cannot be written \(ENOSPC: no space left on device\)/);
  });
});

describe("what was learnt of a walltime", () => {
  it("is in force after a restart", async () => {
    const walltime = { hardMs: 3_600_000, softMs: 0, group: "relaxation" };
    const amounts = [{ kind: "cores", amount: 10_000 }];
    const none = { tokens: [], allCores: false, nodes: 0, limits: [], coreLayout: "" };
    const request = { alternatives: [{ amounts, walltime, ...none }] };
    const first = await Life.first();
    const client = first.client();
    await client.open({ token: TOKEN });
    client.define(1, { request });
    const worker = first.worker();
    await worker.introduce({ id: ID });
    const runsMs = [20_000, 21_000, 22_000, 20_000, 21_000, 22_000, 20_000, 22_000];
    for (const [n, runMs] of runsMs.entries()) {
      client.submit(1, n + 1, [word("run")]);
      const assign = await worker.inbox.take("assign");
      // What was asked for is in force.
      expect(assign.hardMs).toBe(0);
      worker.finish(assign, { runUs: [runMs * 1_000] });
      client.acknowledge(...(await client.inbox.take("results")).tasks);
    }
    client.submit(1, 9, [word("run")]);
    const { hardMs: learnt } = await worker.inbox.take("assign");
    expect(learnt).toBeGreaterThan(22_000);
    expect(learnt).toBeLessThan(30_000);
    await first.durable();
    const next = await first.next();
    const clientAgain = next.client();
    await clientAgain.open(back(runsMs.length));
    const again = next.worker();
    await again.introduce({ id: ID, resume: true });
    const executions = [
      { session: 1, tasks: [9], attempts: [1], alternatives: [], started: [true], gangs: [] },
    ];
    again.send({ body: { $case: "held", held: { executions, sessions: [1] } } });
    clientAgain.submit(1, 10, [word("run")]);
    expect(await again.inbox.take("assign")).toMatchObject({ tasks: [10], hardMs: learnt });
  });
});
