/**
 * The only holder of the scheduler's state.
 *
 * An event is stepped when it arrives and its effects are carried out at once;
 * then one plan places what can be placed, and what was sent goes out: after the
 * first batch of a turn of Node's event loop, or, where more arrive together, after
 * all that has arrived in it. A plan that stopped after a slice of work goes on in the
 * next turn, after what has arrived meanwhile.
 *
 * Not its job: what events and effects mean.
 */

import type { Failure, Finished } from "../../proto/grain.js";
import { Turn } from "../../proto/turn.js";
import type { Core } from "../core/core.js";
import type { Effect, PlanAgain, PlanAt } from "../core/effect.js";
import type { HeadEvent } from "../core/event.js";
import type { Source } from "./source.js";

/** The core as the shell uses it. */
export type Scheduler = Core<Source, Finished, Failure>;
export type ShellEvent = HeadEvent<Source, Finished, Failure>;
/** What is carried out; when to plan is this loop's own. */
export type ShellEffect = Exclude<Effect<Source, Finished, Failure>, PlanAgain | PlanAt>;

/** Something that has messages to send at the end of the turn. */
export interface Flushable {
  flush(): void;
}

/** A longer one would fire at once. */
const MOST_TIMER_MS = 0x7fff_ffff;

const PLAN: ShellEvent = { type: "planDue" };

/** Steps the core. */
export class Loop {
  readonly #core: Pick<Scheduler, "step">;
  readonly #carryOut: (effect: ShellEffect) => void;
  readonly #nowMs: () => number;
  readonly #turn = new Turn(() => this.#endTurn());
  #touched: Flushable[] = [];
  #planDue = false;
  #planHeld = false;
  #planning = false;
  #running = false;
  /** Events that effects led to: stepped when all effects before them have been carried out. */
  readonly #following: ShellEvent[] = [];

  /**
   * @param core stepped by nobody else
   * @param carryOut told each effect, in order
   * @param nowMs a clock that never goes back
   */
  constructor(core: Pick<Scheduler, "step">, carryOut: (effect: ShellEffect) => void, nowMs: () => number) {
    this.#core = core;
    this.#carryOut = carryOut;
    this.#nowMs = nowMs;
  }

  /** Steps an event now; a plan follows at the end of the turn. */
  step(event: ShellEvent): void {
    this.#planDue = true;
    this.#turn.schedule();
    this.#run(event);
  }

  /** Nothing is planned until `releasePlan`. */
  holdPlan(): void {
    this.#planHeld = true;
  }

  releasePlan(): void {
    this.#planHeld = false;
    this.#planLater();
  }

  /** Flushes this at the end of the turn, after the plan. */
  touch(flushable: Flushable): void {
    this.#touched.push(flushable);
    // What a plan sends is flushed right after it: it must not pass for more that has come up in this turn.
    if (!this.#planning) this.#turn.schedule();
  }

  #planLater(): void {
    this.#planDue = true;
    this.#turn.scheduleNext();
  }

  #planAt(atMs: number): void {
    // Node's timers may fire a millisecond early, and then the core would not see that it is time.
    const waitMs = Math.ceil(atMs - this.#nowMs()) + 1;
    const isTooLong = waitMs > MOST_TIMER_MS;
    const timer = setTimeout(
      () => (isTooLong ? this.#planAt(atMs) : this.#planLater()),
      isTooLong ? MOST_TIMER_MS : waitMs,
    );
    timer.unref();
  }

  #endTurn(): void {
    if (this.#planDue && !this.#planHeld) {
      this.#planDue = false;
      this.#planning = true;
      try {
        this.#run(PLAN);
      } finally {
        this.#planning = false;
      }
    }
    const touched = this.#touched;
    this.#touched = [];
    for (const flushable of touched) flushable.flush();
  }

  #run(event: ShellEvent): void {
    if (this.#running) {
      this.#following.push(event);
      return;
    }
    this.#running = true;
    try {
      for (let next: ShellEvent | undefined = event; next !== undefined; next = this.#following.shift()) {
        for (const effect of this.#core.step(next, this.#nowMs())) {
          if (effect.type === "planAgain") this.#planLater();
          else if (effect.type === "planAt") this.#planAt(effect.atMs);
          else this.#carryOut(effect);
        }
      }
    } finally {
      this.#running = false;
    }
  }
}
