import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parsePool } from "../../proto/resource/parse-pool.js";
import { detectPool, parseIdList } from "../../worker/detect.js";

const roots: string[] = [];

function machine(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "grain-detect-test-"));
  roots.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

const status = (list: string) => ({ "proc/self/status": `Name:\tnode\nCpus_allowed_list:\t${list}\n` });
const memoryBytes = 64e9;
const bare = { gpus: [], memoryBytes, others: [], tokens: [] };

describe("this machine's pool", () => {
  it.each([
    ["no /proc", {}, { cores: [0, 1, 2, 3], memoryBytes }],
    ["an affinity mask", status("2-3,6"), { cores: [2, 3, 6] }],
    [
      "a cgroup v2 quota",
      { ...status("0-7"), "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "250000 100000\n" },
      { cores: [0, 1] },
    ],
    [
      "a quota below one core",
      { ...status("4-7"), "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n" },
      { cores: [4] },
    ],
    [
      "no quota",
      { ...status("0-3"), "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n" },
      { cores: [0, 1, 2, 3] },
    ],
    [
      "a cgroup v1 quota",
      {
        ...status("0-7"),
        "proc/self/cgroup": "4:cpu,cpuacct:/job\n",
        "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "300000",
        "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000",
      },
      { cores: [0, 1, 2] },
    ],
    [
      "a memory limit",
      { "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "1073741824\n" },
      { memoryBytes: 1073741824 },
    ],
    [
      "a cgroup v1 memory limit",
      { "proc/self/cgroup": "9:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "2147483648\n" },
      { memoryBytes: 2147483648 },
    ],
    [
      "the v1 way of no limit",
      {
        "proc/self/cgroup": "9:memory:/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      },
      { memoryBytes },
    ],
    [
      "devices",
      {
        "proc/driver/nvidia/gpus/0000:01:00.0/information": "",
        "proc/driver/nvidia/gpus/0000:02:00.0/information": "",
      },
      { gpus: [0, 1] },
    ],
  ])("with %s", (_, files, expected) => {
    const root = machine(files as Record<string, string>);
    expect(detectPool({ root, env: {}, coreCount: 4, memoryBytes })).toMatchObject(expected);
  });

  it("with NUMA nodes, of the cores that it may use", () => {
    const node = (number: number, ids: string) => ({
      [`sys/devices/system/node/node${number}/cpulist`]: `${ids}\n`,
    });
    const cpu = (id: number, socket: number) => ({
      [`sys/devices/system/cpu/cpu${id}/topology/physical_package_id`]: `${socket}\n`,
    });
    const root = machine({
      ...status("0-2,4-5,8,16"),
      "proc/self/cgroup": "0::/\n",
      "sys/fs/cgroup/cpu.max": "300000 100000\n",
      "sys/devices/system/node/online": "0-10\n",
      ...node(0, "0-3"),
      ...node(1, "4-7,16-19"),
      ...node(2, ""),
      ...node(3, "12-15"),
      ...node(10, "8-11"),
      ...Object.assign({}, ...[0, 1, 2, 3].map((id) => cpu(id, 0))),
      ...cpu(4, 1),
      ...cpu(8, -1),
    });
    const { cores, numa } = detectPool({ root, env: {}, coreCount: 4, memoryBytes });
    expect(cores).toEqual([0, 1, 2]);
    expect(numa).toEqual([
      { socket: 0, cores: [0, 1, 2] },
      { socket: 1, cores: [4, 5, 16] },
      { socket: 0, cores: [8] },
    ]);
    expect(parsePool({ cpus: "2,4-5", base: { ...bare, cores, numa } }).numa).toEqual([
      { socket: 0, cores: [2] },
      { socket: 1, cores: [4, 5] },
    ]);
  });

  it("without NUMA nodes, where the system tells of none", () => {
    expect(detectPool({ root: machine({}), env: {}, coreCount: 4, memoryBytes }).numa).toEqual([]);
  });

  it.each([
    ["1", [1]],
    ["", []],
    ["-1", []],
    ["GPU-5c1b,GPU-77aa", [0, 1]],
    ["1,7", [1]],
  ])("sees only the devices of CUDA_VISIBLE_DEVICES=%s", (visible, gpus) => {
    const root = machine({ "proc/driver/nvidia/gpus/a/x": "", "proc/driver/nvidia/gpus/b/x": "" });
    expect(detectPool({ root, env: { CUDA_VISIBLE_DEVICES: visible } }).gpus).toEqual(gpus);
  });

  it("reads lists of ids", () => {
    expect(parseIdList("0-2, 8,10-11\n")).toEqual([0, 1, 2, 8, 10, 11]);
    expect(parseIdList("GPU-1")).toBeUndefined();
  });
});
