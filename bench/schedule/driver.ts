/**
 * Drives the scheduler core alone, as fast as it goes: workers that report everything they run in
 * the turn after they got it, no links, no values. So what is timed is the core's own cost.
 */

import { Core } from "../../head/core/core.js";
import type { Effect } from "../../head/core/effect.js";
import type { HeadEvent } from "../../head/core/event.js";
import { parsePoolSpec } from "../../head/simulation/pool-spec.js";
import { toRequest } from "../../proto/resource/resource.js";
import { NO_RETRIES } from "../../proto/retries.js";
import { Stopwatch } from "./stopwatch.js";

type Event = HeadEvent<unknown, unknown, unknown>;

/** One client submits everything. */
const SESSION = 1;
/** Tasks in one message, as a client that submits many sends them. */
const MESSAGE = 4_096;
/** Workers that report in one turn. */
const REPORTING = 16;
/** Long enough that nothing is sent ahead: then every task is one decision. */
const RUN_US = 60_000_000;

const PLAN: Event = { type: "planDue" };

/** One step of the core. */
export interface Step {
  readonly event: string;
  readonly tookMs: number;
}

/** What one worker has, by spec. */
interface Load {
  readonly running: Map<number, number[]>;
  readonly ahead: Map<number, number[]>;
}

export class Driver {
  readonly #core = new Core<unknown, unknown, unknown>();
  readonly #watch = new Stopwatch();
  readonly #loads: Load[] = [];
  readonly #busy = new Set<number>();
  /** Given back, to be reported in the next turn. */
  #returned: { worker: number; tasks: number[] }[] = [];
  #nextTask = 1;
  #nowMs = 0;
  /** How many tasks run at once. */
  readonly slots: number;
  /** Tasks that have ended. */
  finished = 0;
  /** Every step since the workers joined. The same workload makes the same steps. */
  steps: Step[] = [];

  /** @param classes how many classes; each asks for something else */
  constructor(classes: number, workers: number) {
    this.#step({ type: "sessionOpened", session: SESSION, name: "bench", prioritized: false, priority: 0 });
    for (let spec = 0; spec < classes; spec += 1) {
      this.#step({
        type: "specDefined",
        session: SESSION,
        spec,
        // Cores decide how many fit, memory makes each demand another one.
        request: toRequest({ cores: 1, memory: `${512 + spec}M` }),
        priority: 0,
        retries: NO_RETRIES,
        failInfeasible: false,
      });
    }
    const { pool } = parsePoolSpec("64c,256G");
    this.slots = workers * pool.cores.length;
    for (let worker = 0; worker < workers; worker += 1) {
      this.#loads.push({ running: new Map(), ahead: new Map() });
      this.#step({ type: "workerJoined", worker, name: `w${worker}`, pool });
    }
    this.#step(PLAN);
    this.steps = [];
  }

  /** Submits so many tasks, spread evenly over the classes, in messages of at most so many. */
  submit(count: number, classes: number, message = MESSAGE): void {
    const each = Math.ceil(count / classes);
    let left = count;
    // Message by message over the classes, so that they grow together.
    for (let given = 0; left > 0; given += message) {
      for (let spec = 0; spec < classes && left > 0; spec += 1) {
        const size = Math.min(message, each - given, left);
        if (size <= 0) continue;
        const first = this.#nextTask;
        this.#nextTask += size;
        left -= size;
        this.#step({ type: "submitted", session: SESSION, spec, first, count: size, source: this });
      }
    }
  }

  /** Plans, and lets workers report, until so many tasks more have ended. */
  work(count: number): void {
    const until = this.finished + count;
    this.plan();
    while (this.finished < until && this.#busy.size > 0) {
      let reporting = 0;
      for (const worker of [...this.#busy]) {
        if (reporting === REPORTING || this.finished >= until) break;
        reporting += 1;
        this.#report(worker);
      }
      for (const { worker, tasks } of this.#returned.splice(0))
        this.#step({ type: "returned", worker, session: SESSION, tasks, attempts: [] });
      this.#nowMs += 1;
      this.plan();
    }
  }

  /** Plans until the plan is complete. */
  plan(): void {
    while (this.#step(PLAN));
  }

  #report(worker: number): void {
    const { running, ahead } = this.#loads[worker]!;
    this.#busy.delete(worker);
    for (const [spec, tasks] of running) {
      running.delete(spec);
      this.finished += tasks.length;
      this.#step({
        type: "finished",
        worker,
        session: SESSION,
        tasks,
        attempts: [],
        runUs: tasks.map(() => RUN_US),
        result: undefined,
      });
      const started = ahead.get(spec)?.splice(0, tasks.length) ?? [];
      if (started.length === 0) continue;
      this.#add(worker, running, spec, started);
      this.#step({ type: "started", worker, session: SESSION, tasks: started, attempts: [] });
      // What started just now ends in a later turn.
      break;
    }
    if (running.size > 0) this.#busy.add(worker);
  }

  #add(worker: number, into: Map<number, number[]>, spec: number, tasks: readonly number[]): void {
    const before = into.get(spec);
    if (before === undefined) into.set(spec, [...tasks]);
    else before.push(...tasks);
    if (into === this.#loads[worker]!.running) this.#busy.add(worker);
  }

  /** Whether another plan is asked for. */
  #step(event: Event): boolean {
    this.#watch.lap();
    const effects = this.#core.step(event, this.#nowMs);
    this.steps.push({ event: event.type, tookMs: this.#watch.lap() });
    return this.#carryOut(effects);
  }

  #carryOut(effects: readonly Effect<unknown, unknown, unknown>[]): boolean {
    let again = false;
    for (const effect of effects) {
      if (effect.type === "planAgain") again = true;
      else if (effect.type === "assign") {
        const load = this.#loads[effect.worker]!;
        this.#add(effect.worker, effect.granted ? load.running : load.ahead, effect.spec, effect.tasks);
      } else if (effect.type === "promote") {
        const load = this.#loads[effect.worker]!;
        for (const [spec, tasks] of take(load.ahead, effect.tasks))
          this.#add(effect.worker, load.running, spec, tasks);
      } else if (effect.type === "retract") {
        const tasks = take(this.#loads[effect.worker]!.ahead, effect.tasks).flatMap(([, taken]) => taken);
        if (tasks.length > 0) this.#returned.push({ worker: effect.worker, tasks });
      } else if (!["deliver", "planAt", "remember"].includes(effect.type))
        throw new Error(`the core ordered "${effect.type}"`);
    }
    return again;
  }
}

/** Takes the named tasks out of what a worker holds, by spec. */
function take(from: Map<number, number[]>, tasks: readonly number[]): [number, number[]][] {
  const named = new Set(tasks);
  const taken: [number, number[]][] = [];
  for (const [spec, waiting] of from) {
    const mine = waiting.filter((task) => named.has(task));
    if (mine.length === 0) continue;
    taken.push([spec, mine]);
    if (mine.length === waiting.length) from.delete(spec);
    else
      from.set(
        spec,
        waiting.filter((task) => !named.has(task)),
      );
  }
  return taken;
}
