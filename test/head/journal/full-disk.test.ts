/** A head that may not write more, as when its disk is full: here files have a largest size, which a test can set and lift. */

import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FailureKind } from "../../../proto/grain.js";
import { connectClient, connectWorker } from "../../../proto/link/grpc/connect.js";
import { ROOT, Stage } from "../../kit/daemons.js";
import { ScriptedClient, ScriptedWorker } from "../../kit/peers.js";

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(async () => {
  await stage.close();
});

/** Preloaded, so that the limit is there before anything is written. */
const LIMIT = `
import { execFileSync } from "node:child_process";
execFileSync("prlimit", ["--pid", String(process.pid), "--fsize=1048576:unlimited"]);
`;

describe.skipIf(!hasPrlimit)("a head whose disk is full", () => {
  it("keeps what runs, refuses what is new, and takes work again when there is room", async () => {
    const limit = stage.program("limit.mjs", LIMIT);
    const head = stage.run(
      ["--import", limit, join(ROOT, "dist/bin/grain-head.js"), "--listen", "127.0.0.1:0"].concat([
        "--journal",
        `${stage.directory}/journal`,
      ]),
      {},
      stage.directory,
    );
    const [, address] = await head.until(/listening on (\S+)/);
    const connected = await connectClient(address!, { giveUpMs: 20_000 });
    const client = new ScriptedClient(connected.link);
    await client.open({ token: Buffer.alloc(16, 1) });
    client.define(1);
    const { link } = await connectWorker(address!, { giveUpMs: 20_000 });
    const worker = new ScriptedWorker(link);
    await worker.introduce({ id: Buffer.alloc(16, 2) });
    client.submit(1, 1, [Buffer.from("runs")]);
    const assign = await worker.inbox.take("assign");

    const large = Array.from({ length: 40 }, (_, i) => Buffer.alloc(60_000, i));
    client.submit(1, 2, large);
    await head.until(/The journal .* cannot be written: .*Tasks go on/);
    client.submit(1, 42, [Buffer.from("too late")]);
    const refused = await client.inbox.take("failure");
    expect(refused).toMatchObject({ task: 42, kind: FailureKind.NOT_TAKEN });
    expect(refused.message).toMatch(/its journal .* cannot be written/);
    worker.finish(assign);
    expect((await client.inbox.take("results")).tasks).toEqual([1]);
    const other = new ScriptedClient((await connectClient(address!, { giveUpMs: 20_000 })).link);
    void other.open().catch(() => {});
    expect((await other.inbox.take("refused")).message).toMatch(
      /takes nobody now: its journal .* cannot be written/,
    );

    execFileSync("prlimit", ["--pid", String(head.child.pid), "--fsize=unlimited"]);
    await head.until(/INFO The journal .* can be written again/);
    client.submit(1, 43, [Buffer.from("again")]);
    const seen = new Set<number>();
    while (!seen.has(43)) {
      const next = await worker.inbox.take("assign");
      for (const task of next.tasks) seen.add(task);
      worker.finish(next);
    }
    expect(seen.size).toBe(41);
    client.link.destroy("the test is over");
    worker.link.destroy("the test is over");
  }, 60_000);
});
