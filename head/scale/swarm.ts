/**
 * The swarm of a head: looks at the workers, the ready tasks and the batch system, has `decide` say what is to be done,
 * and does it. One thing at a time: a decision begins when what the one before it has ordered is done.
 *
 * Not its job: what is decided (decide.ts), how jobs are submitted (dispatch.ts), what is told of it (status.ts).
 */

import { messageOf } from "../../proto/errors.js";
import type { ScaleRequest, ScaleStatus } from "../../proto/grain.js";
import { lastLine } from "../../provider/last-line.js";
import type { DryRun } from "../core/dry-run.js";
import type { WorkerTemplate } from "../core/template.js";
import type { Crew, CrewMember } from "../shell/crew.js";
import type { HeadLog } from "../shell/log.js";
import { type Action, decide } from "./decide.js";
import { type Asked, Dispatch } from "./dispatch.js";
import { Expectation } from "./expectation.js";
import type { Fleet } from "./fleet.js";
import { type Goal, goalText, mostOf } from "./goal.js";
import { History } from "./history.js";
import { type Keep, keptText, withKept } from "./kept.js";
import type { Observations } from "./observation.js";
import { goalOf } from "./request.js";
import { aimed, foundAgain, newState, refused, resumed, type ScaleState, submitted } from "./state.js";
import { statusOf, swarmText } from "./status.js";

/** How a swarm is set up. */
export interface SwarmOptions {
  /** Reads what jobs of workers are; each time anew. @param address of the head, where nothing else is said */
  readonly open: (address: string) => Promise<Fleet>;
  /** What is wanted when the head starts. */
  readonly goal: Goal;
  /** That goes before what an earlier life of the head was told. */
  readonly isFinal?: boolean;
  /** How workers reach the head. Default: where it listens. */
  readonly address?: string | undefined;
  /** The directory in which jobs are noted. */
  readonly book: string;
  /** Where logs with relative names are. */
  readonly cwd: string;
  /** How often it looks at workers and tasks. Default: 1000. */
  readonly lookMs?: number;
  /** In milliseconds since 1970. Default: Date.now */
  readonly nowMs?: () => number;
}

/** What it has of its head. */
export interface SwarmHost {
  readonly crew: Crew;
  readonly log: HeadLog;
  /** What survives the head. Default: nothing does. */
  readonly keep?: Keep | undefined;
}

const LOOK_MS = 1_000;
/** A submission that is under way is waited for, so that it is noted. */
const CLOSE_MS = 5_000;
/** Where nothing says how long a worker lives. */
const LIFETIME_MS = 3_600_000;
/** What takes less than a worker takes to start is not worth one. */
const WORTH_MS = 60_000;

/** A swarm. */
export class Swarm {
  readonly #options: SwarmOptions;
  readonly #host: SwarmHost;
  readonly #history: History;
  readonly #nowMs: () => number;
  readonly #expectation = new Expectation();
  #state: ScaleState;
  #fleet: Fleet | undefined;
  #dispatch: Dispatch | undefined;
  #address = "";
  #template: WorkerTemplate | undefined;
  #joined = new Set<string>();
  #kept = "";
  #timer: NodeJS.Timeout | undefined;
  /** What is being done, and all that is to be done after it. */
  #work: Promise<unknown> = Promise.resolve();
  #isLookDue = false;
  #isClosed = false;

  constructor(host: SwarmHost, options: SwarmOptions) {
    this.#host = host;
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#history = new History((text, level) => host.log[level](`scale: ${text}`));
    this.#state = newState({ backlog: 1, lifetimeMs: LIFETIME_MS }, this.#nowMs());
    host.crew.onChange = () => this.#noteJoined();
  }

