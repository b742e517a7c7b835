/** The swarm of a real head, on a batch system in memory. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Fleet } from "../../../head/scale/fleet.js";
import type { Goal } from "../../../head/scale/goal.js";
import { Swarm, type SwarmOptions } from "../../../head/scale/swarm.js";
import type { ScaleStatus } from "../../../proto/grain.js";
import { cores } from "../../../proto/resource/resource.js";
import { bookJobs, readJobs } from "../../../provider/index.js";
import { poolOfCores, type ScriptedWorker } from "../../kit/peers.js";
import { bytes, openHead, type TestHead } from "../shell/head-kit.js";
import { FakeProvider, fleetOn } from "./fake-provider.js";

const MINUTE_MS = 60_000;
const DEMAND: Goal = { type: "demand", min: 0, max: 4, idleMs: 5 * MINUTE_MS };

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "grain-swarm-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
});

/** A head with a swarm that looks only when it is told to, on a clock of its own. */
class Site {
  nowMs = Date.now();
  readonly kit: TestHead;
  readonly swarm: Swarm;
  readonly workers = new Map<string, ScriptedWorker>();
  /** What survives the head. */
  note: string | undefined;

  constructor(
    readonly provider: FakeProvider,
    options: Partial<SwarmOptions> = {},
    note?: string,
    kit = openHead(),
  ) {
    this.kit = kit;
    this.note = note;
    const keep = {
      read: async () => this.note,
      write: async (text: string) => {
        this.note = text;
      },
    };
    const log = {
      info: (line: string) => void kit.lines.push(line),
      warn: (line: string) => void kit.lines.push(line),
    };
    this.swarm = new Swarm(
      { crew: kit.head.crew, log, keep },
      {
        open: async () => fleetOn(provider, directory),
        goal: { type: "off" },
        book: join(directory, "book"),
        cwd: directory,
        lookMs: 2 ** 30,
        nowMs: () => this.nowMs,
        ...options,
      },
    );
    onTestFinished(() => this.swarm.close());
  }

  async open(): Promise<this> {
    await this.swarm.start("head:7700");
    return this;
  }

  /** Time goes by, and it is looked. */
  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    await this.swarm.look();
  }

  /** Jobs that wait start, and give workers. */
  async startJobs(): Promise<void> {
    for (const id of this.provider.in("queued")) {
      this.provider.jobs.set(id, { type: "running", host: "n1" });
      const worker = this.kit.worker();
      const pool = { ...poolOfCores(2), remainingMs: 3_600_000 };
      await worker.introduce({ name: `w-${id}`, pool, job: `slurm:${id}` });
      this.workers.set(id, worker);
    }
    await this.swarm.look();
  }

  /** A program whose calls ask for a core each. */
  async work(calls: number) {
    const client = this.kit.client();
    await client.open();
    client.define(1, { request: cores(1).request as never });
    client.submit(
      1,
      1,
      Array.from({ length: calls }, (_, i) => bytes(String(i))),
    );
    return client;
  }

  texts(): string[] {
    return this.swarm.status().decisions.map(({ text }) => text);
  }

  fixed(workers: number): Promise<ScaleStatus> {
    return this.swarm.set({ change: { $case: "fixed", fixed: { workers } } });
  }
}

const book = () => readJobs(join(directory, "book")).map(({ id }) => id);

