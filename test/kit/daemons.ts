/**
 * Real daemons and programs for end-to-end tests: each in an empty directory of its
 * own, all ended after the test, and a check that nothing of them is left.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DIST_BIN = join(ROOT, "dist/bin");

/** A process with its output as text. */
export interface Running {
  readonly child: ChildProcess;
  readonly directory: string;
  stdout: string;
  stderr: string;
  /** Resolves when its output (both streams) matches; rejects when it ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves once it has ended. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  kill(signal?: NodeJS.Signals): void;
}

/** One test's processes and files. */
export class Stage {
  readonly directory = mkdtempSync(join(tmpdir(), "grain-test-"));
  /** Every process that belongs to this stage carries it in its environment. */
  readonly marker = `grain-test-${process.pid}-${Math.random().toString(36).slice(2)}`;
  readonly #running: Running[] = [];

  /** Starts a head; resolves with its address. */
  async head(args: string[] = []): Promise<{ head: Running; address: string }> {
    const listen = args.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
    const head = this.start("grain-head", [...listen, ...args]);
    const [, address] = await head.until(/listening on (\S+)/);
    return { head, address: address! };
  }

  /** Starts a worker and waits until it has joined. */
  async worker(address: string, args: string[] = []): Promise<Running> {
    const worker = this.start("grain-worker", ["--address", address, ...args]);
    await worker.until(/Joined the head/);
    return worker;
  }

  /** Starts one of our commands. */
  start(
    name: "grain" | "grain-head" | "grain-worker",
    args: string[],
    env: Record<string, string> = {},
  ): Running {
    return this.run(
      [join(DIST_BIN, `${name}.js`), ...args],
      env,
      mkdtempSync(join(this.directory, `${name}-`)),
    );
  }

  /** Writes a program into a project directory that can import the package, and gives its path. */
  program(name: string, source: string): string {
    const file = join(this.project, name);
    writeFileSync(file, source);
    return file;
  }

  #project: string | undefined;
  /** A directory inside the repository, so that "grain-scheduler" resolves to this package. */
  get project(): string {
    this.#project ??= mkdtempSync(join(ROOT, "test", ".project-"));
    return this.#project;
  }

  /** Runs a program with Node (and tsx) to its end. */
  async play(
    file: string,
    env: Record<string, string> = {},
    args: string[] = [],
  ): Promise<Running & { code: number | null }> {
    const running = this.run(["--import", "tsx", file, ...args], env, this.project);
    const { code } = await running.ended;
    return Object.assign(running, { code });
  }

  run(args: string[], env: Record<string, string>, directory: string): Running {
    const child = spawn(process.execPath, args, {
      cwd: directory,
      env: {
        ...process.env,
        GRAIN_ADDRESS: "",
        GRAIN_CONFIG: "",
        XDG_CACHE_HOME: join(this.directory, "cache"),
        XDG_STATE_HOME: join(this.directory, "state"),
        ...env,
        GRAIN_TEST_MARKER: this.marker,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const watchers = new Set<() => void>();
    const ended = once(child, "close").then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
    const running: Running = {
      child,
      directory,
      stdout: "",
      stderr: "",
      ended,
      kill: (signal = "SIGTERM") => {
        child.kill(signal);
      },
      until: (pattern) =>
        new Promise((resolve, reject) => {
          const look = () => {
            const match = pattern.exec(running.stdout) ?? pattern.exec(running.stderr);
            if (match !== null) {
              watchers.delete(look);
              resolve(match);
            }
          };
          watchers.add(look);
          look();
          void ended.then(() =>
            reject(new Error(`it ended before ${pattern} was seen:\n${running.stdout}${running.stderr}`)),
          );
        }),
    };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]!.setEncoding("utf8").on("data", (text: string) => {
        running[stream] += text;
        for (const look of [...watchers]) look();
      });
    }
    this.#running.push(running);
    return running;
  }

  /** Ends everything, removes all files, and fails if a process is left. */
  async close(): Promise<void> {
    for (const running of [...this.#running].reverse()) {
      if (running.child.exitCode === null && running.child.signalCode === null) running.kill("SIGTERM");
      await running.ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
    if (this.#project !== undefined) rmSync(this.#project, { recursive: true, force: true });
    await gone(this.marker);
  }
}

/**
 * What was said, without what depends on what else this machine does: a head that is there may take a second to
 * answer, and a worker that starts ends what others left that died.
 */
export function withoutChance(stderr: string): string {
  return stderr
    .replaceAll(/^.*No head answers at .* yet; still trying.*\n/gm, "")
    .replaceAll(/^.*Ended \d+ processes that a worker which died had left\.\n/gm, "");
}

/** What a command prints that asks a head. It is asked again when the head was too busy to answer soon enough. */
export async function answerOf(
  ask: () => Promise<{ readonly stdout: string; readonly stderr: string }>,
): Promise<string> {
  for (;;) {
    const { stdout, stderr } = await ask();
    if (stdout !== "") return stdout;
    if (!stderr.includes("No head answered")) throw new Error(stderr);
  }
}

/** Pids of processes that carry all of the markers in their environment. */
export function marked(...markers: readonly string[]): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
        return markers.every((marker) => environment.includes(marker));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** A process's command line, its words apart by NUL; empty when it has ended. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Waits until no process carries the marker; fails after a while, naming those that do. */
async function gone(marker: string): Promise<void> {
  for (let attempt = 0; attempt < 1_200; attempt += 1) {
    if (marked(marker).length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const left = marked(marker).map((pid) => `${pid} ${commandLine(pid).replaceAll("\0", " ")}`);
  throw new Error(`processes are left:\n${left.join("\n")}`);
}
