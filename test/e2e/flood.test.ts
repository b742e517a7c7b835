/** A program that submits more than there is room for: it is told so, the head lives on, and others get their work done. */

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectClient } from "../../proto/link/grpc/connect.js";
import { cores } from "../../proto/resource/resource.js";
import { Stage } from "../kit/daemons.js";
import { ScriptedClient } from "../kit/peers.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(async () => {
  await stage.close();
});

const MIB = 1024 ** 2;
const HEAD_MEMORY_MIB = 64;
/** Too little to keep what the test sends. */
const HEAD_HEAP_MIB = 192;
const TINY_TASKS = 2_000_000;
const PER_MESSAGE = 4_096;
const LARGE_TASKS = 16_384;
const LARGE_BYTES = 32 * 1024;

const SMALL_HEAP = { NODE_OPTIONS: `--max-old-space-size=${HEAD_HEAP_MIB}` };

/** Needs the head and the worker to do something for it. */
const OTHER = `
import { cores, delayed, each, run } from "grain-scheduler";
const square = delayed(function square(n: number) { return n * n; }).with(cores(1));
const squares = await run(async () => await each(Array.from({ length: 100 }, (_, n) => square(n))));
console.log(squares.every((value, n) => value === n * n) ? "all right" : "wrong");
`;

const FLOOD = `
import { cores, delayed, run } from "grain-scheduler";
const same = delayed(function same(n: number) { return n; }).with(cores(1));
try {
  await run(async () => { for (let n = 0; n < 2_000_000; n += 1) same(n); });
} catch (error) {
  console.log(error.name + ": " + error.message);
}
`;

async function openHead(): Promise<{ address: string; rss: () => number; lives: () => boolean }> {
  const args = ["--listen", "127.0.0.1:0", "--memory", `${HEAD_MEMORY_MIB}M`];
  const head = stage.start("grain-head", args, SMALL_HEAP);
  const [, address] = await head.until(/listening on (\S+)/);
  await stage.worker(address!, ["--cpus", "2"]);
  const status = () => readFileSync(`/proc/${head.child.pid}/status`, "utf8");
  return {
    address: address!,
    rss: () => Number(/VmRSS:\s+(\d+) kB/.exec(status())![1]) * 1024,
    lives: () => head.child.exitCode === null && head.child.signalCode === null,
  };
}

/** Takes as much as the connection takes, and no more. */
async function flood(address: string, tasks: number, argument: Uint8Array, perMessage: number) {
  const connection = await connectClient(address, { giveUpMs: 60_000 });
  const client = new ScriptedClient(connection.link);
  await client.open({ name: "flood", token: Buffer.alloc(16, 9) });
  // Nothing runs: no worker has the label.
  client.define(1, {
    request: { alternatives: [{ ...cores(1).request.alternatives[0]!, tokens: ["never"] }] } as never,
  });
  const args = new Array<Uint8Array>(perMessage).fill(argument);
  for (let first = 1; first <= tasks; first += perMessage) {
    client.submit(1, first, args);
    if (connection.link.pendingBytes > MIB) await connection.link.drained();
  }
  return { client, connection };
}

describe.skipIf(process.platform !== "linux")("a client that floods a head with little memory", () => {
  it.each([
    ["2,000,000 tiny tasks", TINY_TASKS, 16, PER_MESSAGE],
    ["512 MiB of arguments", LARGE_TASKS, LARGE_BYTES, 32],
  ])(
    "%s: others get their work done",
    async (_what, tasks, bytes, perMessage) => {
      const { address, rss, lives } = await openHead();
      const flooding = flood(address, tasks, new Uint8Array(bytes), perMessage);
      const during = await stage.play(stage.program("other.ts", OTHER), { GRAIN_ADDRESS: address });
      expect(during.stdout).toBe("all right\n");
      const { client, connection } = await flooding;
      // All of it is there, and the head still does what others ask for.
      const queued = async () =>
        (await connection.status()).sessions.find(({ name }) => name === "flood")!.queued;
      while ((await queued()) < tasks) expect(lives()).toBe(true);
      const after = await stage.play(stage.program("after.ts", OTHER), { GRAIN_ADDRESS: address });
      expect(after.stdout).toBe("all right\n");
      expect(rss()).toBeLessThan((HEAD_HEAP_MIB + HEAD_MEMORY_MIB + 256) * MIB);
      client.closeSession();
      await client.inbox.take("closed");
      await connection.close();
      expect(lives()).toBe(true);
    },
    180_000,
  );

  it("a program whose own heap is too small for it is told, and ends its run", async () => {
    const { address, lives } = await openHead();
    const flooding = await stage.play(stage.program("flood.ts", FLOOD), {
      GRAIN_ADDRESS: address,
      ...SMALL_HEAP,
    });
    expect(flooding.stdout).toMatch(/^GrainError: Too much is submitted at once: \d+ calls are under way/);
    expect(flooding.code).toBe(0);
    const other = await stage.play(stage.program("other.ts", OTHER), { GRAIN_ADDRESS: address });
    expect(other.stdout).toBe("all right\n");
    expect(lives()).toBe(true);
  }, 180_000);
});
