/** What daemons cost that have nothing to do. */

import { noopRate, startCluster } from "../clusters.js";
import type { Row } from "../row.js";
import { cpuMs } from "../usage.js";

/** How long they are watched in each run. */
const WATCHED_MS = 5_000;

const line = { unit: "% of a core", digits: 3, bound: { most: 0.2 } } as const;

const idle: Row = {
  name: "idle",
  lines: [
    { ...line, name: "idle-head", title: "idle: head" },
    { ...line, name: "idle-agent", title: "idle: worker's agent" },
    { ...line, name: "idle-executor", title: "idle: the busiest executor" },
  ],
  async prepare(lab) {
    const { head, worker } = await startCluster(lab);
    await noopRate(lab, head.address, 10_000);
    return {
      async run() {
        const pids = [head.pid, worker.pid, ...lab.executorsOf(worker)];
        const before = pids.map(cpuMs);
        await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
        const [ofHead, ofAgent, ...ofExecutors] = pids.map(
          (pid, i) => (100 * (cpuMs(pid) - before[i]!)) / WATCHED_MS,
        );
        return {
          "idle-head": { value: ofHead! },
          "idle-agent": { value: ofAgent! },
          "idle-executor": { value: Math.max(0, ...ofExecutors) },
        };
      },
    };
  },
};

export const idleRows: readonly Row[] = [idle];
