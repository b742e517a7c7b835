/** Throughput against the number of tasks, of workers, and the size of values. Held to nothing; `npm run bench:plot` draws them. */

import { noopRate, play, relayRate, startCluster, startRelay } from "../clusters.js";
import type { Lab } from "../lab.js";
import type { Row, Sample } from "../row.js";

const TASK_COUNTS = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000];
const WORKER_COUNTS = [1, 3, 10, 30, 100, 300, 500];
const SIZES = [16, 256, 4_096, 32_768, 131_072, 1_048_576];
/** So long is a task of a played worker. */
const TASK_MS = 1;

const shown = (n: number) => n.toLocaleString("en-US");

/** A point is named by its curve and its place on it: "curve-tasks@1000". */
export function pointName(curve: string, at: number): string {
  return `curve-${curve}@${at}`;
}

/** Takes a name apart again. */
export function readPoint(name: string): { curve: string; at: number } | undefined {
  const match = /^curve-(\w+)@(\d+)$/.exec(name);
  return match === null ? undefined : { curve: match[1]!, at: Number(match[2]) };
}

function points(curve: string, places: readonly number[], title: (at: number) => string, unit = "tasks/s") {
  return places.map((at) => ({ name: pointName(curve, at), title: title(at), unit, digits: 0 }));
}

async function taskCurve(lab: Lab, samples: Record<string, Sample>): Promise<void> {
  const { head } = await startCluster(lab);
  const relay = await startRelay(lab);
  for (const count of TASK_COUNTS) {
    const [baseline, value] = [await relayRate(lab, relay, count), await noopRate(lab, head.address, count)];
    samples[pointName("tasks", count)] = { value, baseline };
  }
  await lab.clear();
}

async function workerCurve(lab: Lab, samples: Record<string, Sample>): Promise<void> {
  for (const workers of WORKER_COUNTS) {
    const head = await lab.head();
    const crowd = lab.program("program/crowd", { args: [head.address, workers, TASK_MS] });
    await crowd.told("joined");
    const count = Math.min(100_000, 2_000 * workers);
    const { ms } = await play<{ ms: number }>(lab, "program/sleep", {
      address: head.address,
      args: [count],
    });
    // What as many workers could do: on a curve it is the straight line.
    samples[pointName("workers", workers)] = {
      value: (count * 1000) / ms,
      baseline: (workers * 1000) / TASK_MS,
    };
    await lab.clear();
  }
}

async function payloadCurve(lab: Lab, samples: Record<string, Sample>): Promise<void> {
  const { head } = await startCluster(lab);
  for (const bytes of SIZES) {
    const count = Math.max(100, Math.min(20_000, Math.floor((64 * 1024 * 1024) / bytes)));
    const { ms } = await play<{ ms: number }>(lab, "program/payload", {
      address: head.address,
      args: [count, bytes],
    });
    samples[pointName("payload", bytes)] = { value: (count * 1000) / ms };
  }
  await lab.clear();
}

export const curves: Row = {
  name: "curves",
  lines: [
    ...points("tasks", TASK_COUNTS, (at) => `${shown(at)} no-op tasks at once`),
    ...points("workers", WORKER_COUNTS, (at) => `${shown(at)} played workers, tasks of ${TASK_MS} ms`),
    ...points("payload", SIZES, (at) => `${shown(at)} bytes there and back`),
  ],
  async prepare(lab) {
    return {
      async run() {
        const samples: Record<string, Sample> = {};
        await taskCurve(lab, samples);
        await workerCurve(lab, samples);
        await payloadCurve(lab, samples);
        return samples;
      },
    };
  },
};
