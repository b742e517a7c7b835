/** A Slurm of two nodes for the tests of one file; nothing of it is left afterwards. */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const START = fileURLToPath(new URL("start.sh", import.meta.url));
const STOP = fileURLToPath(new URL("stop.sh", import.meta.url));
const PROGRAMS = ["/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/sbin/munged", "/usr/bin/sbatch"];

/** Why there can be no cluster here; undefined: there can. In CI there has to be one. */
export function whyNoSlurm(): string | undefined {
  if (process.env.CI || PROGRAMS.every((program) => existsSync(program))) return undefined;
  if (process.getuid?.() !== 0) return "Slurm is not installed, and only root can install it";
  if (spawnSync("apt-get", ["--version"]).status !== 0)
    return "Slurm is not installed, and there is no apt-get";
  return undefined;
}

/** A running cluster. */
export class SlurmCluster {
  /** What its commands and daemons find it by. */
  readonly env: Record<string, string>;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.env = { SLURM_CONF: `${directory}/slurm.conf` };
  }

  /** Starts it. A path for sockets has to be short. */
  static start(): SlurmCluster {
    const directory = mkdtempSync("/tmp/gs-");
    const cluster = new SlurmCluster(directory);
    // Below the ports that systems give to who does not choose: one of those may be taken at any time.
    const port = String(20_000 + (process.pid % 3_000) * 4);
    const env = { ...process.env, SLURM_PORT: port, SLURM_EXTRA: "MinJobAge=300\nKillWait=15" };
    try {
      execFileSync(START, [directory], { env, stdio: ["ignore", "ignore", "pipe"], timeout: 240_000 });
    } catch (error) {
      cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Runs one of Slurm's commands and gives what it prints. */
  ask(program: string, ...args: string[]): string {
    return execFileSync(program, args, { env: { ...process.env, ...this.env }, encoding: "utf8" });
  }

  /** Ends its jobs and daemons. */
  stop(): void {
    try {
      execFileSync(STOP, [this.#directory], { stdio: ["ignore", "ignore", "pipe"], timeout: 120_000 });
    } finally {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }
}
