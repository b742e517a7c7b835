/** Round trips: on an idle cluster, and while large values pass. */

import { startCluster, startRelay } from "../clusters.js";
import type { Lab, ProgramOptions } from "../lab.js";
import { median } from "../result.js";
import type { Row } from "../row.js";
import type { Running } from "../running.js";

interface Times {
  readonly p50: number;
  readonly p99: number;
}

const ENDLESS = 1_000_000;
const WARM_ROUNDS = 10;
/** So many values of 256 MiB pass in each run. */
const VALUES = 2;

/** For a program that measures each time it is let go. */
export async function oneRound(client: Running): Promise<Times> {
  await client.told("ready");
  client.go();
  return client.told<Times>("done");
}

/** The daemons have worked before, as those in use have: one that has not takes three times as long. */
async function warmUp(lab: Lab, program: string, options: ProgramOptions): Promise<void> {
  const client = lab.program(program, options);
  await oneRound(client);
  client.go();
  await client.ended();
}

/** So many, on either side, until a new client's code is compiled; the daemons have as much of it behind them. */
const WARM_TRIPS = 12_000;
const TRIPS = 2_000;
const ROUNDS = 1 + WARM_TRIPS / TRIPS;

const roundTrip: Row = {
  name: "round-trip",
  lines: [
    {
      name: "round-trip",
      title: "round trip, one after the other: median",
      unit: "ms",
      digits: 3,
      bound: { most: 0.4 },
      ratio: { of: "bare relay's", bound: { most: 1.5 } },
    },
    {
      name: "round-trip-p99",
      title: "round trip: 99th percentile",
      unit: "ms",
      digits: 2,
      bound: { most: 1.5 },
    },
  ],
  async prepare(lab) {
    const { head, worker } = await startCluster(lab);
    const relay = await startRelay(lab);
    return {
      async run() {
        const bare = lab.program("baseline/relay-client", { args: [relay.address, "times", TRIPS, ROUNDS] });
        for (let round = 1; round < ROUNDS; round += 1) await oneRound(bare);
        const baseline = await oneRound(bare);
        await bare.ended();
        const client = lab.program("program/round-trip", { address: head.address, args: [TRIPS, ROUNDS] });
        for (let round = 1; round < ROUNDS; round += 1) await oneRound(client);
        const pids = () => [client.pid, head.pid, worker.pid, ...lab.executorsOf(worker)];
        await client.told("ready");
        lab.toggleProfiles(pids());
        client.go();
        const times = await client.told<Times>("done");
        lab.toggleProfiles(pids());
        client.go();
        await client.ended();
        return {
          "round-trip": { value: times.p50, baseline: baseline.p50 },
          "round-trip-p99": { value: times.p99, baseline: baseline.p99 },
        };
      },
    };
  },
};

const besideValues: Row = {
  name: "beside-values",
  lines: [
    {
      name: "beside-values",
      title: "round trip while values of 256 MiB pass: median",
      unit: "ms",
      digits: 2,
      ratio: { of: "idle", bound: { most: 5 } },
    },
  ],
  async prepare(lab) {
    const { head } = await startCluster(lab);
    await warmUp(lab, "program/round-trip", { address: head.address, args: [4_000, 1] });
    return {
      async run() {
        const client = lab.program("program/round-trip", { address: head.address, args: [200, ENDLESS] });
        // The client gets faster for a while: that must not pass for the effect of the values.
        for (let round = 0; round < WARM_ROUNDS; round += 1) await oneRound(client);
        const idle = await oneRound(client);
        const passing = lab.program("program/echo", { address: head.address, args: [256, 1, VALUES] });
        await passing.told("ready");
        passing.go();
        let passed = false;
        const allPassed = passing.told("done").then(() => {
          passed = true;
        });
        // Rounds while values pass, from the first byte to the last.
        const rounds: number[] = [];
        while (!passed) rounds.push((await oneRound(client)).p50);
        await allPassed;
        await passing.ended();
        await client.end();
        return { "beside-values": { value: median(rounds), baseline: idle.p50 } };
      },
    };
  },
};

export const latencyRows: readonly Row[] = [roundTrip, besideValues];
