/** Real daemons that are killed, stopped, cut off and started again; each reaches the head through a proxy of its own. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { answerOf, marked, ROOT, type Running, Stage } from "../kit/daemons.js";
import { lastingPort } from "../kit/port.js";
import { RoughProxy } from "./rough-proxy.js";

/** So long the head waits for workers: longer than the faults of the short version, so that work goes on. */
const RESUME_MS = 8_000;
/** So long it keeps sessions: a program may be out of reach while the head starts, and then pause for 5 s. */
export const LEASE_MS = 30_000;
const SHARED_MEMORY = "/dev/shm";

/** One worker, as one name has it. */
export interface Worker {
  readonly running: Running;
  readonly name: string;
  readonly proxy: RoughProxy;
}

/** One program and its way to the head. */
export interface Program {
  readonly running: Running;
  readonly proxy: RoughProxy;
}

/** A head with a journal, workers and programs. */
export class Cluster {
  readonly workers: Worker[] = [];
  readonly programs: Program[] = [];
  /** Daemons that ended although nobody told them to. */
  readonly deaths: string[] = [];
  headLives = 0;
  readonly #stage = new Stage();
  readonly #all: { readonly name: string; readonly running: Running }[] = [];
  readonly #told = new Set<Running>();
  readonly #proxies: RoughProxy[] = [];
  readonly #shared: string | undefined;
  readonly #env: Record<string, string>;
  #address = "";
  #head: Running | undefined;
  #made = 0;

  constructor() {
    const { directory } = this.#stage;
    for (const name of ["tmp", "access"]) mkdirSync(join(directory, name), { mode: 0o700 });
    this.#shared =
      process.platform === "linux" ? mkdtempSync(join(SHARED_MEMORY, "grain-chaos-")) : undefined;
    this.#env = {
      TMPDIR: join(directory, "tmp"),
      GRAIN_ACCESS_DIR: join(directory, "access", "own"),
      GRAIN_SHARED_DIR: this.#shared ?? "",
    };
  }

  get head(): Running {
    return this.#head!;
  }

  /** Ways to the head that are in use. */
  get proxies(): readonly RoughProxy[] {
    return [...this.workers, ...this.programs].map(({ proxy }) => proxy);
  }

  async startHead(): Promise<void> {
    if (this.#address === "") this.#address = `127.0.0.1:${await lastingPort()}`;
    this.headLives += 1;
    const ms = (value: number) => `${value / 1_000}s`;
    const args = ["--listen", this.#address, "--journal", join(this.#stage.directory, "journal")];
    const timing = ["--resume", ms(RESUME_MS), "--lease", ms(LEASE_MS)];
    this.#head = this.#stage.start("grain-head", [...args, ...timing, "--verbose"], this.#env);
    this.#watch(`head-${this.headLives}`, this.#head);
    await this.#head.until(/listening on/);
  }

  async killHead(): Promise<void> {
    this.#tell(this.head, "SIGKILL");
    await this.head.ended;
  }

  /** @param name default: one that none had before */
  async addWorker(name = `w${this.#made + 1}`): Promise<Worker> {
    this.#made += 1;
    const proxy = await this.#proxy();
    const args = ["--address", proxy.address, "--cpus", "2", "--name", name, "--grace", "1s"];
    const running = this.#stage.start("grain-worker", args, this.#env);
    this.#watch(`worker-${this.#made}-${name}`, running);
    const worker = { running, name, proxy };
    this.workers.push(worker);
    return worker;
  }

  async killWorker(worker: Worker): Promise<void> {
    this.workers.splice(this.workers.indexOf(worker), 1);
    this.#tell(worker.running, "SIGKILL");
    await worker.running.ended;
    await this.#close(worker.proxy);
  }

  async addProgram(args: readonly string[]): Promise<void> {
    const proxy = await this.#proxy();
    const running = this.#stage.run(
      ["--import", "tsx", join(ROOT, "test/chaos/program.ts"), ...args],
      { ...this.#env, GRAIN_ADDRESS: proxy.address },
      ROOT,
    );
    this.programs.push({ running, proxy });
    this.#all.push({ name: `program-${this.programs.length}`, running });
  }

  /** Tells the daemons to end, and waits until they have. */
  async end(): Promise<void> {
    for (const { running } of this.workers) this.#tell(running, "SIGTERM");
    await Promise.all(this.workers.map(({ running }) => running.ended));
    this.#tell(this.head, "SIGTERM");
    await this.head.ended;
  }

  /** Resolves when the head has no session any more. */
  async empty(): Promise<void> {
    const ask = async () => {
      const ls = this.#stage.start("grain", ["ls", "--json", "--address", this.#address], this.#env);
      await ls.ended;
      return ls;
    };
    for (;;) {
      const { sessions } = JSON.parse(await answerOf(ask)) as { sessions: unknown[] };
      if (sessions.length === 0) return;
      await pause(500);
    }
  }

  /** Processes of this cluster that run, with their commands. */
  processes(): string[] {
    return marked(this.#stage.marker).flatMap((pid) => {
      try {
        return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")}`;
      } catch {
        return [];
      }
    });
  }

  /** Files and directories that are left where temporary ones are made. */
  files(): string[] {
    const places = [this.#env.TMPDIR!, ...(this.#shared === undefined ? [] : [this.#shared])];
    return places.flatMap((place) =>
      readdirSync(place)
        // The loader of programs that are TypeScript keeps what it has translated.
        .filter((name) => !/^tsx-\d+$|^node-compile-cache$/.test(name))
        .map((name) => join(place, name)),
    );
  }

  /** Keeps what all daemons and programs have printed. @returns where */
  keepLogs(): string {
    const directory = mkdtempSync(join(tmpdir(), "grain-chaos-logs-"));
    for (const { name, running } of this.#all)
      writeFileSync(join(directory, `${name}.log`), running.stdout + running.stderr);
    return directory;
  }

  /** Lines of the logs that match. */
  logged(pattern: RegExp): string[] {
    return this.#all.flatMap(({ name, running }) =>
      `${running.stdout}${running.stderr}`
        .split("\n")
        .filter((line) => pattern.test(line))
        .map((line) => `${name}: ${line}`),
    );
  }

  /** Ends everything at once and removes all files. */
  async close(): Promise<void> {
    for (const { running } of this.#all) {
      this.#tell(running, "SIGKILL");
      await running.ended;
    }
    for (const proxy of [...this.#proxies]) await this.#close(proxy);
    await this.#stage.close();
    if (this.#shared !== undefined) rmSync(this.#shared, { recursive: true, force: true });
  }

  #tell(running: Running, signal: NodeJS.Signals): void {
    this.#told.add(running);
    running.kill(signal);
  }

  #watch(name: string, running: Running): void {
    this.#all.push({ name, running });
    void running.ended.then(({ code, signal }) => {
      if (!this.#told.has(running)) this.deaths.push(`${name} ended by itself: ${code ?? signal}`);
    });
  }

  async #proxy(): Promise<RoughProxy> {
    const proxy = await RoughProxy.to(this.#address);
    this.#proxies.push(proxy);
    return proxy;
  }

  async #close(proxy: RoughProxy): Promise<void> {
    this.#proxies.splice(this.#proxies.indexOf(proxy), 1);
    await proxy.close();
  }
}
