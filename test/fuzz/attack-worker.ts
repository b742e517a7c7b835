/** A worker's agent whose head says what cannot be: it leaves that head, says why, and leaves nothing behind. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HeadToWorker, type WorkerMessage } from "../../proto/grain.js";
import { startAgent } from "../../worker/agent/agent.js";
import { Random } from "../sim/random.js";
import { poolOf } from "../worker/agent/world.js";
import { lives } from "../worker/agent-kit.js";
import { bounded } from "./attack-head.js";
import { FedLink } from "./fed-link.js";
import { mutated, readable } from "./mutate.js";
import { type Recording, TASKS, TOKEN_BYTES } from "./record.js";

const BATCH = 6;

const turn = () => new Promise((resolve) => setImmediate(resolve));

type WorkerLink = FedLink<WorkerMessage, HeadToWorker>;

/**
 * Plays one seed.
 *
 * @param cores 0: nothing ever starts, which is faster than processes are
 * @returns what is wrong; undefined: nothing
 */
export async function attackWorker(
  recording: Recording,
  seed: number,
  cores: number,
): Promise<string | undefined> {
  const random = new Random(seed);
  const directory = mkdtempSync(join(tmpdir(), "grain-fuzz-"));
  const opened: WorkerLink[] = [];
  const open = () => {
    const link: WorkerLink = new FedLink();
    opened.push(link);
    return link;
  };
  const none = () => Promise.reject(new Error("this head has none"));
  const connection = {
    link: open(),
    reopen: async () => open(),
    blobs: { missing: none, put: none, get: none },
    address: "fuzz:1",
    status: none,
    close: async () => opened.at(-1)!.close(),
  };
  const agent = startAgent({
    connection,
    id: randomBytes(TOKEN_BYTES),
    name: "w1",
    pool: poolOf(cores, 8),
    imports: [TASKS],
    cacheDir: directory,
    graceMs: 100,
    isMemoryShort: () => false,
  });
  let last: HeadToWorker[] = [];
  try {
    await feed(recording, random, opened, (batch) => {
      last = batch;
      agent.status();
    });
    const { executors } = agent.status();
    const late = await bounded(
      agent.close().then(() => undefined),
      "the agent does not end",
    );
    if (late !== undefined) return `${late}, after ${JSON.stringify(last).slice(0, 2_000)}`;
    const left = executors.filter(lives);
    return left.length === 0 ? undefined : `executors ${left.join(", ")} are left`;
  } catch (error) {
    await agent.close();
    return `${(error as Error).stack}\nafter ${JSON.stringify(last).slice(0, 2_000)}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The recorded streams, one after another, each on the next link that the agent opens. */
async function feed(
  { fromHead, toHead }: Recording,
  random: Random,
  opened: WorkerLink[],
  feeds: (batch: HeadToWorker[]) => void,
): Promise<void> {
  const strangers = [...fromHead.client.flat(), ...toHead.worker.flat()];
  for (const [i, stream] of fromHead.worker.entries()) {
    const link = opened[i];
    if (link === undefined) return;
    const { read, malformed } = readable(mutated(stream, HeadToWorker, strangers, random), HeadToWorker);
    while (read.length > 0 && !link.hasEnded) {
      const batch = read.splice(0, random.below(BATCH));
      feeds(batch);
      link.feed(batch);
      if (random.next() < 0.3) await turn();
    }
    link.end(malformed ? { type: "malformed", message: "no message" } : { type: "broken", message: "cut" });
    await turn();
    await turn();
  }
}
