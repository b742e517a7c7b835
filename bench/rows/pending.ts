/**
 * Ten gibibytes of results that a stopped client does not read: where they are, whether all come, and how
 * others fare. It takes some minutes, and 10 GiB of disk.
 */

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { connectAdmin } from "../../proto/link/grpc/connect.js";
import { sharedRoot } from "../../proto/share/directory.js";
import { median } from "../result.js";
import type { Line, Row } from "../row.js";
import { residentMiB } from "../usage.js";
import { oneRound } from "./latency.js";

const COUNT = 10_240;
const MEMORY_MIB = 256;
/** Of a head that holds nothing, and of what is on its way through its buffers. */
const OWN_MIB = 256;
const ENDLESS = 1_000_000;
const WARM_ROUNDS = 10;
const LOOK_MS = 100;
/** Between two looks at how others fare: they are to be looked at, not to take the machine. */
const PAUSE_MS = 1_000;

const line = (name: string, title: string, rest: Pick<Line, "unit" | "digits"> & Partial<Line>): Line => ({
  name: `pending-${name}`,
  title: `10 GiB of results that a stopped client does not read: ${title}`,
  ...rest,
});

/** Bytes of the values that heads hold in memory that they share. */
function sharedMiB(): number {
  const root = sharedRoot();
  if (root === undefined) return 0;
  const heads = readdirSync(root).filter((name) => name.startsWith("grain-head-"));
  const sizes = heads.flatMap((head) =>
    readdirSync(join(root, head, "values")).map(
      (name) => statSync(join(root, head, "values", name), { throwIfNoEntry: false })?.size ?? 0,
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0) / 1024 ** 2;
}

/** Resolves when the head has all tasks, or all of their results. */
async function allAt(address: string, what: "submitted" | "finished"): Promise<void> {
  const admin = await connectAdmin(address, { giveUpMs: 10_000 });
  try {
    for (;;) {
      const { sessions } = await admin.status();
      const mine = sessions.find(({ name }) => name === "pending");
      const waiting = what === "finished" ? 0 : (mine?.queued ?? 0) + (mine?.running ?? 0);
      // One more had warmed the worker up.
      if (mine !== undefined && waiting + mine.finished > COUNT) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  } finally {
    admin.close();
  }
}

const pending: Row = {
  name: "pending-values",
  lines: [
    line("rss", "head", { unit: "MiB", digits: 0, bound: { most: MEMORY_MIB + OWN_MIB } }),
    line("shared", "values in shared memory", { unit: "MiB", digits: 0, bound: { most: MEMORY_MIB } }),
    line("right", "values that come when it goes on", {
      unit: "of 10,240",
      digits: 0,
      bound: { least: COUNT },
    }),
    line("round-trip", "another's round trip meanwhile, median", {
      unit: "ms",
      digits: 2,
      ratio: { of: "idle", bound: { most: 5 } },
    }),
  ],
  async prepare(lab) {
    return {
      async run() {
        const { address, pid, running } = await lab.head(["--memory", `${MEMORY_MIB}M`]);
        const makers = await lab.worker(address, ["--cpus", "1", "--res", '{"token":"pending"}']);
        const others = await lab.worker(address, ["--cpus", "1"]);
        const other = lab.program("program/round-trip", { address, args: [200, ENDLESS] });
        for (let round = 0; round < WARM_ROUNDS; round += 1) await oneRound(other);
        const idle = await oneRound(other);
        const client = lab.program("program/pending", { address, args: [1, COUNT] });
        await client.told("ready");
        const most = { rss: 0, shared: 0 };
        const looking = setInterval(() => {
          most.rss = Math.max(most.rss, residentMiB(pid));
          most.shared = Math.max(most.shared, sharedMiB());
        }, LOOK_MS);
        client.go();
        await allAt(address, "submitted");
        client.signal("SIGSTOP");
        let over = false;
        const done = allAt(address, "finished")
          .then(() => client.signal("SIGCONT"))
          .then(() => client.told<{ right: number }>("done"))
          .finally(() => {
            over = true;
          });
        const rounds: number[] = [];
        while (!over) {
          rounds.push((await oneRound(other)).p50);
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
        const { right } = await done;
        clearInterval(looking);
        for (const process of [client, other, makers, others, running]) await process.end("SIGKILL");
        return {
          "pending-rss": { value: most.rss },
          "pending-shared": { value: most.shared },
          "pending-right": { value: right },
          "pending-round-trip": { value: median(rounds), baseline: idle.p50 },
        };
      },
    };
  },
};

export const pendingRows: readonly Row[] = [pending];
