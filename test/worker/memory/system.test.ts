/** What the system says of memory, from copies of its files. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CgroupTree } from "../../../worker/memory/cgroup.js";
import { OomKills } from "../../../worker/memory/oom-kills.js";
import { Pressure, PressureWatch } from "../../../worker/memory/pressure.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "grain-system-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}
const get = (name: string) => readFileSync(join(root, name), "utf8");
const machine = (availableMib: number, totalMib = 16_000) => ({
  "proc/meminfo": `MemTotal:       ${totalMib * 1024} kB\nMemFree:  1 kB\nMemAvailable:   ${availableMib * 1024} kB\n`,
});

describe("pressure", () => {
  it.each([
    [16_000, 801, false],
    [16_000, 799, true],
    // Of a very large machine four gigabytes are enough.
    [2_000_000, 5_000, false],
    [2_000_000, 4_000, true],
  ])("of a machine with %d MiB, %d of them available: %s", (total, available, expected) => {
    put(machine(available, total));
    expect(new Pressure(root).look()).toBe(expected);
  });

  it("is over only when there is clearly enough", () => {
    put(machine(700));
    const pressure = new Pressure(root);
    expect(pressure.look()).toBe(true);
    put(machine(900));
    expect(pressure.look()).toBe(true);
    put(machine(1_300));
    expect(pressure.look()).toBe(false);
    put(machine(900));
    expect(pressure.look()).toBe(false);
  });

  it("is that of the control group too, whose cache of files counts as free", () => {
    put({
      ...machine(8_000),
      "proc/self/cgroup": "0::/job/step\n",
      "sys/fs/cgroup/job/memory.max": "1000000\n",
      "sys/fs/cgroup/job/memory.current": "990000\n",
      "sys/fs/cgroup/job/memory.stat": "anon 1\nfile 500000\ninactive_file 60000\nactive_file 40000\n",
      "sys/fs/cgroup/job/step/memory.max": "max\n",
    });
    const pressure = new Pressure(root);
    expect(pressure.look()).toBe(false);
    put({ "sys/fs/cgroup/job/memory.stat": "inactive_file 10000\nactive_file 10000\n" });
    expect(pressure.look()).toBe(true);
  });

  it("is that of a group of the first version too", () => {
    put({
      ...machine(8_000),
      "proc/self/cgroup": "4:memory:/job\n",
      "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1000000\n",
      "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "990000\n",
      "sys/fs/cgroup/memory/job/memory.stat": "inactive_file 900000\ntotal_inactive_file 1000\n",
    });
    expect(new Pressure(root).look()).toBe(true);
  });

  it("is not known where nothing tells", () => {
    expect(new Pressure(root).look()).toBe(false);
  });

  it("is told when it changes, and while it lasts, and asked for once a second", () => {
    const told: string[] = [];
    let asked = 0;
    const watch = new PressureWatch(() => ++asked > 0, {
      changed: (isShort) => told.push(`changed ${isShort}`),
      lasts: () => told.push("lasts"),
    });
    watch.look();
    watch.look();
    expect(told).toEqual(["changed true"]);
    expect(asked).toBe(1);
  });
});

describe("the kernel's kills", () => {
  it("are noticed once", () => {
    put({
      "proc/vmstat": "pgfault 5\noom_kill 2\n",
      "proc/self/cgroup": "0::/job\n",
      "sys/fs/cgroup/job/memory.events": "low 0\noom 1\noom_kill 1\n",
    });
    const kills = new OomKills(root);
    expect(kills.happened()).toBe(false);
    put({ "sys/fs/cgroup/job/memory.events": "low 0\noom 2\noom_kill 2\n" });
    expect(kills.happened()).toBe(true);
    expect(kills.happened()).toBe(false);
  });
});

describe("control groups", () => {
  const OWN = "sys/fs/cgroup/service";

  function delegate(files: Readonly<Record<string, string>> = {}): void {
    put({
      "proc/self/cgroup": "0::/service\n",
      [`${OWN}/cgroup.controllers`]: "cpu memory pids\n",
      [`${OWN}/cgroup.subtree_control`]: "\n",
      [`${OWN}/cgroup.procs`]: `${process.pid}\n`,
      ...files,
    });
  }

  it.each<[string, () => void]>([
    ["there are none", () => {}],
    ["they are of the first version", () => put({ "proc/self/cgroup": "4:memory:/service\n" })],
    ["memory is not among what was given", () => delegate({ [`${OWN}/cgroup.controllers`]: "cpu\n" })],
    ["others are in the group", () => delegate({ [`${OWN}/cgroup.procs`]: `1\n${process.pid}\n` })],
  ])("are not used where %s", (_, prepare) => {
    prepare();
    expect(CgroupTree.open(root)).toBeUndefined();
  });

  it("limit an executor to what its task asked for, on top of its own", () => {
    delegate();
    const tree = CgroupTree.open(root);
    // A group with members of its own cannot be divided.
    expect(get(`${OWN}/grain-worker/cgroup.procs`)).toBe(String(process.pid));
    expect(get(`${OWN}/cgroup.subtree_control`)).toBe("+memory");
    const group = tree!.add(4711)!;
    const [name] = readdirSync(join(root, OWN)).filter((entry) => entry.startsWith("grain-executor"));
    const path = `${OWN}/${name}`;
    expect(get(`${path}/cgroup.procs`)).toBe("4711");
    expect(get(`${path}/memory.oom.group`)).toBe("1");
    put({ [`${path}/memory.events`]: "oom 1\noom_kill 1\n", [`${path}/memory.peak`]: "1500\n" });
    group.limit(1000, 500);
    expect(get(`${path}/memory.max`)).toBe("1500");
    // What was killed before is not this task's.
    expect(group.wasKilled()).toBe(false);
    put({ [`${path}/memory.events`]: "oom 2\noom_kill 2\n" });
    expect(group.wasKilled()).toBe(true);
    expect(group.peakBytes()).toBe(1500);
    group.limit(0, 0);
    expect(get(`${path}/memory.max`)).toBe("max");
  });

  it("are used as they are where they have been divided already", () => {
    delegate({
      [`${OWN}/cgroup.subtree_control`]: "memory\n",
      "proc/self/cgroup": "0::/service/grain-worker\n",
    });
    expect(CgroupTree.open(root)).toBeDefined();
  });
});
