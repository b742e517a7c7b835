/**
 * Keeps back for a moment that a process was ended by a signal. In a batch job such a signal may be meant for
 * the whole job, and reach a task's processes before this one: then the task has not failed, it is to run
 * again elsewhere. What an executor says afterwards stays behind it.
 */

import type { AgentEvent } from "./core/event.js";

/** What comes of an executor. */
export type ExecutorEvent = Extract<AgentEvent, { type: "reported" | "executorDied" }>;

/** Signals to all processes of a job arrive within far less. */
const HOLD_MS = 250;
/** By one of those that batch systems send, or as shells and well-behaved programs tell of it. */
const SIGNALLED = /\b(SIGTERM|SIGINT|SIGHUP|SIGUSR1|SIGUSR2|SIGXCPU|exit code 143)\b/;

/** Events of executors, some of them later. */
export class Hold {
  readonly #pass: (event: AgentEvent) => void;
  readonly #held = new Map<number, { readonly events: ExecutorEvent[]; readonly timer: NodeJS.Timeout }>();

  readonly #isEnding: (executor: number) => boolean;

  /** @param isEnding whether the agent itself has told an executor to end */
  constructor(pass: (event: AgentEvent) => void, isEnding: (executor: number) => boolean) {
    this.#pass = pass;
    this.#isEnding = isEnding;
  }

  /** Passes an event on, now or later. */
  take(event: AgentEvent): void {
    if (event.type !== "reported" && event.type !== "executorDied") return this.#pass(event);
    const { executor } = event;
    const held = this.#held.get(executor);
    if (held !== undefined) held.events.push(event);
    else if (!isSuspicious(event) || this.#isEnding(executor)) this.#pass(event);
    else {
      const timer = setTimeout(() => this.#release(executor), HOLD_MS);
      this.#held.set(executor, { events: [event], timer });
    }
  }

  /** Forgets what it holds. */
  close(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }

  #release(executor: number): void {
    const events = this.#held.get(executor)?.events ?? [];
    this.#held.delete(executor);
    for (const event of events) this.#pass(event);
  }
}

function isSuspicious(event: ExecutorEvent): boolean {
  if (event.type === "executorDied") return SIGNALLED.test(event.signal);
  return event.reports.some(
    (report) =>
      report.type === "failed" && report.errorName === "ProgramError" && SIGNALLED.test(report.message),
  );
}
