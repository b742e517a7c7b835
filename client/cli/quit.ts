/** `grain quit`: lets workers go, or ends them, and cancels jobs that have not started. */

import type { Command } from "commander";
import type { Config } from "../../proto/config/config.js";
import { GrainError, messageOf } from "../../proto/errors.js";
import type { HeadStatus, QuitAnswer, WorkerInfo } from "../../proto/grain.js";
import { nearest } from "../../proto/resource/show.js";
import { type AskOptions, askHead } from "./ask-head.js";
import { examples } from "./examples.js";
import { headFlags } from "./head-flags.js";
import { ALOUD, configOf, idsOf, type Voice } from "./submit-jobs.js";
import { type SeenJob, seeJobs } from "./submitted.js";
import { wrap } from "./wrap.js";

/** Flags of `grain quit`. */
export interface QuitFlags extends AskOptions {
  readonly force?: true;
}

/** Adds the command. */
export function addQuit(program: Command, choose: (act: () => Promise<number>) => void): void {
  headFlags(program.command("quit"))
    .description("Lets workers go when their tasks have ended, and cancels jobs that have not started.")
    .argument("<glob>", "names of workers or jobs, or ids of jobs; * and ? stand for anything, e.g. 'w1*'")
    .option("-f, --force", "end them now; what they run is run again elsewhere")
    .addHelpText(
      "after",
      examples(
        ["grain quit 'w1423*'", "the workers of one `grain up`"],
        ["grain quit '*'", "all of them"],
        ["grain quit -f node7", "this one, now"],
      ),
    )
    .action((glob: string, flags: QuitFlags) => choose(() => quit(glob, flags, ALOUD)));
}

/** What was found under a name. */
interface Found {
  readonly workers: readonly WorkerInfo[];
  /** Whose workers are not there (yet). */
  readonly jobs: readonly SeenJob[];
}

/**
 * Sends workers away.
 *
 * @throws GrainError for a name that nothing has; AuthError when only administrators may; ProviderError
 * @example
 * await quit("w1*", { force: true }, ALOUD);
 */
export async function quit(glob: string, flags: QuitFlags, voice: Voice): Promise<number> {
  const config = await configOf(flags, voice);
  const seen = await seeJobs(config, process.env, Date.now());
  for (const problem of seen.problems) voice.warn(problem);
  const head = await statusOf(flags, seen.jobs.length > 0, voice);
  // Nobody can tell what their workers run.
  const isSpared = ({ state }: SeenJob) =>
    head === undefined && flags.force !== true && state.type === "running";
  const { workers, jobs } = matching(
    glob,
    head?.workers ?? [],
    seen.jobs.filter((job) => job.role === "head" || !isSpared(job)),
  );
  let cancelled = jobs;
  if (workers.length > 0) {
    const answer = await tell(flags, workers);
    say(answer, flags.force === true, voice);
    // Nobody there can be told: the job is what can be ended.
    if (flags.force === true) cancelled = [...jobs, ...jobsOf(workers, answer.cutOff, seen.jobs)];
  }
  if (cancelled.length > 0) await cancel(config, cancelled, voice);
  return 0;
}

/** Without a head there may still be jobs to cancel. */
async function statusOf(flags: AskOptions, haveJobs: boolean, voice: Voice): Promise<HeadStatus | undefined> {
  try {
    return await askHead(flags, (head) => head.status());
  } catch (error) {
    if (!haveJobs || !(error instanceof GrainError)) throw error;
    voice.warn(`${messageOf(error)} Only jobs can be cancelled: those that run with --force.`);
    return undefined;
  }
}

