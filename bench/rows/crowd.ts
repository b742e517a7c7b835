/** Many workers at one head: a process that plays them over real gRPC. */

import { play } from "../clusters.js";
import type { Row } from "../row.js";

const WORKERS = 500;
const TASKS = 100_000;
const TASK_MS = 10;
/** Before it counts, so that it is a cluster and a program that have worked before. */
const WARM = 20_000;

const crowd: Row = {
  name: "workers-500",
  lines: [
    {
      name: "workers-500",
      title: "500 workers, 100,000 tasks of 10 ms: utilisation",
      unit: "%",
      digits: 1,
      bound: { least: 95 },
    },
  ],
  async prepare(lab) {
    const head = await lab.head();
    const workers = lab.program("program/crowd", { args: [head.address, WORKERS, TASK_MS] });
    await workers.told("joined");
    return {
      async run() {
        const { ms } = await play<{ ms: number }>(lab, "program/sleep", {
          address: head.address,
          args: [TASKS, WARM],
        });
        const idealMs = (TASKS * TASK_MS) / WORKERS;
        return { "workers-500": { value: (100 * idealMs) / ms } };
      },
    };
  },
};

export const crowdRows: readonly Row[] = [crowd];
