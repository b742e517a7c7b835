/** Workers that come and go by themselves on a real Slurm of two nodes. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ScaleStatus } from "../../proto/grain.js";
import { answerOf } from "../kit/daemons.js";
import { SlurmCluster, whyNoSlurm } from "../slurm/cluster.js";
import { Site } from "../slurm/site.js";

const why = whyNoSlurm();
if (why !== undefined) console.warn(`The tests on Slurm are skipped: ${why}.`);

const SMALL = 'cores = 1\nmemory = "200M"\nwalltime = "30m"';
const SOON = '[scale]\npoll = "1s"\nidle = "2s"\nbacklog = 4';

describe.skipIf(why !== undefined)("on Slurm", () => {
  let cluster: SlurmCluster;
  const sites: Site[] = [];
  const newSite = (script: string) => {
    const site = new Site(cluster);
    sites.push(site);
    return site.openElastic(script, SOON);
  };

  beforeAll(() => {
    cluster = SlurmCluster.start();
  }, 300_000);

  afterAll(async () => {
    for (const site of sites) {
      await site.grain("scale", "--stop", "--cancel");
      await site.close();
    }
    cluster?.stop();
  }, 120_000);

  it("workers come with a program's work, from none, and go when there is none", async () => {
    const site = await newSite(SMALL);
    const { code, stdout } = await site.grain("scale", "--min", "0", "--max", "3");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^Keeps 0 to 3 workers on Slurm, as many as there is work for; idle ones leave\n {2}after 0:00:02\.\nThere: 0 workers\.\nWork: no ready task/,
      ),
    });
    expect(jobs(site)).toBe(0);
    const program = site.program("js", 9);
    const busy = await site.until(({ workers }) => workers.filter(({ running }) => running > 0).length === 3);
    expect(busy.workers).toHaveLength(3);
    expect(jobs(site)).toBe(3);
    site.release(9, "gate");
    site.release(9, "open");
    expect((await program.ended).code, program.stderr).toBe(0);
    const used = new Set((JSON.parse(program.stdout) as { worker: string }[]).map(({ worker }) => worker));
    expect(used.size).toBe(3);
    await site.until(({ workers }) => workers.length === 0);
    await explained(site, ({ workers, queued, starting }) => workers + queued + starting === 0);
    while (jobs(site) > 0) await site.grain("scale");
    const { stdout: told } = await site.grain("scale", "--explain");
    expect(told).toMatch(/submits \d jobs?/);
    expect(told).toMatch(/asks \d idle workers? to\s+leave/);
    expect(site.head.stderr).toMatch(/scale: submitted \d+/);
    expect(site.head.stderr).not.toMatch(/is lost/);
  });

  it("a broken set-up pauses it with the log named, and it goes on when that is repaired", async () => {
    const site = await newSite(`${SMALL}\nsetup_cleanup = ["module load nosuch"]`);
    await site.grain("scale", "3");
    const { pause } = await explained(site, (status) => status.pause !== null);
    expect(pause).toMatchObject({
      why: "3 jobs in a row gave no worker",
      logFile: expect.stringContaining(`${site.directory}/grain-logs/w`),
      lastLine:
        "grain: this line of setup_cleanup failed with exit code 127, so no worker is started: module load nosuch",
    });
    const { stdout } = await site.grain("scale");
    expect(stdout).toContain(`Read the log ${pause!.logFile}`);
    expect(site.head.stderr).toContain(`read the log ${pause!.logFile}, which ends with: grain: this line`);
    // Those three, and not one more.
    expect(jobs(site, "all")).toBe(3);
    site.configure(SMALL, SOON);
    expect((await site.grain("scale", "--resume")).stdout).toMatch(/3 jobs (waiting|starting)/);
    await site.until(({ workers }) => workers.length === 3);
    await explained(site, (status) => status.pause === null && status.workers === 3);
  });

  it("a head that is killed and started again finds its jobs, and doubles none", async () => {
    const site = await newSite(SMALL);
    await site.grain("scale", "2");
    await site.until(({ workers }) => workers.length === 2);
    site.head.kill("SIGKILL");
    await site.head.ended;
    await site.startHead(site.address);
    const { max } = await explained(
      site,
      ({ workers, queued, starting }) => workers === 2 && queued + starting === 0,
    );
    expect(max).toBe(2);
    await site.until(({ workers }) => workers.every(({ state }) => state === "ready"));
    expect(jobs(site)).toBe(2);
    expect(site.head.stderr).toMatch(/2 jobs were submitted before, and not doubled/);
    expect(site.head.stderr).not.toMatch(/scale: submitted/);
    expect((await site.grain("scale", "0")).code).toBe(0);
    await site.until(({ workers }) => workers.length === 0);
  });
});

type Told = Omit<ScaleStatus, "pause"> & { readonly pause: ScaleStatus["pause"] | null };

/** Asks the head until its swarm is as wanted. */
async function explained(site: Site, ready: (status: Told) => boolean): Promise<Told> {
  for (;;) {
    const status = JSON.parse(await answerOf(() => site.grain("scale", "--json"))) as Told;
    if (ready(status)) return status;
  }
}

/** How many of its jobs are in these states. */
function jobs(site: Site, states = "PENDING,RUNNING"): number {
  // They work where its head does.
  const lines = site.ask("squeue", "-h", "-t", states, "-o", "%Z").split("\n");
  return lines.filter((line) => line === site.directory).length;
}
