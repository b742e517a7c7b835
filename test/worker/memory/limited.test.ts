/** An agent whose executors the kernel limits; the kernel's part is played by a directory. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FailureKind } from "../../../proto/grain.js";
import { CgroupTree } from "../../../worker/memory/cgroup.js";
import { demandOf, poolOf } from "../agent/world.js";
import { failureIn, start, valueIn } from "../agent-kit.js";

const MEBIBYTE = 1024 ** 2;
const pool = { ...poolOf(1), memoryBytes: 64 * 1024 * MEBIBYTE };
let root: string;
let own: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "grain-limited-"));
  own = join(root, "sys/fs/cgroup/service");
  mkdirSync(own, { recursive: true });
  mkdirSync(join(root, "proc/self"), { recursive: true });
  writeFileSync(join(root, "proc/self/cgroup"), "0::/service\n");
  writeFileSync(join(own, "cgroup.controllers"), "memory\n");
  writeFileSync(join(own, "cgroup.subtree_control"), "memory\n");
  writeFileSync(join(own, "cgroup.procs"), `${process.pid}\n`);
});
afterEach(() => rmSync(root, { recursive: true }));

function demand(mebibytes: number) {
  const { amounts, ...rest } = demandOf(1);
  return { ...rest, amounts: [...amounts, { kind: "memory", amount: mebibytes * MEBIBYTE }] };
}

describe("an executor in a control group", () => {
  it("is limited to what its task asked for; what the kernel ends has run out of memory", async () => {
    const { head, agent } = start(pool, undefined, { cgroups: CgroupTree.open(root) });
    const [task] = head.assign(head.define("untilAborted", { demand: demand(100) }), [[]], true);
    await head.until(() => head.printed(task!) !== "");
    const [group] = readdirSync(own).filter((name) => name.startsWith("grain-executor"));
    const limit = Number(readFileSync(join(own, group!, "memory.max"), "utf8"));
    // With what the executor has for itself.
    expect(limit).toBeGreaterThan(110 * MEBIBYTE);
    expect(limit).toBeLessThan(400 * MEBIBYTE);
    const [pid] = agent.status().executors;
    expect(readFileSync(join(own, group!, "cgroup.procs"), "utf8")).toBe(String(pid));
    writeFileSync(join(own, group!, "memory.events"), "oom 1\noom_kill 1\n");
    process.kill(pid!, "SIGKILL");
    const failure = failureIn(await head.outcome(task!));
    expect(failure).toMatchObject({
      kind: FailureKind.OUT_OF_MEMORY,
      signal: "SIGKILL",
      askedBytes: 100 * MEBIBYTE,
      peakBytes: 100 * MEBIBYTE,
    });
    expect(failure.message).toMatch(
      /^reached the 100M of memory that it asked for and was ended by the system/,
    );
  });

  it("is not ended for what is measured: the kernel counts better", async () => {
    const { head } = start(pool, undefined, { cgroups: CgroupTree.open(root) });
    const spec = head.define("hold", { module: "unruly.mjs", demand: demand(50) });
    expect(valueIn(await head.call(spec, 150, 900))).toBe(150);
  });
});
