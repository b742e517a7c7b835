/** Jobs of the swarm at the batch system, and in the book in which they are noted. */

import { messageOf } from "../../proto/errors.js";
import {
  type BookedJob,
  forgetJobs,
  type JobId,
  type JobState,
  readJobs,
  requestOf,
  submitBooked,
} from "../../provider/index.js";
import type { Fleet } from "./fleet.js";
import type { SwarmJob } from "./state.js";

/** What the batch system has said. */
export interface Asked {
  /** Of all jobs that were asked for; undefined: it was not asked, or did not answer. */
  readonly states: ReadonlyMap<JobId, JobState> | undefined;
  /** Jobs that are not in the book any more. */
  readonly struck: ReadonlySet<JobId>;
}

/** How a submission went. */
export interface Submitted {
  readonly jobs: readonly BookedJob[];
  /** Why there are not more; a sentence. */
  readonly refusal: string | undefined;
}

/** Where things are. */
interface Places {
  /** The directory of the book. */
  readonly book: string;
  /** Where logs with relative names are. */
  readonly cwd: string;
}

const NOT_ASKED: Asked = { states: undefined, struck: new Set() };

/** Submits, asks and cancels. */
export class Dispatch {
  readonly #fleet: Fleet;
  readonly #places: Places;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  #others = new Map<JobId, JobState>();
  /** Why the batch system could not be asked when it was asked last; undefined: it could. */
  problem: string | undefined;

  constructor(fleet: Fleet, places: Places) {
    this.#fleet = fleet;
    this.#places = places;
  }

  /** Jobs for this head that are in the book, and that it has submitted itself. */
  own(): BookedJob[] {
    return this.#booked()
      .filter(({ swarm }) => swarm === true)
      .map(withLog);
  }

  /** Jobs that others have submitted for this head, and that have given no worker. */
  others(hasWorker: (id: JobId) => boolean): number {
    let count = 0;
    for (const [id, { type }] of this.#others) if (type === "queued" && !hasWorker(id)) count += 1;
    return count;
  }

  /** Asks, if it is time to. */
  async ask(ids: readonly JobId[], nowMs: number): Promise<Asked> {
    const { provider, scale } = this.#fleet;
    if (nowMs - this.#askedAtMs < scale.pollMs) return NOT_ASKED;
    this.#askedAtMs = nowMs;
    const booked = this.#booked();
    const known = new Set(booked.map(({ id }) => id));
    const foreign = booked.flatMap(({ id, swarm }) => (swarm === true ? [] : id));
    try {
      const states = await provider.status([...ids, ...foreign]);
      this.problem = undefined;
      this.#others = new Map(foreign.map((id) => [id, states.get(id) ?? { type: "unknown" }]));
      return { states, struck: new Set(ids.filter((id) => !known.has(id))) };
    } catch (error) {
      this.problem = messageOf(error).replace(/\.$/, "");
      return NOT_ASKED;
    }
  }

  /** Submits one after the other, so that each is noted before the next, unless they are to be one array. */
  async submit(count: number, now: Date): Promise<Submitted> {
    const { settings, provider } = this.#fleet;
    const { book, cwd } = this.#places;
    const jobs: BookedJob[] = [];
    const atOnce = settings.array ? count : 1;
    try {
      const job = requestOf(settings, { now, cwd });
      const submission = { role: "worker", job, count: atOnce, book, swarm: true } as const;
      while (jobs.length < count && !this.#isClosed) {
        const more = await submitBooked(provider, settings, submission);
        jobs.push(...more.map(withLog));
      }
      return { jobs, refusal: undefined };
    } catch (error) {
      return { jobs, refusal: messageOf(error) };
    }
  }

  /** Submits nothing any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** @throws ProviderError */
  async cancel(ids: readonly JobId[]): Promise<void> {
    await this.#fleet.provider.cancel(ids);
  }

  /** Strikes jobs out of the book, save those that failed: commands show them, and strike them out some time. */
  forget(jobs: readonly SwarmJob[]): void {
    const ids = new Set(
      jobs.flatMap(({ id, joined, endedAtMs }) => (joined || endedAtMs !== undefined ? id : [])),
    );
    if (ids.size === 0) return;
    forgetJobs(
      this.#places.book,
      this.own().filter(({ id }) => ids.has(id)),
    );
    this.#fleet.provider.forget?.([...ids]).catch((error: unknown) => {
      this.problem = messageOf(error).replace(/\.$/, "");
    });
  }

  #booked(): BookedJob[] {
    const { system, address } = this.#fleet.settings;
    return readJobs(this.#places.book).filter(
      (job) => job.role === "worker" && job.system === system && job.address === address,
    );
  }
}

/** For people, a command that shows a log is as good as a file. */
function withLog(job: BookedJob): BookedJob {
  return job.logCommand === undefined ? job : { ...job, logFile: job.logCommand };
}
