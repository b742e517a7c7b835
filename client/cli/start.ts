/** `grain start`: starts the head, as a job or as a daemon on this machine, and says where it listens. */

import type { Command } from "commander";
import { GrainError } from "../../proto/errors.js";
import type { BookedJob, JobState, Provider } from "../../provider/index.js";
import { lastLine, readLog } from "../../provider/last-line.js";
import type { AskOptions } from "./ask-head.js";
import { examples } from "./examples.js";
import { headFlags } from "./head-flags.js";
import { ALOUD, aroundOf, configOf, submitJobs, type Voice } from "./submit-jobs.js";

/** Flags of `grain start`. */
export interface StartFlags extends AskOptions {
  readonly local?: true;
  readonly dry?: true;
}

/** The log is looked into this often, the batch system asked this often. */
const LOOK_MS = 100;
const ASK_MS = 5_000;

/** Adds the command. */
export function addStart(program: Command, choose: (act: () => Promise<number>) => void): void {
  headFlags(program.command("start"))
    .description("Starts the head: as a job of the batch system, or on this machine.")
    .option("--local", "on this machine, whatever `system` is")
    .option("--dry", "print the job script and start nothing")
    .addHelpText(
      "after",
      examples(
        ["grain start --local", "a head on this machine, which stays when you log out"],
        ["grain start", "in a job; waits until it runs and prints its address"],
        ["grain start --dry", "what would be submitted"],
      ),
    )
    .action((flags: StartFlags) => choose(() => start(flags, ALOUD, new Date())));
}

/**
 * Starts a head, and waits until it listens.
 *
 * @throws ConfigError when the configuration is wrong; ProviderError when the batch system refuses; GrainError when the head ended
 * @example
 * await start({ local: true }, ALOUD, new Date());
 */
export async function start(flags: StartFlags, voice: Voice, now: Date): Promise<number> {
  const config = await configOf(flags, voice);
  const { headSettings, openProvider, requestOf } = await import("../../provider/index.js");
  const settings = headSettings(config, aroundOf(flags, config), flags.local === true);
  const provider = await openProvider(settings);
  const job = requestOf(settings, { now, cwd: process.cwd() });
  if (flags.dry === true) {
    voice.print(provider.script(job));
    voice.print(`# submitted by: ${provider.commandLine(job, 1)}\n`);
    return 0;
  }
  const [booked] = await submitJobs("head", settings, provider, job, 1);
  const { id, logFile } = booked!;
  const isHere = settings.system === "local";
  voice.print(
    isHere
      ? `Started a head on this machine: ${id} (${job.name}).\nLog: ${logFile}\n`
      : `Submitted the head to ${provider.title}: job ${id} (${job.name}).\nLog: ${logFile}\nWaiting until it runs; interrupting leaves the job as it is.\n`,
  );
  const address = await listening(provider, booked!).catch(async (error: unknown) => {
    // It has been told now.
    const { bookDirectory, forgetJobs } = await import("../../provider/index.js");
    if (error instanceof GrainError) forgetJobs(bookDirectory(process.env), [booked!]);
    throw error;
  });
  voice.print(`It listens on ${address}. For programs and workers:\n  export GRAIN_ADDRESS=${address}\n`);
  voice.print(`"grain quit ${job.name}" ends it.\n`);
  return 0;
}

/** Resolves to the head's address when its log says it. @throws GrainError when it has ended before */
async function listening(provider: Provider, job: BookedJob): Promise<string> {
  let askedMs = performance.now();
  for (;;) {
    const address = addressIn(job.logFile);
    if (address !== undefined) return address;
    const isLocal = job.system === "local";
    if (isLocal || performance.now() - askedMs > ASK_MS) {
      askedMs = performance.now();
      const state = (await provider.status([job.id])).get(job.id);
      if (state !== undefined && isOver(state) && addressIn(job.logFile) === undefined)
        throw ended(job, state);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function isOver({ type }: JobState): boolean {
  return type === "ended" || type === "failed";
}

function ended({ id, logFile }: BookedJob, state: JobState): GrainError {
  const last = lastLine(logFile);
  const why = "reason" in state && state.reason !== "" ? ` (${state.reason})` : "";
  const said = last === undefined ? "" : ` Its log ends with: ${last}`;
  return new GrainError(`The head ${id} has ended before it listened${why}; read its log ${logFile}.${said}`);
}

function addressIn(file: string): string | undefined {
  const text = readLog(file) ?? "";
  const address = /^grain-head \S+ listening on ([^\s,]+)/m.exec(text)?.[1];
  const host = /^grain: on (\S+)$/m.exec(text)?.[1];
  // Everywhere is no address to connect to.
  return address?.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, host ?? "localhost");
}
