/** Real heads that are killed at once, and started again by the same command. */

import { open as openDatabase } from "lmdb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connectClient, connectWorker } from "../../../proto/link/grpc/connect.js";
import { cores } from "../../../proto/resource/resource.js";
import { type Running, Stage } from "../../kit/daemons.js";
import { ScriptedClient, ScriptedWorker } from "../../kit/peers.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(async () => {
  await stage.close();
});

async function clientOf(address: string): Promise<ScriptedClient> {
  const connection = await connectClient(address, { giveUpMs: 20_000 });
  return new ScriptedClient(connection.link);
}

async function workerOf(address: string): Promise<ScriptedWorker> {
  const connection = await connectWorker(address, { giveUpMs: 20_000 });
  return new ScriptedWorker(connection.link);
}

/** The keys that are on the disk. */
async function keysIn(journal: string): Promise<string[]> {
  const db = openDatabase<Buffer, string>({ path: `${journal}/records`, encoding: "binary", readOnly: true });
  try {
    return [...db.getKeys({})];
  } finally {
    await db.close();
  }
}

/** Resolves once the disk holds so many records of this kind. */
function written(journal: string, kind: string, count: number): Promise<void> {
  return vi.waitFor(
    async () => expect((await keysIn(journal)).filter((key) => key.startsWith(kind))).toHaveLength(count),
    { timeout: 20_000, interval: 20 },
  );
}

async function statusOf(address: string) {
  const ls = stage.start("grain", ["ls", "--json", "--address", address]);
  await ls.ended;
  return JSON.parse(ls.stdout);
}

async function kill(head: Running): Promise<void> {
  head.kill("SIGKILL");
  await head.ended;
}

const TOKEN = Buffer.alloc(16, 7);
const args = (count: number) => Array.from({ length: count }, (_, i) => Buffer.from(`argument ${i}`));

