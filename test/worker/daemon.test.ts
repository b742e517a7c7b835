/** The worker daemon, in this process, against a head that listens. */

import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startHead } from "../../head/index.js";
import type { ClientMessage, HeadToClient } from "../../proto/grain.js";
import { memoryLink } from "../../proto/link/memory.js";
import { encodeArgs, joinParts } from "../../proto/values/value.js";
import { Daemon } from "../../worker/daemon.js";
import { ScriptedClient } from "../kit/peers.js";
import { poolOf } from "./agent/world.js";

const TASKS = fileURLToPath(new URL("fixtures/tasks.mjs", import.meta.url));

async function openCluster() {
  const { head, addresses, close } = await startHead({ listen: ["127.0.0.1:0"] });
  onTestFinished(() => close());
  const [mine, heads] = memoryLink<ClientMessage, HeadToClient>();
  head.acceptClient(heads);
  const client = new ScriptedClient(mine);
  await client.open({ outputs: true });
  return { head, address: addresses[0]!, client };
}

function newDaemon(address: string, walltimeMs: number) {
  const lines: string[] = [];
  const log = { write: (_: string, text: string) => void lines.push(text), close() {} };
  const pool = { ...poolOf(1), remainingMs: walltimeMs };
  return { lines, daemon: new Daemon({ address, name: "w1", pool, imports: [TASKS], log }) };
}

describe("a worker with a walltime", () => {
  it("takes no more tasks near its end, then ends what still runs, which runs again elsewhere", async () => {
    const { head, address, client } = await openCluster();
    client.define(1, { module: "tasks.mjs", function: "untilAborted", name: "untilAborted" });
    const none = joinParts(encodeArgs([]));
    client.submit(1, 1, [none, none]);
    const { daemon, lines } = newDaemon(address, 10_000);
    expect(await daemon.run()).toBe(0);
    expect(lines).toContain("The walltime of 0:00:10 is about to end: leaving when 1 task has ended.");
    expect(lines.at(-2)).toBe("The walltime of 0:00:10 has ended: ending now, with what is running.");
    expect(lines.at(-1)).toBe("Worker w1 has left.");
    await vi.waitFor(() => expect(head.status().workers).toEqual([]), { timeout: 30_000 });
    const { queues } = head.status();
    expect(queues.map(({ queued }) => queued)).toEqual([2]);
  });

  it("leaves at once when nothing runs", async () => {
    const { address } = await openCluster();
    const { daemon, lines } = newDaemon(address, 6_000);
    expect(await daemon.run()).toBe(0);
    expect(lines.slice(-2)).toEqual([
      "The walltime of 0:00:06 is about to end: leaving.",
      "Worker w1 has left.",
    ]);
  });

  it("ends while it waits for a head", async () => {
    const { daemon, lines } = newDaemon("127.0.0.1:1", 500);
    expect(await daemon.run()).toBe(0);
    expect(lines.at(-1)).toBe("Worker w1 has left.");
  });
});