  /** Begins, or goes on where an earlier life of the head has ended. @param address where it listens */
  async start(address: string): Promise<void> {
    this.#address = this.#options.address ?? address;
    const { goal, isFinal = false } = this.#options;
    const text = isFinal ? undefined : await this.#host.keep?.read();
    this.#state = withKept(this.#state, text, goal) ?? aimed(this.#state, goal, this.#nowMs());
    if (this.#state.goal.type === "off") return;
    this.#history.add(this.#nowMs(), `${goalText(this.#state.goal)} wanted`);
    await this.#inTurn(() => this.#open()).catch((error: unknown) =>
      this.#history.add(
        this.#nowMs(),
        `cannot start, until "grain scale --resume": ${messageOf(error)}`,
        "warn",
      ),
    );
    this.#begin();
  }

  /** Changes what is wanted. Resolves when the first decision has been carried out. */
  set({ change }: ScaleRequest): Promise<ScaleStatus> {
    return this.#inTurn(async () => {
      try {
        if (change !== undefined) await this.#change(change);
      } catch (error) {
        return { ...this.status(), refused: messageOf(error) };
      }
      return this.status();
    });
  }

  /** How it stands. */
  status(): ScaleStatus {
    const { observations: seen, dryRun } = this.#see([...this.#host.crew.members()]);
    const { provider, configFile, warnings = [] } = this.#fleet ?? {};
    return statusOf({
      state: this.#state,
      seen,
      dryRun,
      template: this.#template,
      system: provider?.title ?? "",
      warnings,
      configFile,
      entries: this.#history.entries,
      nowMs: this.#nowMs(),
    });
  }

  /** The same in a phrase; undefined: no number is kept. */
  get text(): string | undefined {
    return swarmText(this.#state, this.#fleet?.provider.title ?? "");
  }

  /** Decides when what is being done is done. Resolves then. */
  async look(): Promise<void> {
    if (this.#isLookDue || this.#isClosed) return;
    this.#isLookDue = true;
    await this.#inTurn(() => {
      this.#isLookDue = false;
      return this.#decide();
    }).catch((error: unknown) => this.#host.log.warn(`scale: ${messageOf(error)}`));
  }

  /** Decides nothing any more. Workers and jobs stay: a head that is started again finds them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#host.crew.onChange = () => {};
    this.#dispatch?.close();
    // A batch system that does not answer is not waited for.
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([this.#work, enough]);
    clearTimeout(timer);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }

  async #change(change: NonNullable<ScaleRequest["change"]>): Promise<void> {
    if (change.$case === "stop") return this.#stop(change.stop.cancel);
    const isRunning = this.#state.goal.type !== "off";
    if (change.$case === "resume" && !isRunning)
      throw new Error("No number of workers is kept; say which: grain scale 4, or grain scale --max 20.");
    await this.#open();
    const nowMs = this.#nowMs();
    if (change.$case === "resume") {
      this.#state = resumed(this.#state, nowMs);
      this.#history.add(nowMs, "taken up again");
    } else {
      const goal = goalOf(change, this.#fleet!.scale);
      this.#state = aimed(this.#state, goal, nowMs);
      this.#history.add(nowMs, `${goalText(goal)} wanted`);
    }
    this.#begin();
    await this.#decide();
  }

  async #stop(cancel: boolean): Promise<void> {
    const nowMs = this.#nowMs();
    this.#state = aimed(this.#state, { type: "off" }, nowMs);
    this.#history.add(nowMs, "stopped; workers stay");
    const waiting = [...this.#state.jobs.values()].filter(
      ({ joined, phase }) => !joined && phase !== "running",
    );
    if (cancel && waiting.length > 0) {
      const jobs = waiting.map(({ id }) => id);
      await this.#carryOut({ type: "cancel", jobs });
      this.#dispatch?.forget(waiting.map((job) => ({ ...job, endedAtMs: nowMs })));
      const left = [...this.#state.jobs].filter(([id]) => !jobs.includes(id));
      this.#state = { ...this.#state, jobs: new Map(left) };
    }
    this.#expect(undefined);
    await this.#remember();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Reads the configuration, and finds jobs that an earlier life of the head has left. */
  async #open(): Promise<void> {
    const before = this.#fleet;
    const fleet = await this.#options.open(this.#address);
    const { settings, scale, template, warnings } = fleet;
    for (const warning of warnings)
      if (before?.warnings.includes(warning) !== true) this.#host.log.warn(`scale: ${warning}`);
    this.#fleet = fleet;
    this.#dispatch = new Dispatch(fleet, this.#options);
    this.#expectation.configure(template, this.#nowMs());
    const lifetimeMs = template.pool.remainingMs ?? LIFETIME_MS;
    this.#state = { ...this.#state, rules: { backlog: scale.backlog, lifetimeMs } };
    if (before?.settings.system === settings.system && before.settings.address === settings.address) return;
    const left = this.#dispatch.own();
    this.#state = foundAgain({ ...this.#state, jobs: new Map() }, left);
    if (left.length > 0)
      this.#history.add(this.#nowMs(), `${left.length} jobs were submitted before, and not doubled`);
  }

  #begin(): void {
    if (this.#state.goal.type === "off" || this.#isClosed) return;
    const { lookMs = LOOK_MS } = this.#options;
    this.#timer ??= setInterval(() => void this.look(), lookMs).unref();
  }

  /** One that leaves before anybody looks has been there. */
  #noteJoined(): void {
    for (const job of this.#host.crew.jobs()) {
      const id = this.#idOf(job);
      if (id !== undefined) this.#joined.add(id);
    }
  }

  /** The id of a job of this batch system. */
  #idOf(job: string | undefined): string | undefined {
    const system = `${this.#fleet?.settings.system}:`;
    return job?.startsWith(system) === true ? job.slice(system.length) : undefined;
  }

  async #decide(): Promise<void> {
    const dispatch = this.#dispatch;
    if (dispatch === undefined || this.#isClosed || this.#state.goal.type === "off") return;
    const asked = await dispatch.ask([...this.#state.jobs.keys()], this.#nowMs());
    const members = [...this.#host.crew.members()];
    this.#expectation.learn(members, ({ job }) => this.#state.jobs.get(this.#idOf(job) ?? "")?.submittedAtMs);
    this.#expect(this.#expectation.template(mostOf(this.#state.goal)));
    const { observations } = this.#see(members, asked);
    const before = this.#state;
    const { state, actions, reasons } = decide(before, observations, this.#nowMs());
    this.#state = state;
    this.#joined = new Set();
    dispatch.forget([...before.jobs.values()].filter(({ id }) => !state.jobs.has(id)));
    this.#history.decided(this.#nowMs(), reasons, actions.length > 0);
    for (const action of actions) await this.#carryOut(action);
    this.#tellPause(before);
    await this.#remember();
  }

  #expect(template: WorkerTemplate | undefined): void {
    if (JSON.stringify(template) === JSON.stringify(this.#template)) return;
    this.#template = template;
    this.#host.crew.expect(template);
  }

  #see(
    members: readonly CrewMember[],
    asked?: Asked,
  ): { observations: Observations; dryRun: DryRun | undefined } {
    const { goal } = this.#state;
    const limit = goal.type === "demand" ? goal.max : 0;
    const dryRun = this.#host.crew.dryRun({ limit, worthMs: WORTH_MS });
    const workers = members.map((member) => ({ ...member, job: this.#idOf(member.job) }));
    const connected = new Set(workers.map(({ job }) => job));
    const isOver = (id: string) => /^(ended|unknown)$/.test(asked?.states?.get(id)?.type ?? "");
    const observations: Observations = {
      jobs: asked?.states,
      problem: this.#dispatch?.problem,
      workers,
      joined: this.#joined,
      // The book alone is not believed: it may not be readable just now.
      cancelled: new Set([...(asked?.struck ?? [])].filter(isOver)),
      otherJobs: this.#dispatch?.others((id) => connected.has(id)) ?? 0,
      demand: goal.type === "demand" ? (dryRun?.workers ?? 0) : 0,
    };
    return { observations, dryRun };
  }

  async #carryOut(action: Action): Promise<void> {
    const dispatch = this.#dispatch!;
    switch (action.type) {
      case "submit": {
        const { jobs, refusal } = await dispatch.submit(action.count, new Date());
        this.#state = submitted(this.#state, jobs);
        if (jobs.length > 0) this.#history.add(this.#nowMs(), `submitted ${idsText(jobs)}`);
        if (refusal === undefined) return;
        this.#state = refused(this.#state, refusal, this.#nowMs());
        return this.#history.add(this.#nowMs(), `a submission was refused: ${refusal}`, "warn");
      }
      case "cancel":
        return dispatch
          .cancel(action.jobs)
          .catch((error: unknown) =>
            this.#history.add(this.#nowMs(), `jobs were not cancelled: ${messageOf(error)}`, "warn"),
          );
      case "leave":
        return this.#host.crew.letGo(action.workers, "the swarm does not need it");
      default:
        return action satisfies never;
    }
  }

  #tellPause(before: ScaleState): void {
    const { pause } = this.#state;
    if (pause === undefined || before.pause !== undefined) return;
    const { why, logFile } = pause;
    const last = logFile === undefined ? undefined : lastLine(logFile);
    const read = logFile === undefined ? "" : `; read the log ${logFile}`;
    const said = last === undefined ? "" : `, which ends with: ${last}`;
    this.#history.add(this.#nowMs(), `paused, until "grain scale --resume": ${why}${read}${said}`, "warn");
  }

  async #remember(): Promise<void> {
    const { goal } = this.#options;
    // What time alone changes need not be written.
    const { quota, ...rest } = this.#state;
    const key = keptText({ ...rest, quota: { left: Math.floor(quota.left), atMs: 0 } }, goal);
    if (key === this.#kept) return;
    this.#kept = key;
    await this.#host.keep?.write(keptText(this.#state, goal));
  }
}

/** More ids are not spelt out. */
const SPELT_OUT = 8;

function idsText(jobs: readonly { readonly id: string }[]): string {
  const text = jobs
    .slice(0, SPELT_OUT)
    .map(({ id }) => id)
    .join(", ");
  return jobs.length <= SPELT_OUT ? text : `${text} and ${jobs.length - SPELT_OUT} more`;
}
