/**
 * One process that plays many workers of one core over real gRPC, with the product's own link: `crowd ADDRESS
 * WORKERS TASK_MS`. A task runs nothing; its result is told when its time is over. Time is that of a machine of its
 * own for each worker: the next waiting task begins when the one before it was over, however late that is noticed.
 */

import type { HeadToWorker, WorkerMessage } from "../../proto/grain.js";
import { connectWorker } from "../../proto/link/grpc/connect.js";
import { hello } from "../../proto/version.js";
import { PlayedWorker, type Timers } from "../played-worker.js";
import { numberAt, tell } from "../tell.js";

// Each plays a machine of its own: all goes over gRPC.
process.env.GRAIN_SHARED_DIR = "";

const [workers, taskMs] = [numberAt(1), numberAt(2)];

/** One slot a millisecond: what is due in it. */
class Wheel implements Timers {
  readonly #slots: (() => void)[][] = Array.from({ length: 1024 }, () => []);
  #at = Math.floor(performance.now());
  #pending = 0;

  at(dueMs: number, then: () => void): void {
    // What is due already is told in the next turn of the wheel.
    const slot = Math.min(Math.max(Math.ceil(dueMs), this.#at + 1), this.#at + 1023);
    this.#slots[slot % 1024]!.push(then);
    this.#pending += 1;
    if (this.#pending === 1) this.#turnLater();
  }

  #turnLater(): void {
    setTimeout(() => this.#turn(), 1);
  }

  #turn(): void {
    const now = Math.floor(performance.now());
    while (this.#at < now && this.#pending > 0) {
      this.#at += 1;
      const slot = this.#at % 1024;
      const due = this.#slots[slot]!;
      if (due.length === 0) continue;
      this.#slots[slot] = [];
      this.#pending -= due.length;
      for (const then of due) then();
    }
    if (this.#pending > 0) this.#turnLater();
    else this.#at = now;
  }
}

const wheel = new Wheel();

async function join(index: number): Promise<void> {
  const { link } = await connectWorker(process.argv[2]!, { giveUpMs: 30_000 });
  const worker = new PlayedWorker(link, taskMs, wheel);
  await new Promise<void>((resolve, reject) => {
    link.receive({
      messages(batch: HeadToWorker[]) {
        for (const { body } of batch) {
          if (body?.$case === "accepted") {
            worker.beat(body.accepted.heartbeatMs);
            resolve();
          } else if (body?.$case === "refused") reject(new Error(body.refused.message));
          else if (body !== undefined) worker.take(body);
        }
      },
      // The head has ended: so does this.
      ended: () => process.exit(0),
    });
    const pool = { cores: [0], gpus: [], memoryBytes: 2 ** 30, others: [], tokens: [], numa: [] };
    const message: WorkerMessage = {
      body: {
        $case: "join",
        join: { hello: hello(), name: `played-${index}`, pool, imports: [], resume: false },
      },
    };
    link.send(message);
  });
}

for (let from = 0; from < workers; from += 50) {
  await Promise.all(Array.from({ length: Math.min(50, workers - from) }, (_, i) => join(from + i)));
}
tell("joined");
