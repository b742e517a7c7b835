/** A head on a test's Slurm, with a configuration, programs and commands. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { HeadStatus } from "../../proto/grain.js";
import { answerOf, ROOT, type Running, Stage } from "../kit/daemons.js";
import { lastingPort } from "../kit/port.js";
import type { SlurmCluster } from "./cluster.js";

/** Tasks that wait for a file once they have said where they are. */
const PROGRAM = `
import { currentTask, delayed, each, run, cores, wtime } from "grain-scheduler";
const spot = async (mark) => {
  const { worker, signal } = currentTask();
  const { existsSync, writeFileSync } = await import("node:fs");
  // Looked at before the mark is written: who waits for the mark may open the gate at once.
  const waits = !existsSync(mark + ".gate");
  writeFileSync(mark + "." + worker, "");
  return { node: process.env.SLURMD_NODENAME, worker, waits, signal };
};
const js = delayed(async function js(mark) {
  const { waits, signal, ...where } = await spot(mark);
  if (waits) await new Promise((resolve, reject) => {
    const look = setInterval(async () => {
      if (!(await import("node:fs")).existsSync(mark + ".open")) return;
      clearInterval(look);
      resolve();
    }, 20);
    signal.addEventListener("abort", () => { clearInterval(look); reject(signal.reason); });
  });
  return where;
});
const program = delayed(async function program(mark) {
  const { waits, signal, ...where } = await spot(mark);
  if (waits) await currentTask().$\`sleep 300\`;
  return where;
});
const of = { js, program }[process.env.KIND];
await run(async () => {
  const tasks = Array.from({ length: Number(process.env.TASKS) }, (_, i) => of.with(cores(1))(process.env.MARKS + "/" + i));
  const results = await each(tasks);
  console.log(JSON.stringify(results.map(({ node, worker }) => ({ node, worker }))));
});
`;

/** A head, a directory with a configuration, and the commands of one test. */
export class Site {
  readonly stage = new Stage();
  readonly directory = mkdtempSync(join(tmpdir(), "grain-slurm-"));
  readonly marks = join(this.directory, "marks");
  readonly #cluster: SlurmCluster;
  address = "";
  head!: Running;

  constructor(cluster: SlurmCluster) {
    this.#cluster = cluster;
    mkdirSync(this.marks);
  }

  /** @param script lines of [script] */
  async open(script: string): Promise<this> {
    const { head, address } = await this.stage.head(["--no-journal"]);
    this.head = head;
    this.address = address;
    this.configure(script);
    return this;
  }

  /** The same, with a head that has the configuration, and may submit jobs itself. @param more further tables */
  async openElastic(script: string, more: string): Promise<this> {
    this.configure(script, more);
    await this.startHead(`127.0.0.1:${await lastingPort()}`);
    return this;
  }

  /** Starts it, or starts it again. */
  async startHead(listen: string): Promise<void> {
    const bin = join(ROOT, "dist/bin/grain-head.js");
    const flags = ["--listen", listen, "--journal", join(this.directory, "journal"), "--config", this.#file];
    this.head = this.stage.run([bin, ...flags], this.#env, this.directory);
    [, this.address = ""] = await this.head.until(/listening on (\S+)/);
  }

  configure(script: string, more = ""): void {
    const address = this.address === "" ? "" : `address = "${this.address}"\n`;
    writeFileSync(this.#file, `system = "slurm"\n${address}[script]\n${script}\n${more}\n`);
  }

  get #file(): string {
    return join(this.directory, "grain.toml");
  }

  get #env(): Record<string, string> {
    return {
      ...this.#cluster.env,
      XDG_STATE_HOME: join(this.directory, "state"),
      XDG_CACHE_HOME: join(this.directory, "cache"),
      ...(this.address === "" ? {} : { GRAIN_ADDRESS: this.address }),
    };
  }

  /** Runs `grain` in the directory of the configuration. */
  async grain(...args: string[]) {
    const bin = join(ROOT, "dist/bin/grain.js");
    const running = this.stage.run([bin, ...args], this.#env, this.directory);
    const { code } = await running.ended;
    // What is said about the loopback address is always the same.
    const stderr = running.stderr.replace(
      /^grain: the head's address .* is that of this machine only.*\n/m,
      "",
    );
    return { code, stdout: running.stdout, stderr };
  }

  /** Submits workers; resolves with the job's ids when the head has them all. */
  async up(count: number, ...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await this.grain("up", "-n", String(count), ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const ids = /: ([\d, _]+) \(/.exec(stdout)![1]!.split(", ");
    await this.until(({ workers }) => ids.every((id) => workers.some(({ job }) => job === `slurm:${id}`)));
    return ids;
  }

  /** Asks the head until it is as wanted. */
  async until(ready: (status: HeadStatus) => boolean): Promise<HeadStatus> {
    for (;;) {
      const status = JSON.parse(await answerOf(() => this.grain("ls", "--json"))) as HeadStatus;
      if (ready(status)) return status;
    }
  }

  /** Starts the program of this file. */
  program(kind: "js" | "program", tasks: number): Running {
    const file = this.stage.program("work.ts", PROGRAM);
    const env = { GRAIN_ADDRESS: this.address, KIND: kind, TASKS: String(tasks), MARKS: this.marks };
    return this.stage.run(["--import", "tsx", file], env, this.stage.project);
  }

  /** Resolves when a task has begun on a worker. */
  async began(task: number, worker: string): Promise<void> {
    const file = join(this.marks, `${task}.${worker}`);
    while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Resolves when a task has begun, wherever. */
  async begins(task: number): Promise<void> {
    while (!readdirSync(this.marks).some((name) => name.startsWith(`${task}.`)))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Tasks need not wait any more, or those that are waiting as well. */
  release(tasks: number, what: "gate" | "open"): void {
    for (let i = 0; i < tasks; i += 1) writeFileSync(join(this.marks, `${i}.${what}`), "");
  }

  log(job: string): string {
    const name = this.ask("squeue", "-h", "-t", "all", "-j", job, "-o", "%j").trim();
    return readFileSync(join(this.directory, "grain-logs", `${name}-${job}.log`), "utf8");
  }

  ask(program: string, ...args: string[]): string {
    return this.#cluster.ask(program, ...args);
  }

  async close(): Promise<void> {
    await this.grain("quit", "-f", "*");
    await this.stage.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
