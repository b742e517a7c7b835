/** `grain run`: loads a program as it is, TypeScript included, in this process. */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { readTypeScript } from "../../proto/module/type-script.js";
import { hasUserFrames, showError } from "./show-error.js";

/** Flags of `grain run`. */
export interface RunFlags {
  readonly config?: string;
  readonly address?: string;
  readonly access?: string;
  readonly insecure?: boolean;
  readonly yesReally?: boolean;
  /** Frames of ours are shown, too. */
  readonly verbose?: boolean;
}

const FAILURE = 1;
const BAD_USAGE = 2;
const STACK_FRAMES = 50;

/** Why a path names no program; undefined when it does. */
function problemWith(path: string): string | undefined {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return "there is no such file";
  return entry.isFile() ? undefined : "it is not a file";
}

/**
 * From now on shows what the program does not catch, and ends, as Node.js would; a program that listens for it itself
 * is left alone.
 */
function showUncaught(allFrames: boolean): void {
  const onUncaught = (error: unknown) => {
    if (process.listenerCount("uncaughtException") > 1) return;
    if (error instanceof SyntaxError && !hasUserFrames(error)) {
      // Where in a file that cannot be parsed only Node.js can say.
      process.off("uncaughtException", onUncaught);
      setImmediate(() => {
        throw error;
      });
      return;
    }
    process.stderr.write(showError(error, allFrames));
    process.exit(FAILURE);
  };
  process.on("uncaughtException", onUncaught);
}

/**
 * Runs a program: it finds itself in `process.argv` as if Node.js had been started with it.
 *
 * @returns its exit code as it is when its module has been evaluated; 2 when it cannot be run
 * @throws what the program throws
 * @example
 * await runFile("scan.ts", ["--fast"], { address: "cluster:7700" });
 */
export async function runFile(file: string, args: readonly string[], flags: RunFlags): Promise<number> {
  const path = resolve(file);
  const problem =
    problemWith(path) ??
    (flags.config === undefined || problemWith(resolve(flags.config)) === undefined
      ? undefined
      : `the configuration ${flags.config} cannot be read`);
  if (problem !== undefined) {
    process.stderr.write(`grain: ${file} cannot be run: ${problem}.\n`);
    return BAD_USAGE;
  }
  if (flags.config !== undefined) process.env.GRAIN_CONFIG = resolve(flags.config);
  if (flags.address !== undefined) process.env.GRAIN_ADDRESS = flags.address;
  if (flags.access !== undefined) process.env.GRAIN_ACCESS_DIR = resolve(flags.access);
  if (flags.insecure === true) process.env.GRAIN_INSECURE = flags.yesReally === true ? "yes-really" : "1";
  process.argv = [process.argv[0] ?? process.execPath, path, ...args];
  await readTypeScript();
  showUncaught(flags.verbose === true);
  // Frames of ours are not shown: there must be room for the program's own.
  Error.stackTraceLimit = Math.max(Error.stackTraceLimit, STACK_FRAMES);
  await import(pathToFileURL(path).href);
  return Number(process.exitCode ?? 0);
}
