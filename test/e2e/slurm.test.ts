/** `grain` and programs on a real Slurm of two nodes: workers come, move their tasks, and go. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HeadStatus } from "../../proto/grain.js";
import { type Running, Stage } from "../kit/daemons.js";
import { SlurmCluster, whyNoSlurm } from "../slurm/cluster.js";

const why = whyNoSlurm();
if (why !== undefined) console.warn(`The tests on Slurm are skipped: ${why}.`);

/** Tasks that wait for a file once they have said where they are. */
const PROGRAM = `
import { currentTask, delayed, each, run, cores, wtime } from "grain-scheduler";
const spot = async (mark) => {
  const { worker, signal } = currentTask();
  const { existsSync, writeFileSync } = await import("node:fs");
  writeFileSync(mark + "." + worker, "");
  return { node: process.env.SLURMD_NODENAME, worker, waits: !existsSync(mark + ".gate"), signal };
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

interface Where {
  readonly node: string;
  readonly worker: string;
}

/** A head, a directory with a configuration, and the commands of one test. */
class Site {
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

  configure(script: string): void {
    writeFileSync(
      join(this.directory, "grain.toml"),
      `system = "slurm"\naddress = "${this.address}"\n[script]\n${script}\n`,
    );
  }

  get #env(): Record<string, string> {
    return {
      ...this.#cluster.env,
      XDG_STATE_HOME: join(this.directory, "state"),
      XDG_CACHE_HOME: join(this.directory, "cache"),
    };
  }

  /** Runs `grain` in the directory of the configuration. */
  async grain(...args: string[]) {
    const bin = join(import.meta.dirname, "../../dist/bin/grain.js");
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
      const { stdout, stderr } = await this.grain("ls", "--json");
      if (stdout === "") throw new Error(stderr);
      const status = JSON.parse(stdout) as HeadStatus;
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

describe.skipIf(why !== undefined)("on Slurm", () => {
  let cluster: SlurmCluster;
  const sites: Site[] = [];
  const newSite = (script: string) => {
    const site = new Site(cluster);
    sites.push(site);
    return site.open(script);
  };
  /** It takes a minute, which passes while the other tests run. */
  let ofAMinute: Promise<{
    result: { code: number | null };
    site: Site;
    first: string;
    second: string;
    stdout: string;
  }>;

  beforeAll(() => {
    cluster = SlurmCluster.start();
    ofAMinute = (async () => {
      const site = await newSite('walltime = "1m"\ncores = 1\nmemory = "200M"');
      const [first = ""] = await site.up(1);
      const program = site.program("program", 1);
      const status = await site.until(({ workers }) => workers[0]?.running === 1);
      site.configure('walltime = "30m"\ncores = 1\nmemory = "200M"');
      await site.began(0, status.workers[0]!.name);
      site.release(1, "gate");
      const [second = ""] = await site.up(1);
      const result = await program.ended;
      return { result, site, first, second, stdout: program.stdout + program.stderr };
    })();
    ofAMinute.catch(() => {});
  }, 300_000);

  afterAll(async () => {
    for (const site of sites) await site.close();
    cluster?.stop();
  }, 120_000);

  it("workers come up on both nodes, are shown, compute, and are let go", async () => {
    // Each needs more than half a node.
    const site = await newSite('walltime = "30m"\ncores = 5\nmemory = "600M"');
    const ids = await site.up(2);
    const listed = await site.grain("ls");
    for (const id of ids)
      expect(listed.stdout).toMatch(new RegExp(`^w\\d{6}-${id} +ready +(\\d+)/\\1 +560/560M `, "m"));
    const program = site.program("js", 2);
    site.release(2, "open");
    expect((await program.ended).code, program.stderr).toBe(0);
    const nodes = (JSON.parse(program.stdout) as Where[]).map(({ node }) => node);
    expect(nodes.every((node) => /^node[12]$/.test(node))).toBe(true);
    expect(new Set(ids.map((id) => site.ask("squeue", "-h", "-j", id, "-o", "%N").trim()))).toEqual(
      new Set(["node1", "node2"]),
    );
    const left = await site.grain("quit", "w*");
    expect(left).toMatchObject({ code: 0, stderr: "" });
    expect(left.stdout).toMatch(
      /^Asked 2 workers to leave when what runs there has ended: w\d{6}-\d+, w\d{6}-\d+\.\n$/,
    );
    await site.until(({ workers }) => workers.length === 0);
    for (const id of ids) {
      await ended(site, id);
      expect(site.ask("scontrol", "show", "job", id)).toMatch(/JobState=COMPLETED/);
    }
  });

  it("jobs that have not started are cancelled by quit", async () => {
    const site = await newSite('cores = 1\nmemory = "200M"');
    const { stdout } = await site.grain("up", "-n", "2", "--", "--begin=now+1hour");
    const ids = /: (\d+), (\d+) \(/.exec(stdout)!.slice(1);
    expect((await site.grain("ls")).stdout).toMatch(new RegExp(`^${ids[0]} +w\\d{6} +slurm +queued`, "m"));
    const left = await site.grain("quit", "w*");
    expect(left.stdout).toMatch(new RegExp(`^Cancelled 2 jobs: ${ids[0]} \\(w\\d{6}\\), ${ids[1]} `));
    for (const id of ids) expect(site.ask("scontrol", "show", "job", id)).toMatch(/JobState=CANCELLED/);
    expect(await site.grain("quit", "w*")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("No worker or job is called"),
    });
  });

  it("the elements of an array are workers", async () => {
    const site = await newSite('cores = 1\nmemory = "200M"\narray = true');
    const ids = await site.up(2);
    expect(ids).toEqual([expect.stringMatching(/^\d+_0$/), expect.stringMatching(/^\d+_1$/)]);
    expect((await site.grain("quit", "-f", ids[0]!)).stdout).toMatch(
      new RegExp(`^Ended 1 worker: w\\d{6}-${ids[0]}\\.`),
    );
    const { workers } = await site.until((status) => status.workers.length === 1);
    expect(workers[0]!.job).toBe(`slurm:${ids[1]}`);
  });

  it.each(["js", "program"] as const)("scancel of a worker moves its tasks (%s)", async (kind) => {
    const site = await newSite('cores = 2\nmemory = "400M"\nsetup_cleanup = ["defer echo cleaned up"]');
    const [first = ""] = await site.up(1);
    const program = site.program(kind, 2);
    const { workers } = await site.until((status) => status.workers[0]?.running === 2);
    for (const task of [0, 1]) await site.began(task, workers[0]!.name);
    site.release(2, "gate");
    site.ask("scancel", first);
    const [second] = await site.up(1);
    expect((await program.ended).code, program.stderr).toBe(0);
    for (const { worker } of JSON.parse(program.stdout) as Where[])
      expect(worker).toMatch(new RegExp(`-${second}$`));
    await ended(site, first);
    expect(site.log(first)).toMatch(/SIGTERM to the job .*: leaving[\s\S]*has left\.\ncleaned up\n$/);
    expect(site.head.stderr).not.toMatch(/is lost/);
  });

  it("a node that is set down loses its workers, not their tasks", async () => {
    const site = await newSite('cores = 1\nmemory = "200M"');
    const [first = ""] = await site.up(1, "--", "--nodelist=node2", "--no-requeue");
    const [second] = await site.up(1, "--", "--nodelist=node1");
    const program = site.program("js", 1);
    const { workers } = await site.until((status) => status.workers.some(({ running }) => running === 1));
    const busy = workers.find(({ running }) => running === 1)!;
    await site.began(0, busy.name);
    const [node, other] = busy.job === `slurm:${first}` ? ["node2", second] : ["node1", first];
    site.release(1, "gate");
    site.ask("scontrol", "update", `nodename=${node}`, "state=down", "reason=test");
    try {
      expect((await program.ended).code, program.stderr).toBe(0);
      const [where] = JSON.parse(program.stdout) as Where[];
      expect(where!.worker).toMatch(new RegExp(`-${other}$`));
    } finally {
      await resumed(site, node);
    }
  });

  it("a broken set-up is told with the job's log", async () => {
    const site = await newSite('cores = 1\nmemory = "200M"\nsetup_cleanup = ["module load nosuch"]');
    const { stdout } = await site.grain("up");
    const id = /: (\d+) \(/.exec(stdout)![1]!;
    await ended(site, id);
    const listed = await site.grain("ls");
    expect(listed.stdout).toMatch(
      new RegExp(
        `^Job ${id} \\(w\\d{6}\\) failed: FAILED, NonZeroExitCode, exit code 127\\. Read its log ${site.directory}/grain-logs/w\\d{6}-${id}\\.log\\n` +
          " {2}grain: this line of setup_cleanup failed with exit code 127, so no worker is started: module load nosuch",
        "m",
      ),
    );
  });

  it("what is refused is said in one line", async () => {
    const site = await newSite('queue = "nosuch"');
    expect(await site.grain("up")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "grain: Slurm refused the job (sbatch, exit code 1): invalid partition specified: nosuch; Batch job submission failed: Invalid partition name specified. Set `queue` in [script] to one that sinfo lists.\n",
    });
  });

  it("the end of a walltime in the middle of a run loses nothing and charges nobody", async () => {
    const { result, site, first, second, stdout } = await ofAMinute;
    expect(result.code, stdout).toBe(0);
    const [where] = JSON.parse(stdout) as Where[];
    expect(where!.worker).toMatch(new RegExp(`-${second}$`));
    await ended(site, first);
    // It has left by itself, before Slurm had to end it.
    expect(site.ask("scontrol", "show", "job", first)).toMatch(/JobState=COMPLETED/);
    expect(site.log(first)).toMatch(/walltime .* is about to end: leaving when 1 task has ended/);
    expect(site.head.stderr).not.toMatch(/is lost/);
  }, 200_000);
});

/** Resolves when a node takes jobs again: told so, or by itself when its daemon is heard. */
async function resumed(site: Site, node: string): Promise<void> {
  while (/down/i.test(site.ask("sinfo", "-h", "-n", node, "-o", "%T"))) {
    try {
      site.ask("scontrol", "update", `nodename=${node}`, "state=resume");
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Resolves when Slurm says that a job has ended. */
async function ended(site: Site, job: string): Promise<void> {
  for (;;) {
    const state = site.ask("squeue", "-h", "-t", "all", "-j", job, "-o", "%T").trim();
    if (/^(COMPLETED|FAILED|CANCELLED|NODE_FAIL|TIMEOUT)/.test(state)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
