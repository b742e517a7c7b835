/** What all batch systems have in common: commands that submit, list and cancel, and what may go wrong with each. */

import { type Ended, refused, runCommand } from "./command.js";
import { ProviderError } from "./error.js";
import type { JobId, JobRequest, JobState, Provider } from "./provider.js";
import { shellWords } from "./quote.js";
import type { ProviderSettings } from "./settings.js";

/** Runs a command of the batch system. */
export type Ask = (argv: readonly string[]) => Promise<Ended>;

/** What differs between batch systems. */
export interface Dialect {
  readonly title: string;
  script(job: JobRequest, isArray: boolean): string;
  /** The script is what it reads. @param elements of an array; undefined: no array */
  submit(job: JobRequest, elements: number | undefined): string[];
  /** Ids in what `submit` printed, one for each element; undefined: there is none. */
  ids(stdout: string, elements: number | undefined): JobId[] | undefined;
  /** A sentence for somebody whose job was refused; may be empty. */
  advice(stderr: string): string;
  list(ids: readonly JobId[]): string[];
  /** What `list` printed; undefined: it has failed. Ids that it does not name are unknown. */
  states(answer: Ended): Iterable<readonly [JobId, JobState]> | undefined;
  /** Asks otherwise for what `list` does not know any more. */
  gone?(ids: readonly JobId[], ask: Ask): Promise<Iterable<readonly [JobId, JobState]>>;
  cancel(ids: readonly JobId[]): string[];
  /** Whether `cancel` has failed for another reason than that jobs had ended. Default: by its exit code. */
  notCancelled?(answer: Ended): boolean;
}

/** A provider for a batch system. */
export function batchSystem(settings: ProviderSettings, dialect: Dialect): Provider {
  const { title } = dialect;
  const options = { title, timeoutMs: settings.commandTimeoutMs };
  const elementsOf = (count: number) => (settings.array ? count : undefined);
  const ask: Ask = (argv) => runCommand(argv, options);
  return {
    title,
    script: (job) => dialect.script(job, settings.array),
    commandLine: (job, count) => shellWords(dialect.submit(job, elementsOf(count))),
    async submit(job, count) {
      const elements = elementsOf(count);
      const argv = dialect.submit(job, elements);
      const input = dialect.script(job, settings.array);
      const ids: JobId[] = [];
      while (ids.length < count) {
        try {
          const answer = await runCommand(argv, { ...options, input });
          const submitted = answer.exitCode === 0 ? dialect.ids(answer.stdout, elements) : undefined;
          if (submitted === undefined)
            throw refused(title, argv[0]!, answer, "refused the job", dialect.advice(answer.stderr));
          ids.push(...submitted);
        } catch (error) {
          if (!(error instanceof ProviderError)) throw error;
          throw new ProviderError(error.message, { cause: error.cause, submitted: ids });
        }
      }
      return ids;
    },
    async status(ids) {
      const found = new Map<JobId, JobState>(ids.map((id) => [id, { type: "unknown" }]));
      if (ids.length === 0) return found;
      const argv = dialect.list(ids);
      const answer = await ask(argv);
      const states = dialect.states(answer);
      if (states === undefined) throw refused(title, argv[0]!, answer, "did not say how jobs stand");
      for (const [id, state] of states) if (found.has(id)) found.set(id, state);
      const gone = ids.filter((id) => found.get(id)?.type === "unknown");
      if (gone.length === 0 || dialect.gone === undefined) return found;
      for (const [id, state] of await dialect.gone(gone, ask)) if (found.has(id)) found.set(id, state);
      return found;
    },
    async cancel(ids) {
      if (ids.length === 0) return;
      const argv = dialect.cancel(ids);
      const answer = await ask(argv);
      if (answer.exitCode !== 0 && (dialect.notCancelled?.(answer) ?? true))
        throw refused(title, argv[0]!, answer, "did not cancel the jobs");
    },
  };
}

/** Whether all that a command complains of is of this kind. */
export function complainsOnly({ stderr }: Ended, pattern: RegExp): boolean {
  return stderr.split("\n").every((line) => line.trim() === "" || pattern.test(line));
}

/** Advice that holds for every batch system. */
export const SEE_DRY = '"grain up --dry" shows what was submitted.';