function matching(glob: string, workers: readonly WorkerInfo[], jobs: readonly SeenJob[]): Found {
  const pattern = patternOf(glob);
  const connected = new Set(workers.map(({ job }) => job));
  const waiting = jobs.filter(
    ({ system, id, state }) =>
      !connected.has(`${system}:${id}`) && state.type !== "failed" && state.type !== "ended",
  );
  const found: Found = {
    workers: workers.filter(({ name, job }) =>
      [name, idOf(job)].some((each) => matches(each, glob, pattern)),
    ),
    jobs: waiting.filter(({ role, id, name }) =>
      // A head is ended by its full name only.
      role === "head"
        ? [id, name].includes(glob)
        : [id, name, `${name}-${id}`].some((each) => matches(each, glob, pattern)),
    ),
  };
  if (found.workers.length + found.jobs.length > 0) return found;
  const head = waiting.find(({ role, name }) => role === "head" && pattern.test(name));
  const advice =
    head === undefined
      ? adviceOn(glob, [...new Set([...workers, ...waiting].map(({ name }) => name))])
      : `a head is ended by its full name: ${head.name}`;
  throw new GrainError(`No worker or job is called ${JSON.stringify(glob)}; ${advice}.`);
}

function adviceOn(glob: string, names: readonly string[]): string {
  const near = nearest(glob, names);
  if (near !== undefined) return `did you mean ${near}?`;
  if (names.length === 0) return "there are none";
  return `there are ${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}`;
}

function idOf(job: string | undefined): string {
  return job?.slice(job.indexOf(":") + 1) ?? "";
}

function matches(text: string, glob: string, pattern: RegExp): boolean {
  return text !== "" && (text === glob || pattern.test(text));
}

/** Ids of arrays hold brackets, so these are no part of patterns. */
function patternOf(glob: string): RegExp {
  const parts = [...glob].map((char) =>
    char === "*" ? ".*" : char === "?" ? "." : char.replace(/[\\^$.|+()[\]{}]/, String.raw`\$&`),
  );
  return new RegExp(`^${parts.join("")}$`, "su");
}

function tell(flags: QuitFlags, workers: readonly WorkerInfo[]): Promise<QuitAnswer> {
  const kill = flags.force === true;
  const reason = `asked by grain quit${kill ? " -f" : ""}`;
  return askHead(flags, (head) => head.quit({ workers: workers.map(({ name }) => name), kill, reason }));
}

function say({ told, cutOff }: QuitAnswer, force: boolean, { print }: Voice): void {
  const tell = (text: string) => print(`${wrap(text).join("\n")}\n`);
  if (told.length > 0)
    tell(
      force
        ? `Ended ${counted(told, "worker")}: ${told.join(", ")}.`
        : `Asked ${counted(told, "worker")} to leave when what runs there has ended: ${told.join(", ")}.`,
    );
  if (cutOff.length > 0)
    tell(
      force
        ? `Gave up ${counted(cutOff, "worker")} that cannot be reached: ${cutOff.join(", ")}.`
        : `Cannot be reached now, and leave when they come back: ${cutOff.join(", ")}.`,
    );
}

function jobsOf(
  workers: readonly WorkerInfo[],
  names: readonly string[],
  jobs: readonly SeenJob[],
): SeenJob[] {
  const ids = new Set(workers.filter(({ name }) => names.includes(name)).map(({ job }) => job));
  return jobs.filter(({ system, id }) => ids.has(`${system}:${id}`));
}

async function cancel(config: Config, jobs: readonly SeenJob[], { print }: Voice): Promise<void> {
  const { askSettings, bookDirectory, forgetJobs, openProvider } = await import("../../provider/index.js");
  for (const system of new Set(jobs.map((job) => job.system))) {
    const ours = jobs.filter((job) => job.system === system);
    const provider = await openProvider(askSettings(config, system));
    await provider.cancel(ours.map(({ id }) => id));
    forgetJobs(bookDirectory(process.env), ours);
  }
  const named = jobs.map(({ id, name }) => ({ id: `${id} (${name})` }));
  print(`${wrap(`Cancelled ${counted(jobs, "job")}: ${idsOf(named)}.`).join("\n")}\n`);
}

function counted(list: readonly unknown[], what: string): string {
  return `${list.length} ${what}${list.length === 1 ? "" : "s"}`;
}
