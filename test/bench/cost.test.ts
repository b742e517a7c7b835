/**
 * What a task costs, in counts: batches and bytes on the wire, and bytes allocated in the head. Seconds
 * depend on the machine, these hardly do. The bounds are two to three times what was measured: they
 * catch a message a task, or a copy of everything, not a few per cent.
 */

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ROOT, Stage } from "../kit/daemons.js";
import { GrpcMeter, type Traffic } from "./grpc-meter.js";

const TASKS = 20_000;

const PROGRAM = `
import { cores, delayed, each, run } from "grain-scheduler";

const noop = delayed(function noop(): undefined { return undefined; }).with(cores(1));

await run(async () => {
  await each([noop(), noop()]);
  await each(Array.from({ length: ${TASKS} }, () => noop()));
}, { progress: false });
`;

/**
 * Measured: 3.5, 3.3, 3.5 and 4.4 bytes and 1,300 bytes of heap; on a machine that was busy with other things,
 * where fewer tasks share a batch, up to 3.9, 4.4, 3.5 and 8 bytes, 0.08 messages and 2,200 bytes.
 */
const BOUNDS = {
  submitted: { messages: 0.2, bytes: 10 },
  results: { messages: 0.2, bytes: 10 },
  assigned: { messages: 0.2, bytes: 10 },
  finished: { messages: 0.25, bytes: 20 },
  allocated: 5_000,
};

let stage: Stage;
const meters: GrpcMeter[] = [];

beforeEach(() => {
  // As between machines: the meters count what goes over gRPC.
  vi.stubEnv("GRAIN_SHARED_DIR", "");
  stage = new Stage();
});
afterEach(async () => {
  await stage.close();
  for (const meter of meters.splice(0)) await meter.close();
  vi.unstubAllEnvs();
});

async function meterBefore(head: string): Promise<GrpcMeter> {
  const meter = await GrpcMeter.before(head);
  meters.push(meter);
  return meter;
}

interface Cost {
  readonly messages: number;
  readonly bytes: number;
}

/** Per task. */
function costOf({ bytes, messages }: Traffic): Cost {
  return { bytes: bytes / TASKS, messages: messages / TASKS };
}

describe("a no-op task among 20,000", () => {
  it("costs few messages and bytes on the wire, and little memory in the head", async () => {
    const head = stage.start("grain-head", ["--listen", "127.0.0.1:0"], {
      NODE_OPTIONS: `--require ${join(ROOT, "test/bench/allocations.cjs")}`,
    });
    const [, address] = await head.until(/listening on (\S+)/);
    const [ofClient, ofWorker] = [await meterBefore(address!), await meterBefore(address!)];
    await stage.worker(ofWorker.address, ["--cpus", "2"]);
    head.kill("SIGUSR2");
    await head.until(/sampling/);
    const program = await stage.play(stage.program("noops.ts", PROGRAM), { GRAIN_ADDRESS: ofClient.address });
    expect(program.code, program.stderr).toBe(0);
    head.kill("SIGUSR2");
    const [, allocated] = await head.until(/allocated (\d+)/);

    const cost = {
      submitted: costOf(ofClient.toHead),
      results: costOf(ofClient.fromHead),
      assigned: costOf(ofWorker.fromHead),
      finished: costOf(ofWorker.toHead),
    };
    for (const [way, { messages, bytes }] of Object.entries(cost) as [keyof typeof cost, Cost][]) {
      const shown = `${way}: ${messages} messages and ${bytes} bytes a task`;
      // The meters have seen all of it: every task is named on every way.
      expect(bytes, shown).toBeGreaterThan(1);
      expect(messages, shown).toBeLessThan(BOUNDS[way].messages);
      expect(bytes, shown).toBeLessThan(BOUNDS[way].bytes);
    }
    expect(Number(allocated) / TASKS).toBeLessThan(BOUNDS.allocated);
  });
});
