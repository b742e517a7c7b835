/**
 * What was said in a real session is said again, changed, to a head, a worker and a client: at most one refusal
 * comes of it, never an exception or a wrong state.
 *
 * GRAIN_FUZZ_RUNS: how many seeds for each; GRAIN_FUZZ_SEED: the first; GRAIN_FUZZ_RECORDING: a recording that
 * a failure has named.
 */

import { beforeAll, describe, expect, it } from "vitest";
import { attackClient } from "./attack-client.js";
import { attackHead } from "./attack-head.js";
import { attackWorker } from "./attack-worker.js";
import { keep, kept, type Recording, record } from "./record.js";

const RUNS = Number(process.env.GRAIN_FUZZ_RUNS ?? 300);
const FIRST_SEED = Number(process.env.GRAIN_FUZZ_SEED ?? 1);
/** With processes a run takes longer than most others together. */
const RUNS_WITH_PROCESSES = Math.max(1, Math.round(RUNS / 20));
/** One run takes some milliseconds. */
const LIMIT_MS = 60_000 + 500 * RUNS;

type Play = (recording: Recording, seed: number) => Promise<string | undefined>;

let recording: Recording;
beforeAll(async () => {
  const file = process.env.GRAIN_FUZZ_RECORDING;
  recording = file === undefined ? await record() : kept(file);
});

/** Plays seeds until one fails. What is thrown where nobody catches it fails the seed too. */
async function fuzz(play: Play, runs: number): Promise<void> {
  let uncaught: unknown;
  process.setUncaughtExceptionCaptureCallback((error) => {
    uncaught ??= error;
  });
  try {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + runs; seed += 1) {
      const wrong = await play(recording, seed);
      if (wrong === undefined && uncaught === undefined) continue;
      const what = [wrong, uncaught instanceof Error ? `uncaught: ${uncaught.stack}` : uncaught];
      const again = `GRAIN_FUZZ_SEED=${seed} GRAIN_FUZZ_RUNS=1 GRAIN_FUZZ_RECORDING=${keep(recording, seed)}`;
      throw new Error(`${what.filter((part) => part !== undefined).join("\n")}\nagain: ${again}`);
    }
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
}

describe("a recording", () => {
  it("has all that clients and workers say, and how they came back", () => {
    const { toHead, fromHead } = recording;
    for (const streams of [toHead.client, toHead.worker, fromHead.client, fromHead.worker])
      expect(streams.map((stream) => stream.length > 1)).toEqual([true, true]);
  });
});

describe("changed recordings", () => {
  it("do a head and its other peers no harm", () => fuzz(attackHead, RUNS), LIMIT_MS);

  it("end a client's calls once each", () => fuzz(attackClient, 4 * RUNS), LIMIT_MS);

  it("do a worker no harm", () => fuzz((of, seed) => attackWorker(of, seed, 0), RUNS), LIMIT_MS);

  it(
    "leave no process of a worker",
    () => fuzz((of, seed) => attackWorker(of, seed, 2), RUNS_WITH_PROCESSES),
    LIMIT_MS,
  );
});
