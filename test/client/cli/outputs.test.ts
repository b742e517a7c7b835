/**
 * What every command prints, with a head, a worker and a program that are scripted: at most 80 columns, no colours
 * where no terminal is, JSON that can be read. A command without a row here fails.
 */

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type ListeningHead, startHead } from "../../../head/index.js";
import {
  type ClientMessage,
  FailureKind,
  type HeadToClient,
  type HeadToWorker,
  type WorkerMessage,
} from "../../../proto/grain.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { hello, VERSION } from "../../../proto/version.js";
import { poolOfCores, ScriptedClient, ScriptedWorker } from "../../kit/peers.js";
import { LEAVES } from "./leaves.js";
import { TRACE } from "./recorded.js";
import { grain } from "./spoken.js";

vi.mock("grain-scheduler/head", () => import("../../../head/index.js"));

/** Commands whose outputs are tested elsewhere, with where. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  run: "prints what the program prints: main.test.ts",
  wait: "ends when a session has: wait.test.ts",
  scale: "needs a head that starts workers: scale.test.ts",
  completion: "prints scripts, which shells read: completion.test.ts",
};

/** Of what is written for another program, lines are as long as they must be. */
const TEXTS_FOR_PROGRAMS = [
  "up -c slurm.toml --address h:1 --dry",
  "start -c slurm.toml --dry",
  "access new --role worker",
];

/** What depends on the machine is compared elsewhere: doctor.test.ts, workers.test.ts. */
const UNSTEADY = ["doctor", ...TEXTS_FOR_PROGRAMS.slice(0, 2)];

/** In this order. */
const LINES = [
  "ls",
  "ls --json",
  "jobs",
  "jobs --json",
  "job sweep",
  "job 1 --json",
  "health",
  "health --json",
  "explain sweep",
  "explain 1.1",
  "explain sweep --json",
  "cancel 1.6",
  "cancel sweep --json",
  "cache ls",
  "cache ls --json",
  "cache rm --all",
  "cache rm --all --json",
  "up -c slurm.toml --address h:1 --dry",
  "up -c slurm.toml --address h:1 -n 2",
  "start -c slurm.toml --dry",
  "quit a-worker*",
  "access new --role worker",
  "access ls",
  "access ls --json",
  "access revoke ID",
  "access rotate",
  "init -c new.toml --system pbs",
  "config show -c slurm.toml",
  "config show -c new.toml --json",
  "doctor",
  "doctor --json",
  "simulate head.trace",
  "simulate head.trace --workers 2x4c,16G --json",
];

const before = process.cwd();
let directory: string;
let head: ListeningHead;

