/** One process of a measurement: what it says line by line, and its end. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface StartOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A process whose output is read. */
export class Running {
  readonly pid: number;
  readonly startedAt = performance.now();
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #ended: Promise<unknown>;
  #lines: string[] = [];
  #errors = "";
  #look: () => void = () => {};
  #over = false;

  constructor(command: string, args: readonly string[], options: StartOptions) {
    this.#name = args.find((arg) => arg.endsWith("js"))?.replace(/^.*\//, "") ?? command;
    this.#child = spawn(command, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    this.pid = this.#child.pid!;
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      this.#lines.push(line);
      this.#look();
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-4096);
      this.#look();
    });
    this.#child.stdin!.on("error", () => {});
    this.#ended = once(this.#child, "close").then(() => {
      this.#over = true;
      this.#look();
    });
  }

  /** Waits until it has printed a line that matches, on standard output or standard error; lines before it are dropped. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        for (let i = 0; i < this.#lines.length; i += 1) {
          const match = pattern.exec(this.#lines[i]!);
          if (match === null) continue;
          this.#lines = this.#lines.slice(i + 1);
          return resolve(match);
        }
        const match = pattern.exec(this.#errors);
        if (match !== null) resolve(match);
        else if (this.#over)
          reject(new Error(`${this.#name} ended before it printed ${pattern}: ${this.#errors.trim()}`));
      };
      this.#look();
    });
  }

  /** The next line of a program that tells what it does, of this kind. */
  async told<T>(type: string): Promise<T> {
    const [line] = await this.until(new RegExp(`^\\{"type":"${type}".*\\}$`));
    return JSON.parse(line) as T;
  }

  /** Lets a program that waits go on. */
  go(): void {
    this.#child.stdin!.write("go\n");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves once it has ended by itself. */
  async ended(): Promise<void> {
    await this.#ended;
    if (this.#child.exitCode !== 0)
      throw new Error(`${this.#name} ended with exit code ${this.#child.exitCode}: ${this.#errors.trim()}`);
  }

  /** Ends it. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (!this.#over) this.#child.kill(signal);
    await this.#ended;
  }
}
