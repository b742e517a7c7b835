/** What the head says beside a task's demand: its learnt walltime, the workers of its gang. */

import { existsSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { FailureKind } from "../../proto/grain.js";
import { demandOf } from "./agent/world.js";
import { failureIn, start, valueIn } from "./agent-kit.js";

describe("a learnt walltime", () => {
  const walltime = { hardMs: 60_000, softMs: 30_000, group: "opt" };
  const demand = { ...demandOf(1), walltime };

  it("is what the task sees, with the soft limit within it", async () => {
    const { head } = start();
    const spec = head.define("describe", { demand });
    const seen = async (hardMs: number) => {
      const [task] = head.assign(spec, [[]], true, { hardMs });
      const value = valueIn(await head.outcome(task!)) as { resources: { wtime: unknown } };
      return value.resources.wtime;
    };
    expect(await seen(0)).toEqual({ hard: 60, soft: 30, group: "opt" });
    expect(await seen(90_000)).toEqual({ hard: 90, soft: 30, group: "opt" });
    expect(await seen(20_000)).toEqual({ hard: 20, soft: 20, group: "opt" });
  });

  it("ends the task", async () => {
    const { head } = start();
    const [task] = head.assign(head.define("spin", { demand }), [[]], true, { hardMs: 100 });
    const failure = failureIn(await head.outcome(task!));
    expect(failure.kind).toBe(FailureKind.TIMED_OUT);
    expect(failure.message).toMatch(
      /^ran longer than its walltime of 0\.1 s, learnt from earlier runs of group "opt"; put/,
    );
  });
});

describe("a gang", () => {
  const demand = { ...demandOf(0), nodes: 2 };
  const nodes = [
    { worker: "w1", host: "n1", cores: 2 },
    { worker: "w2", host: "n2", cores: 4 },
    { worker: "w3", host: "n1", cores: 3 },
  ];
  type Seen = { nodes: unknown; hostfile: string; text: string; env: string; pid: number };

  it("knows its workers, and has a hostfile while it runs", async () => {
    const { head } = start();
    const [task] = head.assign(head.define("gang", { demand }), [[]], true, { gangs: [{ index: 0, nodes }] });
    const seen = valueIn(await head.outcome(task!)) as Seen;
    expect(seen).toMatchObject({ nodes, text: "n1 slots=5\nn2 slots=4\n", env: `${seen.hostfile} n1,n2` });
    expect(existsSync(dirname(seen.hostfile))).toBe(false);
  });

  it("of one worker is that worker", async () => {
    const { head } = start();
    const seen = valueIn(await head.call(head.define("gang", { demand: { ...demand, nodes: 1 } }))) as Seen;
    expect(seen.nodes).toEqual([{ worker: "w1", host: hostname(), cores: 2 }]);
    expect(seen.text).toBe(`${hostname()} slots=2\n`);
  });

  it("leaves no hostfile when it is cancelled, or its process is killed", async () => {
    const { head } = start();
    const spec = head.define("gang", { demand });
    for (const wait of ["abort", "spin"]) {
      const [task] = head.assign(spec, [[wait]], true, { gangs: [{ index: 0, nodes }] });
      await head.until(() => head.printed(task!) !== "");
      const hostfile = head.printed(task!).trim();
      expect(existsSync(hostfile)).toBe(true);
      expect(statSync(dirname(hostfile)).mode & 0o777).toBe(0o700);
      head.send({ $case: "cancel", cancel: { session: 1, tasks: [task!] } });
      expect(failureIn(await head.outcome(task!)).kind).toBe(FailureKind.CANCELLED);
      expect(existsSync(dirname(hostfile))).toBe(false);
    }
  });

  it("leaves no hostfile when the agent ends", async () => {
    const { head, agent } = start();
    const [task] = head.assign(head.define("gang", { demand }), [["spin"]], true);
    await head.until(() => head.printed(task!) !== "");
    const hostfile = head.printed(task!).trim();
    expect(existsSync(hostfile)).toBe(true);
    await agent.close();
    expect(existsSync(dirname(hostfile))).toBe(false);
  });

  it("fails when its hostfile cannot be written, and its worker goes on", async () => {
    const { head } = start();
    const spec = head.define("gang", { demand });
    // A process that has its environment already.
    await head.call(head.define("echo"));
    vi.stubEnv("TMPDIR", "/no/such/directory");
    const failure = failureIn(await head.call(spec));
    vi.unstubAllEnvs();
    expect(failure.kind).toBe(FailureKind.LOAD_FAILED);
    expect(failure.message).toMatch(/^its hostfile could not be written: /);
    expect(valueIn(await head.call(spec))).toMatchObject({ nodes: [{ worker: "w1" }] });
  });

  it("is nothing that other tasks have", async () => {
    const { head } = start();
    const seen = valueIn(await head.call(head.define("gang", { demand: demandOf(2) }))) as Seen;
    const own = [{ worker: "w1", host: hostname(), cores: 2 }];
    expect(seen).toMatchObject({ nodes: own, text: "", env: "none none" });
    expect(seen.hostfile).toBeUndefined();
  });
});