/** A session whose tasks wait and run, one of which has failed. */
async function busyHead(): Promise<void> {
  const [mine, heads] = memoryLink<WorkerMessage, HeadToWorker>();
  head.head.acceptWorker(heads);
  const worker = new ScriptedWorker(mine);
  const others = [{ kind: "capacity", amount: 80_000 }] as never;
  await worker.introduce({
    name: "a-worker-with-a-rather-long-name",
    pool: poolOfCores(4, { gpus: [0, 1], tokens: ["fast-disk", "licence"], others }),
    job: "slurm:7",
  });
  const [mine2, heads2] = memoryLink<ClientMessage, HeadToClient>();
  head.head.acceptClient(heads2);
  const client = new ScriptedClient(mine2);
  await client.open({ name: "sweep", hello: { ...hello(), host: "laptop", pid: 9 } });
  client.define(1, { name: "relax_the_whole_of_a_large_molecule" });
  client.submit(
    1,
    1,
    Array.from({ length: 12 }, () => new Uint8Array(1)),
  );
  const assigned = await worker.inbox.take("assign");
  const [task, attempt] = [assigned.tasks[0]!, assigned.attempts[0]!];
  worker.fail(
    { ...assigned, tasks: [task], attempts: [attempt] },
    { kind: FailureKind.THREW, message: "did not converge after a hundred steps of the steepest descent" },
  );
  await client.inbox.take("failure");
}

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "grain-outputs-")));
  process.chdir(directory);
  vi.stubEnv("XDG_STATE_HOME", join(directory, "state"));
  vi.stubEnv("GRAIN_ACCESS_DIR", join(directory, "access"));
  vi.stubEnv("GRAIN_CONFIG", "");
  head = await startHead({
    listen: ["127.0.0.1:0"],
    access: join(directory, "access"),
    journalDirectory: join(directory, "journal"),
  });
  vi.stubEnv("GRAIN_ADDRESS", head.addresses[0]!);
  mkdirSync("bin");
  for (const [name, says] of [
    ["sbatch", "echo 41"],
    ["squeue", ""],
    ["sacct", ""],
  ] as const) {
    writeFileSync(`bin/${name}`, `#!/bin/sh\n${says}\n`);
    chmodSync(`bin/${name}`, 0o755);
  }
  vi.stubEnv("PATH", `${join(directory, "bin")}:${process.env.PATH}`);
  writeFileSync(
    "slurm.toml",
    'system = "slurm"\n[worker]\nname = "w1"\ncmd = "grain-worker"\n[head]\nname = "h1"\ncmd = "grain-head"\n[script]\ncores = 4\nmemory = 8\n',
  );
  writeFileSync("head.trace", TRACE);
  await busyHead();
});
afterAll(async () => {
  process.chdir(before);
  vi.unstubAllEnvs();
  await head.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Without what differs from run to run. Widths of columns depend on that too. */
function steady(text: string): string {
  return text
    .replaceAll(directory, "/site")
    .replaceAll(head.addresses[0]!, "HEAD")
    .replace(/ on \S+, process \d+,/, " on HOST, process PID,")
    .replace(`Head ${VERSION} `, "Head VERSION ")
    .replaceAll(/\b[0-9a-f]{10}\b/g, "ID")
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d\.\d+Z)?/g, "DATE")
    .replaceAll(/-----BEGIN [^-]*-----[^-]*-----END [^-]*-----/g, "PEM")
    .replaceAll(/("\w*Ms": )\d+(\.\d+)?/g, "$10")
    .replaceAll(/\b\d+(\.\d+)?(us|ms|s)\b|\b\d:\d\d:\d\d\b/g, "AGE")
    .replaceAll(/ {2,}(?=\S)/g, "  ");
}

describe("every command's output", () => {
  it.each(LEAVES)("is here, of $path", ({ name }) => {
    if (Object.hasOwn(ELSEWHERE, name)) return;
    expect(LINES.filter((line) => `${line} `.startsWith(`${name} `))).not.toEqual([]);
  });

  it.each(
    LEAVES.filter(
      ({ name, flags }) => !Object.hasOwn(ELSEWHERE, name) && flags.some(({ long }) => long === "--json"),
    ),
  )("is here as JSON, of $path", ({ name }) => {
    expect(LINES.filter((line) => line.startsWith(`${name} `) && line.endsWith("--json"))).not.toEqual([]);
  });

  it.each(LINES)("grain %s", async (line) => {
    const words = line.split(" ");
    if (words.includes("ID")) words[words.indexOf("ID")] = await workersId();
    const { code, stdout, stderr } = await grain(...words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toContain("\u001b");
    if (line.endsWith("--json")) {
      expect(shapeOf(JSON.parse(stdout))).toMatchSnapshot();
      return;
    }
    if (!TEXTS_FOR_PROGRAMS.includes(line))
      for (const each of stdout.replaceAll(directory, "/site").split("\n"))
        expect(each.length, each).toBeLessThanOrEqual(80);
    if (!UNSTEADY.includes(line)) expect(steady(stdout)).toMatchSnapshot();
  });
});

/** Which fields there are, and what is in them: that is what programs rely on. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return merged(value.map(shapeOf));
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shapeOf(each)]));
}

/** Of elements that differ, all that they may be. */
function merged(shapes: readonly unknown[]): unknown[] {
  return [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()];
}

/** The credential that was issued before. */
async function workersId(): Promise<string> {
  const { stdout } = await grain("access", "ls", "--json");
  return (JSON.parse(stdout) as { id: string; role: string }[]).find(({ role }) => role === "worker")!.id;
}
