/** The option `pin`: what a task's process and programs are bound to. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type Agent, startAgent } from "../../worker/agent/agent.js";
import { detectPool } from "../../worker/detect.js";
import { findProgram } from "../../worker/programs/find.js";
import { demandOf } from "./agent/world.js";
import { FakeHead } from "./fake-head.js";

interface Affinity {
  readonly cores: string;
  readonly threads: string[];
  readonly program: string;
  readonly pid: number;
}

const all =
  process.platform === "linux"
    ? /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]
    : undefined;

let agent: Agent;
afterEach(() => agent.close());

function start(cores: number[]): FakeHead {
  const head = new FakeHead();
  const file = fileURLToPath(new URL("fixtures/tasks.mjs", import.meta.url));
  const pool = { ...detectPool(), cores, gpus: [] };
  agent = startAgent({ connection: head.connection, name: "w1", pool, imports: [file] });
  return head;
}

async function affinity(head: FakeHead, spec: number): Promise<Affinity> {
  const outcome = await head.call(spec);
  if (outcome.type !== "value") throw new Error(JSON.stringify(outcome));
  return outcome.value as Affinity;
}

describe.runIf(all !== undefined && findProgram("taskset", undefined) !== undefined)("a task", () => {
  const core = detectPool().cores.at(-1)!;

  it("that is pinned is bound with its programs; one that is not is not, whatever ran before", async () => {
    const head = start([core]);
    const pinned = head.define("affinity", { pin: true });
    const free = head.define("affinity");
    const bound = { cores: `${core}`, threads: [`${core}`], program: `${core}` };
    const unbound = { cores: `${core}`, threads: [all], program: all };
    // The first program starts the launcher while the process is bound.
    const first = await affinity(head, pinned);
    expect(first).toMatchObject(bound);
    for (const [spec, expected] of [
      [free, unbound],
      [pinned, bound],
      [pinned, bound],
      [free, unbound],
    ] as const)
      expect(await affinity(head, spec)).toEqual({ ...expected, pid: first.pid });
  });

  it("that shares its process has only its programs bound", async () => {
    const head = start([core]);
    const demand = { ...demandOf(0), amounts: [{ kind: "cores", amount: 500 }] };
    const shared = await affinity(head, head.define("affinity", { pin: true, demand }));
    expect(shared).toMatchObject({ cores: `${core}`, threads: [all], program: `${core}` });
  });

  it("that is pinned to cores which are not there runs, and says so", async () => {
    const head = start([4000]);
    const [task] = head.assign(head.define("affinity", { pin: true }), [[]], true);
    expect(await head.outcome(task!)).toMatchObject({ type: "value", value: { threads: [all] } });
    await head.until(() => /could not be bound to cores 4000: taskset: /.test(head.printed(task!)));
  });
});
