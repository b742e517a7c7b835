/** Tasks that start programs, against xargs. */

import { play, startCluster } from "../clusters.js";
import type { Lab } from "../lab.js";
import type { Row } from "../row.js";

/** So many that starting, and compiling the code, does not show. */
const COUNT = 10_000;
const HELD_MIB = 2_048;

/** What a shell does two at a time, programs per second. */
async function xargsRate(lab: Lab): Promise<number> {
  const shell = lab.start("sh", ["-c", `seq ${COUNT} | xargs -P2 -n1 /bin/true`]);
  await shell.ended();
  return (COUNT * 1000) / (performance.now() - shell.startedAt);
}

const programs: Row = {
  name: "programs",
  lines: [
    {
      name: "programs",
      title: "tasks that start /bin/true, 2 at a time",
      unit: "tasks/s",
      digits: 0,
      ratio: { of: "xargs -P2 -n1 /bin/true", bound: { least: 0.8 } },
    },
    {
      name: "programs-held",
      title: "the same from executors that hold 2 GiB",
      unit: "tasks/s",
      digits: 0,
      ratio: { of: "those that hold nothing", bound: { least: 0.9 } },
    },
  ],
  async prepare(lab) {
    return {
      async run() {
        const rate = async (heldMiB: number) => {
          // A worker of its own each time: an executor that held 2 GiB once may keep them.
          const { head, worker } = await startCluster(lab);
          const { ms } = await play<{ ms: number }>(lab, "program/start-true", {
            address: head.address,
            args: [COUNT, heldMiB],
          });
          await worker.end();
          await head.running.end();
          return (COUNT * 1000) / ms;
        };
        const xargs = await xargsRate(lab);
        const light = await rate(0);
        const heavy = await rate(HELD_MIB);
        return {
          programs: { value: light, baseline: xargs },
          "programs-held": { value: heavy, baseline: light },
        };
      },
    };
  },
};

export const programRows: readonly Row[] = [programs];
