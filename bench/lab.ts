/**
 * Where measurements take place: starts heads, workers and programs as processes of
 * their own, each in an empty directory, and ends them all.
 *
 * The measured programs are bundled once into a directory inside the repository, so
 * that `grain-scheduler` is this package's dist/.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Running } from "./running.js";
import { nodeChildren } from "./usage.js";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A head that listens. */
export interface HeadProcess {
  readonly address: string;
  readonly pid: number;
  readonly running: Running;
}

/** A program that a measurement starts. */
export interface ProgramOptions {
  readonly address?: string;
  readonly args?: readonly (string | number)[];
  /** Of Node. */
  readonly nodeFlags?: readonly string[];
}

/** Processes of measurements. */
export class Lab {
  readonly directory = mkdtempSync(join(tmpdir(), "grain-bench-"));
  /** The bundled programs. */
  readonly programs = mkdtempSync(join(ROOT, "bench", ".scratch-"));
  readonly headHelp = execFileSync(process.execPath, [join(ROOT, "dist/bin/grain-head.js"), "--help"], {
    encoding: "utf8",
  });
  readonly #profileDirectory: string | undefined;
  readonly #insecure: boolean;
  #running: Running[] = [];

  /**
   * @param profileDirectory every process writes a CPU profile there between two signals, see profile.cjs
   * @param insecure without TLS
   */
  constructor(profileDirectory?: string, insecure = false) {
    this.#profileDirectory = profileDirectory;
    this.#insecure = insecure;
    // For this process as well, which asks heads how they stand.
    process.env.GRAIN_ACCESS_DIR = join(this.directory, "access");
    process.env.GRAIN_INSECURE = insecure ? "1" : "";
  }

  /** Bundles the programs. */
  async open(): Promise<void> {
    const sources = (folder: string) =>
      readdirSync(join(ROOT, "bench", folder))
        .filter((name) => name.endsWith(".ts"))
        .map((name) => join(ROOT, "bench", folder, name));
    await build({
      entryPoints: [...sources("program"), ...sources("baseline")],
      outdir: this.programs,
      outbase: join(ROOT, "bench"),
      outExtension: { ".js": ".mjs" },
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      packages: "external",
      logLevel: "error",
    });
  }

  get profiles(): boolean {
    return this.#profileDirectory !== undefined;
  }

  /** Starts these processes' profiles, or writes them. Does nothing without --profile. */
  toggleProfiles(pids: readonly number[]): void {
    if (!this.profiles) return;
    for (const pid of pids) process.kill(pid, "SIGUSR2");
  }

  /** Whether `grain-head` knows this flag. */
  headHas(flag: string): boolean {
    return this.headHelp.includes(flag);
  }

  /** Starts a head. What is measured without the journal says so where that is not the default. */
  async head(args: readonly string[] = []): Promise<HeadProcess> {
    const plain = !args.includes("--journal") && this.headHas("--no-journal") ? ["--no-journal"] : [];
    const insecure = this.#insecure ? ["--insecure"] : [];
    const running = this.#daemon("grain-head", ["--listen", "127.0.0.1:0", ...insecure, ...plain, ...args]);
    const [, address] = await running.until(/listening on ([^\s,]+)/);
    return { address: address!, pid: running.pid, running };
  }

  /** Starts a worker and waits until it has joined. */
  async worker(address: string, args: readonly string[] = ["--cpus", "2"]): Promise<Running> {
    const running = this.#daemon("grain-worker", ["--address", address, ...args]);
    await running.until(/Joined the head/);
    return running;
  }

  /** Starts one of the programs in bench/program or bench/baseline, e.g. "program/noop". */
  program(name: string, options: ProgramOptions = {}): Running {
    const { address, args = [], nodeFlags = [] } = options;
    const file = join(this.programs, `${name}.mjs`);
    return this.start(process.execPath, [...nodeFlags, file, ...args.map(String)], {
      GRAIN_ADDRESS: address ?? "",
    });
  }

  start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const running = new Running(command, args, {
      cwd: mkdtempSync(join(this.directory, "process-")),
      env: {
        ...process.env,
        GRAIN_CONFIG: "",
        XDG_CACHE_HOME: join(this.directory, "cache"),
        XDG_CONFIG_HOME: join(this.directory, "config"),
        ...this.#profiling(),
        ...env,
      },
    });
    this.#running.push(running);
    return running;
  }

  /** Pids of a worker's executors. */
  executorsOf(worker: Running): number[] {
    return nodeChildren(worker.pid);
  }

  /** Ends all processes that still run. */
  async clear(signal?: NodeJS.Signals): Promise<void> {
    const running = this.#running.reverse();
    this.#running = [];
    for (const process of running) await process.end(signal);
  }

  async close(): Promise<void> {
    await this.clear();
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(this.programs, { recursive: true, force: true });
  }

  #daemon(name: string, args: readonly string[]): Running {
    return this.start(process.execPath, [join(ROOT, "dist/bin", `${name}.js`), ...args], {
      GRAIN_ADDRESS: "",
    });
  }

  #profiling(): NodeJS.ProcessEnv {
    if (this.#profileDirectory === undefined) return {};
    return {
      NODE_OPTIONS: `--require ${join(ROOT, "bench/profile.cjs")}`,
      GRAIN_BENCH_PROFILES: this.#profileDirectory,
    };
  }
}