describe("a head that is killed", () => {
  it("has everything again when it is started again", async () => {
    const journal = `${stage.directory}/journal`;
    const { head, address } = await stage.head(["--journal", journal]);
    const client = await clientOf(address);
    await client.open({ name: "sweep", priority: 3, token: TOKEN });
    client.define(1, { name: "energy", request: cores(1).request as never });
    client.define(2, { name: "plot", priority: 7, request: cores(16).request as never });
    const worker = await workerOf(address);
    await worker.introduce({ name: "w1", id: Buffer.alloc(16, 3) });
    client.submit(1, 1, args(40));
    client.submit(2, 41, args(5));
    const first = await worker.inbox.take("assign");
    const sizes = first.sizes.slice(0, 1);
    const values = first.args.subarray(0, sizes[0]);
    worker.finish(
      { ...first, tasks: first.tasks.slice(0, 1), sizes, attempts: [], args: values },
      { runUs: [10] },
    );
    await client.inbox.take("results");
    await written(journal, "submit/", 2);
    await written(journal, "result/", 1);
    await kill(head);

    const { head: again, address: second } = await stage.head(["--journal", journal]);
    await again.until(/recovered 1 session: \d+ tasks waiting, \d+ with 1 worker/);
    const status = await statusOf(second);
    expect(status.sessions).toMatchObject([{ session: 1, name: "sweep" }]);
    const [session] = status.sessions;
    expect(session.queued + session.running).toBe(44);
    // What is with the worker waits for it; the others are in the queue, by function and priority.
    expect(session.running).toBeGreaterThan(0);
    expect(status.queues).toContainEqual(
      expect.objectContaining({ function: "plot", queued: 5, priority: 10 }),
    );

    // A new worker of the same name: what the first one had is given out again, as another attempt.
    const next = await workerOf(second);
    await next.join("w1");
    const seen = new Map<number, number>();
    while (seen.size < 39) {
      const assign = await next.inbox.take("assign");
      for (const [i, task] of assign.tasks.entries()) seen.set(task, assign.attempts[i] ?? 1);
      const texts = Buffer.from(assign.args).toString();
      expect(texts).toContain("argument");
      next.finish(assign);
    }
    expect(seen.has(first.tasks[0]!)).toBe(false);
    expect([...seen.values()].some((attempt) => attempt === 2)).toBe(true);
    await written(journal, "task/", 0);
    await kill(again);

    const { address: third } = await stage.head(["--journal", journal]);
    expect((await statusOf(third)).sessions).toMatchObject([{ session: 1, queued: 5, running: 0 }]);
    // Sessions are numbered on.
    const other = await clientOf(third);
    expect((await other.open()).session).toBe(2);
    other.link.destroy("the test is over");
  });

  it("keeps large arguments and results", async () => {
    const journal = `${stage.directory}/journal`;
    const { head, address } = await stage.head(["--journal", journal]);
    const connection = await connectClient(address, { giveUpMs: 20_000 });
    const client = new ScriptedClient(connection.link);
    await client.open({ token: TOKEN });
    client.define(1);
    const large = Buffer.alloc(300_000, 7);
    const { refOf } = await import("../../../proto/hash.js");
    const ref = refOf([large]);
    await connection.blobs.put(ref, [large]);
    client.submit(1, 1, [Buffer.alloc(0)], { blobs: [{ index: 0, ref }] });
    await written(journal, "submit/", 1);
    await kill(head);

    const { address: second } = await stage.head(["--journal", journal]);
    const worker = await connectWorker(second, { giveUpMs: 20_000 });
    const scripted = new ScriptedWorker(worker.link);
    await scripted.join();
    const assign = await scripted.inbox.take("assign");
    expect(assign.blobs).toEqual([{ index: 0, ref }]);
    expect(Buffer.from(await worker.blobs.get(ref)).equals(large)).toBe(true);
    scripted.link.destroy("the test is over");
  });

  it("forgets what has been acknowledged, and sessions that were closed", async () => {
    const journal = `${stage.directory}/journal`;
    const { address } = await stage.head(["--journal", journal]);
    const client = await clientOf(address);
    await client.open();
    client.define(1);
    client.submit(1, 1, args(3));
    await written(journal, "submit/", 1);
    const worker = await workerOf(address);
    await worker.join();
    void worker.workOn();
    for (let left = 3; left > 0; ) {
      const { tasks } = await client.inbox.take("results");
      left -= tasks.length;
      client.acknowledge(...tasks);
    }
    await written(journal, "submit/", 0);
    await written(journal, "result/", 0);
    client.closeSession();
    await client.inbox.take("closed");
    await written(journal, "session/", 0);
    expect((await keysIn(journal)).filter((key) => !/^(worker|estimate)/.test(key))).toEqual([
      "format",
      "head",
    ]);
    worker.link.destroy("the test is over");
  });
});

describe("one journal", () => {
  it("serves one head at a time, and says which", async () => {
    const journal = `${stage.directory}/journal`;
    const { head } = await stage.head(["--journal", journal]);
    const second = stage.start("grain-head", ["--listen", "127.0.0.1:0", "--journal", journal]);
    expect(await second.ended).toMatchObject({ code: 1 });
    expect(second.stderr).toContain(`${journal} is in use by the head with pid ${head.child.pid}`);
    head.kill();
    expect(await head.ended).toMatchObject({ code: 0 });
    await stage.head(["--journal", journal]);
  });

  it("is kept by default, by the address, and not at all when told so", async () => {
    const state = `${stage.directory}/state`;
    const socket = `unix://${stage.directory}/head.sock`;
    const head = stage.start("grain-head", ["--listen", socket], { XDG_STATE_HOME: state });
    await head.until(/Journal: .*state\/grain\/journal\/unix_/);
    head.kill();
    await head.ended;
    const without = stage.start("grain-head", ["--listen", socket, "--no-journal"], {
      XDG_STATE_HOME: state,
    });
    await without.until(/listening on/);
    expect(without.stderr).not.toContain("Journal");
  });
});
