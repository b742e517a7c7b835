/** Runs commands of batch systems, and says in one sentence what went wrong with one. */

import { spawn } from "node:child_process";
import { ProviderError } from "./error.js";

/** How a command ended. */
export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a command. */
export interface CommandOptions {
  /** What it reads. */
  readonly input?: string | undefined;
  readonly timeoutMs: number;
  /** Whose command it is, for people. */
  readonly title: string;
}

/** No command of a batch system has that much to say. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Runs a command to its end.
 *
 * @throws ProviderError when it cannot be run, or does not end in time; not for its exit code
 * @example
 * const { stdout } = await runCommand(["squeue", "-h"], { title: "Slurm", timeoutMs: 30_000 });
 */
export function runCommand(argv: readonly string[], options: CommandOptions): Promise<Ended> {
  const [program = "", ...args] = argv;
  const { input = "", timeoutMs, title } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    const texts = { stdout: "", stderr: "" };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new ProviderError(tooSlow(program, title, timeoutMs, texts.stderr)));
    }, timeoutMs);
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        if (texts[stream].length < MAX_OUTPUT_BYTES) texts[stream] += text;
      });
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new ProviderError(whyNot(program, title, error), { cause: error }));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const exitCode = code ?? 128;
      const stderr = signal === null ? texts.stderr : `${texts.stderr}\nended by ${signal}`;
      resolve({ exitCode, stdout: texts.stdout, stderr });
    });
    // One that does not read all of it says why by its exit code.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

function whyNot(program: string, title: string, error: Error): string {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT")
    return `${program} cannot be run: ${error.message}.`;
  return (
    `There is no command ${program} here, so ${title} cannot be used: ` +
    "run this where its commands are installed, such as on a login node, or choose another `system` in grain.toml."
  );
}

function tooSlow(program: string, title: string, timeoutMs: number, stderr: string): string {
  const said = stderr.trim() === "" ? "" : ` (it said: ${tidy(stderr, program)})`;
  return `${title} does not answer: ${program} was given up after ${timeoutMs / 1_000} s${said}. Try again later.`;
}

/**
 * The error for a command that failed.
 *
 * @param what what it was to do, such as "refused the job"
 * @param advice a sentence
 */
export function refused(
  title: string,
  program: string,
  { exitCode, stderr, stdout }: Ended,
  what: string,
  advice = "",
): ProviderError {
  const said = tidy(stderr.trim() === "" ? stdout : stderr, program);
  const why = said === "" ? "it said nothing" : said.replace(/\.$/, "");
  return new ProviderError(
    `${title} ${what} (${program}, exit code ${exitCode}): ${why}.${advice === "" ? "" : ` ${advice}`}`,
  );
}

/** Lines of a message as one, without the prefixes that commands give them. */
export function tidy(text: string, program: string): string {
  const prefix = new RegExp(`^(?:${program.replaceAll(/[^\w]/g, String.raw`\$&`)}: )?(?:error: )?`, "i");
  return (
    text
      .split("\n")
      .map((line) => line.trim().replace(prefix, ""))
      // The last word of some.
      .filter((line) => line !== "" && line !== "Exiting.")
      .join("; ")
  );
}
