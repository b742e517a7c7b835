/**
 * `grain` and programs on a stand-in for Kubernetes: an API server that checks every request against the
 * published schema, and a node that really runs the containers' commands.
 */

import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HeadStatus } from "../../proto/grain.js";
import { answerOf, ROOT, type Running, Stage } from "../kit/daemons.js";
import { ApiServer } from "../kit/kubernetes/api-server.js";
import { Kubelet } from "../kit/kubernetes/kubelet.js";
import { lastingPort } from "../kit/port.js";

/** Tasks that say where they are, and wait for a file. */
const PROGRAM = `
import { cores, currentTask, delayed, each, run } from "grain-scheduler";
const where = delayed(async function where(marks, i) {
  const { existsSync, writeFileSync } = await import("node:fs");
  const { worker } = currentTask();
  writeFileSync(marks + "/" + i + "." + worker, "");
  while (!existsSync(marks + "/open")) await new Promise((resolve) => setTimeout(resolve, 20));
  return worker;
});
await run(async () => {
  const tasks = Array.from({ length: Number(process.env.TASKS) }, (_, i) => where.with(cores(1))(process.env.MARKS, i));
  console.log(JSON.stringify((await each(tasks)).sort()));
});
`;

let stage: Stage;
let api: ApiServer;
let node: Kubelet;
let head: Running;
let address: string;
let directory: string;

beforeEach(async () => {
  stage = new Stage();
  directory = mkdtempSync(join(tmpdir(), "grain-kube-"));
  for (const name of ["bin", "marks", "pods"]) mkdirSync(join(directory, name));
  // One of the tests starts it again.
  const listen = `127.0.0.1:${await lastingPort()}`;
  ({ head, address } = await stage.head(["--listen", listen, "--no-journal"]));
  // What is in the image.
  const worker = join(directory, "bin", "grain-worker");
  writeFileSync(worker, `#!/bin/sh\nexec "${process.execPath}" "${ROOT}dist/bin/grain-worker.js" "$@"\n`);
  chmodSync(worker, 0o755);
  api = await new ApiServer().open();
  node = new Kubelet(api, join(directory, "pods"), {
    PATH: `${join(directory, "bin")}${delimiter}${process.env.PATH}`,
    HOME: directory,
    XDG_CACHE_HOME: join(directory, "cache"),
    GRAIN_TEST_MARKER: stage.marker,
  });
  const credential = readFileSync(join(process.env.GRAIN_ACCESS_DIR!, "worker.pem"), "utf8");
  node.secrets.set("grain-worker", { "worker.pem": credential });
  writeFileSync(join(directory, "kubeconfig"), api.kubeconfig());
  writeFileSync(
    join(directory, "grain.toml"),
    `system = "kubernetes"\naddress = "${address}"\n[script]\ncores = 1\nmemory = "256M"\n[worker]\ndrain_deadline = "1h"\n[kubernetes]\nimage = "grain:1"\n`,
  );
});

afterEach(async () => {
  open();
  for (const pod of api.pods) api.delete(pod);
  await until(() => node.running.length === 0);
  await api.close();
  await stage.close();
  rmSync(directory, { recursive: true, force: true });
});

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Runs `grain` with the configuration and the cluster of the test. */
async function grain(...args: string[]) {
  const bin = join(ROOT, "dist/bin/grain.js");
  const env = { KUBECONFIG: join(directory, "kubeconfig") };
  const running = stage.run([bin, ...args], env, directory);
  const { code } = await running.ended;
  // What is said about the loopback address is always the same.
  const stderr = running.stderr.replace(
    /^grain: the head's address .* is that of this machine only.*\n/m,
    "",
  );
  return { code, stdout: running.stdout, stderr };
}

const status = async () => JSON.parse(await answerOf(() => grain("ls", "--json"))) as HeadStatus;

/** Starts workers; resolves with their pods' names when the head has them all. */
async function up(count: number): Promise<string[]> {
  const { code, stdout, stderr } = await grain("up", "-n", String(count));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const ids = /^Submitted \d+ jobs? of workers to Kubernetes: (.*) \(w\d{6}\)\.$/m
    .exec(stdout)![1]!
    .split(", ");
  expect(stdout).toContain("Logs: kubectl logs --namespace grain '<job>'\n");
  await until(async () => {
    const { workers } = await status();
    return ids.every((id) => workers.some(({ name, job }) => name === id && job === `kubernetes:${id}`));
  });
  return ids.sort();
}

function program(tasks: number): Running {
  const file = stage.program("where.mjs", PROGRAM);
  const env = { GRAIN_ADDRESS: address, TASKS: String(tasks), MARKS: join(directory, "marks") };
  return stage.run([file], env, stage.project);
}

const open = () => writeFileSync(join(directory, "marks", "open"), "");
const began = (i: number, worker: string) =>
  until(() => existsSync(join(directory, "marks", `${i}.${worker}`)));

