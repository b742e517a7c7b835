/** `grain` and programs on a real Slurm of two nodes: workers come, move their tasks, and go. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SlurmCluster, whyNoSlurm } from "../slurm/cluster.js";
import { Site } from "../slurm/site.js";

const why = whyNoSlurm();
if (why !== undefined) console.warn(`The tests on Slurm are skipped: ${why}.`);

interface Where {
  readonly node: string;
  readonly worker: string;
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
      // Its task waits for the worker, whose time runs from its start.
      const program = site.program("program", 1);
      await site.until(({ sessions }) => sessions.some(({ queued }) => queued === 1));
      const [first = ""] = await site.up(1);
      site.configure('walltime = "30m"\ncores = 1\nmemory = "200M"');
      await site.begins(0);
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
  }, 400_000);
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