describe("a swarm", () => {
  it("follows the work up from nothing and back", async () => {
    const site = await new Site(new FakeProvider(), { goal: DEMAND }).open();
    await site.pass(1_000);
    expect(site.provider.jobs.size).toBe(0);
    const client = await site.work(6);
    await expect.poll(() => site.kit.head.status().queues).toMatchObject([{ queued: 6, why: "no workers" }]);
    await site.pass(1_000);
    expect(site.provider.in("queued")).toEqual(["1", "2", "3"]);
    expect(book()).toEqual(["1", "2", "3"]);
    expect(site.swarm.status()).toMatchObject({
      mode: "demand",
      queued: 3,
      wanted: 3,
      ready: 6,
      system: "Fake",
    });
    await site.pass(1_000);
    expect(site.provider.jobs.size).toBe(3);
    await site.startJobs();
    expect(site.swarm.status()).toMatchObject({ workers: 3, queued: 0, wanted: 0 });
    for (const worker of site.workers.values()) void worker.workOn();
    await expect.poll(() => site.swarm.status().idle).toBe(3);
    await site.pass(1_000);
    await site.pass(5 * MINUTE_MS - 1);
    expect(site.swarm.status().leaving).toBe(0);
    await site.pass(1_000);
    for (const [id, worker] of site.workers) {
      expect(await worker.inbox.take("leave")).toEqual({ kill: false, reason: "the swarm does not need it" });
      worker.link.close();
      site.provider.jobs.set(id, { type: "ended", reason: "COMPLETED" });
    }
    await expect.poll(() => site.swarm.status().workers).toBe(0);
    await site.pass(MINUTE_MS);
    expect(book()).toEqual([]);
    expect(site.provider.forgotten).toEqual(["1", "2", "3"]);
    expect(site.provider.jobs.size).toBe(3);
    client.link.close();
  });

  it("keeps a number, says so, and stops", async () => {
    const site = await new Site(new FakeProvider()).open();
    expect(await site.fixed(2)).toMatchObject({ mode: "fixed", min: 2, max: 2, queued: 2, refused: "" });
    await site.startJobs();
    site.workers.get("1")!.link.close();
    site.provider.jobs.set("1", { type: "ended", reason: "TIMEOUT" });
    await expect.poll(() => site.swarm.status().workers).toBe(1);
    await site.pass(MINUTE_MS);
    expect(site.provider.in("queued")).toEqual(["3"]);
    const stopped = await site.swarm.set({ change: { $case: "stop", stop: { cancel: true } } });
    expect(stopped).toMatchObject({ mode: "off", workers: 1, queued: 0 });
    expect(site.provider.jobs.get("3")).toEqual({ type: "ended", reason: "CANCELLED" });
    expect(site.provider.jobs.get("2")).toMatchObject({ type: "running" });
    await site.pass(MINUTE_MS);
    expect(site.provider.in("queued")).toEqual([]);
  });

  it("is paused by jobs that give no worker, names the log, and goes on with what the configuration says then", async () => {
    const provider = new FakeProvider();
    let opened = 0;
    const open = async (): Promise<Fleet> => {
      opened += 1;
      return fleetOn(provider, directory);
    };
    const site = await new Site(provider, { open }).open();
    await site.fixed(3);
    mkdirSync(join(directory, "logs"), { recursive: true });
    for (const id of provider.in("queued")) {
      provider.jobs.set(id, { type: "failed", reason: "FAILED", exitCode: 127 });
      writeFileSync(join(directory, `logs/w-${id}.log`), "module: command not found\n");
    }
    await site.pass(MINUTE_MS);
    const log = join(directory, "logs/w-3.log");
    expect(site.swarm.status().pause).toMatchObject({
      why: "3 jobs in a row gave no worker",
      logFile: log,
      lastLine: "module: command not found",
    });
    expect(site.kit.lines).toContain(
      `scale: paused, until "grain scale --resume": 3 jobs in a row gave no worker; read the log ${log}, which ends with: module: command not found`,
    );
    await site.pass(24 * 60 * MINUTE_MS);
    expect(provider.jobs.size).toBe(3);
    // Commands show those that failed.
    expect(book()).toEqual(["1", "2", "3"]);
    const before = opened;
    expect(await site.swarm.set({ change: { $case: "resume", resume: {} } })).toMatchObject({
      queued: 3,
      pause: undefined,
    });
    expect(opened).toBe(before + 1);
  });

  it("names the command that shows a log where that is no file", async () => {
    const provider = new FakeProvider();
    provider.logCommand = (id) => `kubectl logs w-${id}`;
    const site = await new Site(provider).open();
    await site.fixed(3);
    for (const id of provider.in("queued")) provider.jobs.set(id, { type: "failed", reason: "Error" });
    await site.pass(MINUTE_MS);
    expect(site.swarm.status().pause).toMatchObject({ logFile: "kubectl logs w-3", lastLine: "" });
  });

  it("says what was refused, and what was submitted before that", async () => {
    const site = await new Site(new FakeProvider()).open();
    Object.assign(site.provider, { refusal: "Fake refused the job: no such queue.", refusesAfter: 1 });
    expect(await site.fixed(3)).toMatchObject({ queued: 1, retryMs: MINUTE_MS });
    expect(site.texts().slice(0, 2)).toEqual([
      "a submission was refused: Fake refused the job: no such queue.",
      "submitted 1",
    ]);
    await site.pass(MINUTE_MS - 1);
    expect(site.texts()[0]).toMatch(/more are wanted, but it waits after submissions that were refused/);
    site.provider.refusal = undefined;
    await site.pass(1);
    expect(site.provider.in("queued")).toHaveLength(3);
  });

  it("submits nothing while the batch system does not answer", async () => {
    const site = await new Site(new FakeProvider()).open();
    site.provider.silence = "Fake does not answer.";
    expect(await site.fixed(1)).toMatchObject({ queued: 0, problem: "Fake does not answer" });
    site.provider.silence = undefined;
    await site.pass(MINUTE_MS);
    expect(site.provider.in("queued")).toHaveLength(1);
  });

  it("asks the batch system no more often than it is to, and once for all jobs", async () => {
    const site = await new Site(new FakeProvider()).open();
    await site.fixed(3);
    const { asked } = site.provider;
    for (let i = 0; i < 59; i += 1) await site.pass(1_000);
    expect(site.provider.asked).toBe(asked);
    await site.pass(1_000);
    expect(site.provider.asked).toBe(asked + 1);
  });

  it("goes on in the next life of the head, and doubles no job", async () => {
    const provider = new FakeProvider();
    const first = await new Site(provider).open();
    await first.fixed(3);
    const { note } = first;
    await first.swarm.close();
    provider.jobs.set("2", { type: "failed", reason: "FAILED", exitCode: 1 });
    const second = await new Site(provider, {}, note).open();
    await second.pass(0);
    expect(second.swarm.status()).toMatchObject({ mode: "fixed", max: 3, queued: 3, pause: undefined });
    expect(provider.in("queued")).toEqual(["1", "3", "4"]);
    expect(second.texts()).toContain("3 jobs were submitted before, and not doubled");
    // What the configuration says now is newer than what was kept.
    await second.swarm.close();
    const third = await new Site(provider, { goal: { type: "fixed", workers: 1 } }, second.note).open();
    await third.pass(0);
    expect(third.swarm.status()).toMatchObject({ max: 1 });
    expect(provider.in("queued")).toEqual(["1"]);
  });

  it("counts jobs of grain up, and lets alone what they gave", async () => {
    const site = await new Site(new FakeProvider()).open();
    const about = {
      system: "slurm",
      role: "worker",
      name: "u",
      logFile: "/l",
      submittedAtMs: 1,
      address: "head:7700",
    } as const;
    bookJobs(join(directory, "book"), [
      { ...about, id: "90" },
      { ...about, id: "91", address: "other:1" },
    ]);
    site.provider.jobs.set("90", { type: "queued", reason: "" });
    site.provider.jobs.set("91", { type: "queued", reason: "" });
    expect(await site.fixed(2)).toMatchObject({ queued: 1, others: 1 });
    await site.fixed(0);
    expect(site.provider.jobs.get("90")).toMatchObject({ type: "queued" });
    expect(site.provider.jobs.get("1")).toEqual({ type: "ended", reason: "CANCELLED" });
    expect(readdirSync(join(directory, "book"))).toContain("slurm-90.json");
  });

  it("asks for a successor of a worker that ends soon, while it has work", async () => {
    const site = await new Site(new FakeProvider(), { goal: DEMAND }).open();
    await site.work(2);
    await expect.poll(() => site.kit.head.status().queues).toMatchObject([{ queued: 2 }]);
    await site.pass(1_000);
    expect(site.provider.in("queued")).toEqual(["1"]);
    site.provider.jobs.set("1", { type: "running", host: "n1" });
    const worker = site.kit.worker();
    const pool = { ...poolOfCores(2), remainingMs: 4 * MINUTE_MS };
    await worker.introduce({ name: "w-1", pool, job: "slurm:1" });
    await worker.inbox.take("assign");
    await site.pass(1_000);
    expect(site.swarm.status()).toMatchObject({ workers: 1, ending: 1, wanted: 0, queued: 1 });
    await site.pass(1_000);
    expect(site.provider.jobs.size).toBe(2);
  });

  it("counts a worker from when it is let in", async () => {
    const site = await new Site(new FakeProvider()).open();
    await site.fixed(1);
    const kept = vi.spyOn(site.kit.head.workers, "keep").mockImplementation(() => {});
    void site.kit
      .worker()
      .introduce({ name: "w-1", pool: poolOfCores(2), job: "slurm:1" })
      .catch(() => {});
    await expect.poll(() => kept.mock.calls.length).toBe(1);
    expect(site.kit.head.status().workers).toEqual([]);
    await site.pass(1_000);
    expect(site.swarm.status()).toMatchObject({ workers: 1, idle: 0, queued: 0 });
    expect(site.provider.jobs.size).toBe(1);
  });

  it("learns from its workers what a new one has", async () => {
    const site = await new Site(new FakeProvider(), { goal: { ...DEMAND, min: 1 } }).open();
    await site.pass(0);
    expect(site.swarm.status().worker).toMatch(/^2 cores, /);
    site.provider.jobs.set("1", { type: "running", host: "n1" });
    await site.kit.worker().introduce({ name: "w-1", pool: poolOfCores(8), job: "slurm:1" });
    await site.pass(0);
    expect(site.swarm.status().worker).toMatch(/^8 cores, /);
  });

  it("says what asks for nothing, as no worker could run it", async () => {
    const site = await new Site(new FakeProvider(), { goal: DEMAND }).open();
    await site.pass(0);
    const client = site.kit.client();
    await client.open();
    client.define(1, { request: cores(9).request as never });
    client.submit(1, 1, [bytes("a")]);
    await expect
      .poll(() => site.swarm.status().unfit)
      .toEqual([{ demand: "9 cores", tasks: 1, reason: "9 cores asked, 2 there" }]);
    await site.pass(1_000);
    expect(site.provider.jobs.size).toBe(0);
  });

  it.each<[string, Parameters<Swarm["set"]>[0], RegExp]>([
    [
      "no upper bound",
      { change: { $case: "demand", demand: { min: 1 } } },
      /^How many workers there may be at most is not said/,
    ],
    [
      "bounds that cross",
      { change: { $case: "demand", demand: { min: 3, max: 2 } } },
      /^At least 3 workers and at most 2 do not go/,
    ],
    ["none at most", { change: { $case: "demand", demand: { max: 0 } } }, /^At most 0 workers/],
    ["too many", { change: { $case: "fixed", fixed: { workers: 1e6 } } }, /^1000000 workers are too many/],
    ["going on with nothing", { change: { $case: "resume", resume: {} } }, /^No number of workers is kept/],
  ])("refuses %s", async (_, request, message) => {
    const site = await new Site(new FakeProvider()).open();
    const { refused, mode } = await site.swarm.set(request);
    expect(refused).toMatch(message);
    expect(mode).toBe("off");
  });

  it("says what is wrong with the configuration, and is as it was", async () => {
    const provider = new FakeProvider();
    let isWrong = false;
    const open = async () => {
      if (isWrong) throw new Error("grain.toml:3: no such key.");
      return fleetOn(provider, directory);
    };
    const site = await new Site(provider, { open }).open();
    await site.fixed(1);
    isWrong = true;
    expect(await site.fixed(5)).toMatchObject({ refused: "grain.toml:3: no such key.", max: 1 });
    const other = await new Site(new FakeProvider(), { open, goal: { type: "fixed", workers: 1 } }).open();
    expect(other.texts()[0]).toBe('cannot start, until "grain scale --resume": grain.toml:3: no such key.');
    isWrong = false;
    expect(await other.swarm.set({ change: { $case: "resume", resume: {} } })).toMatchObject({ queued: 1 });
  });
});
