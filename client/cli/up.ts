/** `grain up`: submits jobs of workers, or starts workers on this machine. */

import { type Command, InvalidArgumentError } from "commander";
import type { AskOptions } from "./ask-head.js";
import { examples } from "./examples.js";
import { headFlags } from "./head-flags.js";
import { ALOUD, aroundOf, configOf, idsOf, submitJobs, type Voice } from "./submit-jobs.js";

/** Flags of `grain up`. */
export interface UpFlags extends AskOptions {
  readonly number: number;
  readonly dry?: true;
}

const MOST_JOBS = 100_000;

/** Adds the command. */
export function addUp(program: Command, choose: (act: () => Promise<number>) => void): void {
  headFlags(program.command("up"))
    .description("Submits jobs of workers to the batch system, or starts workers here.")
    .argument("[args...]", "after --: further arguments of the submit command")
    .option("-n, --number <n>", "how many", readCount, 1)
    .option("--dry", "print the job script and submit nothing")
    .addHelpText(
      "after",
      examples(
        ["grain up -n 4", "four jobs, as grain.toml says"],
        ["grain up -n 4 -- --account=physics", "with an argument of sbatch, qsub, …"],
        ["grain up --dry", "what would be submitted"],
      ),
    )
    .action((args: string[], flags: UpFlags) => choose(() => up(args, flags, ALOUD, new Date())));
}

/** A number of jobs. */
export function readCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_JOBS) return count;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST_JOBS}.`);
}

/**
 * Submits workers.
 *
 * @param extraArgs of the submit command
 * @throws ConfigError when the configuration is wrong or no head is named; ProviderError when the batch system refuses
 * @example
 * await up([], { number: 4 }, ALOUD, new Date());
 */
export async function up(
  extraArgs: readonly string[],
  flags: UpFlags,
  voice: Voice,
  now: Date,
): Promise<number> {
  const config = await configOf(flags, voice);
  const { openProvider, reachWarning, requestOf, workerSettings } = await import("../../provider/index.js");
  const around = aroundOf(flags, config);
  const settings = workerSettings(config, around);
  const warning = reachWarning(settings, around.address ?? config.worker.address);
  if (warning !== undefined) voice.warn(warning);
  const provider = await openProvider(settings);
  const job = requestOf(settings, { now, cwd: process.cwd(), extraArgs });
  const { number: count } = flags;
  if (flags.dry === true) {
    voice.print(provider.script(job));
    voice.print(`# submitted by: ${provider.commandLine(job, count)}\n`);
    return 0;
  }
  const jobs = await submitJobs("worker", settings, provider, job, count);
  const what =
    settings.system === "local" || settings.system === "ssh"
      ? `Started ${counted(count, "worker")}`
      : `Submitted ${counted(count, "job")} of workers to ${provider.title}`;
  voice.print(`${what}: ${idsOf(jobs)} (${job.name}).\n`);
  const logs = provider.logCommand?.("<job>") ?? job.logFile.replaceAll("{{JOB}}", "<job>");
  voice.print(`Logs: ${logs}\n`);
  voice.print(`"grain ls" shows them, "grain quit '${job.name}*'" ends them.\n`);
  return 0;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