describe("on Kubernetes", () => {
  it("workers come up, compute, and leave nothing behind", async () => {
    const ids = await up(2);
    expect(await grain("health", "--json")).toEqual({
      code: 0,
      stdout: '{"status":"serving"}\n',
      stderr: "",
    });
    const listed = await grain("ls");
    // One core, and 14/15 of 256 MiB.
    for (const id of ids)
      expect(listed.stdout).toMatch(new RegExp(`^${id} +ready +1/1 +([\\d.]+)/\\1M `, "m"));
    const running = program(2);
    await until(() =>
      ids.every((id) => [0, 1].some((i) => existsSync(join(directory, "marks", `${i}.${id}`)))),
    );
    open();
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(JSON.parse(running.stdout)).toEqual(ids);
    const left = await grain("quit", "w*");
    expect(left).toMatchObject({ code: 0, stderr: "" });
    expect(left.stdout).toMatch(/^Asked 2 workers to leave/);
    await until(() => node.running.length === 0);
    expect(api.pods.map((pod) => pod.status.phase)).toEqual(["Succeeded", "Succeeded"]);
    await grain("ls");
    expect(api.pods).toEqual([]);
    expect(node.signals).toEqual([]);
  });

  it("pods come with a program's work, from none, and go when there is none", async () => {
    head.kill();
    await head.ended;
    const config = join(directory, "grain.toml");
    appendFileSync(config, '[scale]\npoll = "1s"\nidle = "2s"\n');
    const env = { KUBECONFIG: join(directory, "kubeconfig") };
    const args = ["--listen", address, "--no-journal", "--config", config];
    head = stage.start("grain-head", args, env);
    await head.until(/listening on/);
    expect(await grain("scale", "--min", "0", "--max", "2")).toMatchObject({ code: 0, stderr: "" });
    expect(api.pods).toEqual([]);
    const running = program(5);
    const workers = () =>
      new Set(readdirSync(join(directory, "marks")).map((mark) => mark.replace(/^\d+\./, "")));
    await until(() => workers().size === 2);
    open();
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(new Set(JSON.parse(running.stdout) as string[])).toEqual(
      new Set([...workers()].filter((name) => name !== "open")),
    );
    // Their workers leave, and then the pods are removed.
    await until(() => api.pods.length === 0);
    expect(node.signals).toEqual([]);
    expect((await grain("scale", "--explain")).stdout).toMatch(/submits 1 job of 2\s+wanted/);
  });

  it("idle pods that are deleted leave at once", async () => {
    const ids = await up(2);
    for (const pod of api.pods) api.delete(pod);
    await until(() => node.running.length === 0);
    expect(node.signals.sort()).toEqual(ids.map((id) => `${id} SIGTERM`));
    for (const id of ids) expect(node.log(id)).toMatch(/has left/);
    expect((await status()).workers).toEqual([]);
  });

  it("a pod that is deleted lets its tasks end, within its grace period", async () => {
    const [id = ""] = await up(1);
    const running = program(1);
    await began(0, id);
    api.delete(api.pods[0]!);
    await until(() => node.log(id).includes("SIGTERM"));
    // Not the hour that is configured.
    expect(node.log(id)).toMatch(/SIGTERM to the job \S+: leaving when 1 task has ended, or after 0:04:45\./);
    open();
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(JSON.parse(running.stdout)).toEqual([id]);
    await until(() => node.running.length === 0);
    expect(api.pods).toEqual([]);
    expect(node.signals).toEqual([`${id} SIGTERM`]);
  });

  it("pods that were not started are deleted by quit, which says why they waited", async () => {
    node.refuse = "0/3 nodes are available: 3 Insufficient cpu.";
    await grain("up", "-n", "2");
    const listed = await grain("ls");
    expect(listed.stdout).toMatch(/^w\d{6}-\w{5} +w\d{6} +kubernetes +queued \(Unschedulable: /m);
    expect(listed.stdout).toContain(
      "\n2 jobs wait: Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.\n",
    );
    const left = await grain("quit", "w*");
    expect(left).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(/^Cancelled 2 jobs: w/),
    });
    expect(api.pods).toEqual([]);
    expect(node.signals).toEqual([]);
  });

  it("without a head, running pods are ended by quit --force", async () => {
    const ids = await up(2);
    head.kill("SIGKILL");
    await head.ended;
    const [sick, left] = await Promise.all([grain("health"), grain("quit", "-f", "w*")]);
    expect(sick).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^grain: .*\n$/) });
    expect(left).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Cancelled 2 jobs: w/) });
    await until(() => node.running.length === 0);
    expect(node.signals.sort()).toEqual(ids.map((id) => `${id} SIGTERM`));
    expect(api.pods).toEqual([]);
  });

  it("a worker that fails is told with the end of its log", async () => {
    node.secrets.set("grain-worker", { "worker.pem": "no credential\n" });
    expect((await grain("doctor")).stdout).toMatch(
      /^ok +system +Workers are pods in namespace grain of the context\n? *test\.$/m,
    );
    await grain("up");
    await until(() => node.running.length === 0);
    const { stdout } = await grain("ls");
    expect(stdout).toMatch(
      /^Job (w\d{6}-\w{5}) \(w\d{6}\) failed: grain-worker: .* is no credential: .*, exit code 1\. Read its log with: kubectl logs --namespace grain \1$/m,
    );
    // It is kept to be looked into.
    expect(api.pods).toHaveLength(1);
  });
});
