/** No-op tasks that are submitted at once: rates, what they cost each process, and ten clients. */

import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { firstRelayRate, noopRate, play, relayRate, startCluster, startRelay } from "../clusters.js";
import type { Row } from "../row.js";
import type { Running } from "../running.js";
import { cpuMs } from "../usage.js";

const MANY = 300_000;

const rateLine = { unit: "tasks/s", digits: 0 } as const;
const costLine = { unit: "us", digits: 2 } as const;

const many: Row = {
  name: "noop-300000",
  lines: [
    {
      ...rateLine,
      name: "noop-300000",
      title: "no-op tasks, 300,000 at once",
      bound: { least: 100_000 },
      ratio: { of: "bare relay", bound: { least: 0.55 } },
    },
  ],
  async prepare(lab) {
    const { head } = await startCluster(lab);
    const relay = await startRelay(lab);
    return {
      async run() {
        const baseline = await relayRate(lab, relay, MANY);
        return { "noop-300000": { value: await noopRate(lab, head.address, MANY), baseline } };
      },
    };
  },
};

/** All processes are new, on both sides; and, held to nothing, the same with daemons that have worked before. */
function few(count: number, least: number): Row {
  const name = `noop-${count}`;
  const title = `no-op tasks, ${count.toLocaleString("en-US")} at once`;
  return {
    name,
    lines: [
      {
        ...rateLine,
        name,
        title,
        bound: { least },
        ratio: { of: "relay's first run", bound: { least: 1 } },
      },
      { ...rateLine, name: `${name}-warm`, title: `${title}, warm daemons` },
    ],
    async prepare(lab) {
      const warm = await startCluster(lab);
      for (let i = 0; i < 3; i += 1) await noopRate(lab, warm.head.address, 10_000);
      return {
        async run() {
          const baseline = await firstRelayRate(lab, count);
          const { head, worker } = await startCluster(lab);
          const value = await noopRate(lab, head.address, count);
          await worker.end();
          await head.running.end();
          return {
            [name]: { value, baseline },
            [`${name}-warm`]: { value: await noopRate(lab, warm.head.address, count) },
          };
        },
      };
    },
  };
}

const journal: Row = {
  name: "journal",
  lines: [
    {
      ...rateLine,
      name: "journal",
      title: "300,000 at once, with the journal",
      bound: { least: 60_000 },
      ratio: { of: "rate without", bound: { least: 0.6 } },
    },
  ],
  skip: (lab) => (lab.headHas("--journal") ? undefined : "grain-head has no option --journal"),
  async prepare(lab) {
    const without = await startCluster(lab);
    const directory = mkdtempSync(join(lab.directory, "journal-"));
    const journalled = await startCluster(lab, ["--journal", directory]);
    return {
      async run() {
        const baseline = await noopRate(lab, without.head.address, MANY);
        return { journal: { value: await noopRate(lab, journalled.head.address, MANY), baseline } };
      },
    };
  },
};

const cpu: Row = {
  name: "cpu",
  lines: [
    { ...costLine, name: "cpu-client", title: "processor time a task: client", bound: { most: 8 } },
    { ...costLine, name: "cpu-head", title: "processor time a task: head", bound: { most: 4 } },
    { ...costLine, name: "cpu-agent", title: "processor time a task: worker's agent", bound: { most: 3 } },
    { ...costLine, name: "cpu-executors", title: "processor time a task: executors", bound: { most: 5 } },
  ],
  async prepare(lab) {
    const { head, worker } = await startCluster(lab);
    // As in the rows of rates, the daemons are warm.
    if (!lab.profiles) await noopRate(lab, head.address, MANY);
    return {
      async run() {
        const groups = (client: Running): Record<string, number[]> => ({
          "cpu-client": [client.pid],
          "cpu-head": [head.pid],
          "cpu-agent": [worker.pid],
          "cpu-executors": lab.executorsOf(worker),
        });
        const used = (pids: Record<string, number[]>) =>
          Object.entries(pids).map(([name, all]) => [name, all.reduce((sum, pid) => sum + cpuMs(pid), 0)]);
        let pids: Record<string, number[]> = {};
        let before: Record<string, number> = {};
        let after: Record<string, number> = {};
        await noopRate(lab, head.address, MANY, {
          before(client) {
            pids = groups(client);
            lab.toggleProfiles(Object.values(pids).flat());
            before = Object.fromEntries(used(pids));
          },
          after() {
            after = Object.fromEntries(used(pids));
            lab.toggleProfiles(Object.values(pids).flat());
          },
        });
        const perTask = (name: string) => ({ value: ((after[name]! - before[name]!) * 1000) / MANY });
        return Object.fromEntries(Object.keys(pids).map((name) => [name, perTask(name)]));
      },
    };
  },
};

const CLIENTS = 10;
const EACH = 30_000;
/** Ten programs that begin at once would measure how fast two cores compile ten of them; that takes so many calls each. */
const WARM = 60_000;

const clients: Row = {
  name: "clients",
  lines: [
    {
      ...rateLine,
      name: "clients",
      title: "ten clients at once, 30,000 tasks each",
      ratio: { of: "one client's rate", bound: { least: 0.9 } },
    },
    {
      name: "clients-fairness",
      title: "ten clients: fastest client's time / slowest's",
      unit: "",
      digits: 2,
      bound: { least: 0.9 },
    },
  ],
  async prepare(lab) {
    const { head } = await startCluster(lab, ["--max-clients", String(2 * CLIENTS)]);
    return {
      async run() {
        const args = [CLIENTS * EACH, WARM];
        const one = await play<{ ms: number }>(lab, "program/noop", { address: head.address, args });
        const baseline = (CLIENTS * EACH * 1000) / one.ms;
        const programs = Array.from({ length: CLIENTS }, () =>
          lab.program("program/noop", { address: head.address, args: [EACH, WARM] }),
        );
        for (const program of programs) await program.told("ready");
        const startedAt = performance.now();
        for (const program of programs) program.go();
        const times = await Promise.all(
          programs.map(async (program) => {
            await program.told("done");
            return performance.now() - startedAt;
          }),
        );
        for (const program of programs) program.go();
        await Promise.all(programs.map((program) => program.ended()));
        const [fastest, slowest] = [Math.min(...times), Math.max(...times)];
        return {
          clients: { value: (CLIENTS * EACH * 1000) / slowest, baseline },
          "clients-fairness": { value: fastest / slowest },
        };
      },
    };
  },
};

export const noopRows: readonly Row[] = [
  many,
  few(10_000, 50_000),
  few(1_000, 20_000),
  journal,
  cpu,
  clients,
];
