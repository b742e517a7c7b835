/** Submitting jobs so that they are found again: what was submitted is noted in the book. */

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError, messageOf } from "../proto/errors.js";
import { type BookedJob, bookJobs } from "./book.js";
import { ProviderError } from "./error.js";
import type { JobRequest, Provider } from "./provider.js";
import type { ProviderSettings } from "./settings.js";

/** What is submitted. */
export interface Submission {
  readonly role: BookedJob["role"];
  readonly job: JobRequest;
  readonly count: number;
  /** The directory of the book. */
  readonly book: string;
  /** The head that the workers join submits them itself. */
  readonly swarm?: true;
}

/**
 * Submits a job so many times, and notes what was submitted, also when it went wrong after a few.
 *
 * @throws ConfigError for a directory of logs that cannot be made; ProviderError, which names what was submitted
 */
export async function submitBooked(
  provider: Provider,
  { system, address }: ProviderSettings,
  { role, job, count, book, swarm }: Submission,
): Promise<BookedJob[]> {
  // Batch systems make none, and jobs without one end without a word.
  try {
    if (provider.logCommand === undefined) mkdirSync(dirname(job.logFile), { recursive: true });
  } catch (error) {
    throw new ConfigError(`The directory of the log ${job.logFile} cannot be made: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const submittedAtMs = Date.now();
  const booked = (ids: readonly string[]) => {
    const jobs = ids.map((id): BookedJob => {
      const logCommand = provider.logCommand?.(id);
      const logFile = logCommand === undefined ? job.logFile.replaceAll("{{JOB}}", id) : "";
      return { id, system, role, name: job.name, logFile, logCommand, submittedAtMs, address, swarm };
    });
    bookJobs(book, jobs);
    return jobs;
  };
  try {
    return booked(await provider.submit(job, count));
  } catch (error) {
    if (error instanceof ProviderError) booked(error.submitted);
    throw error;
  }
}
