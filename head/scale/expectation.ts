/** What a new worker is expected to have: what the configuration says, until a worker in such a job has told. */

import type { Pool } from "../../proto/resource/pool.js";
import type { WorkerTemplate } from "../core/template.js";
import type { CrewMember } from "../shell/crew.js";

/** Follows what is said. */
export class Expectation {
  #configured: Omit<WorkerTemplate, "most"> | undefined;
  #learnt: Pool | undefined;
  /** Jobs that were submitted before are others. */
  #sinceMs = 0;

  /** The configuration was read. @returns whether the jobs are others than before */
  configure(template: Omit<WorkerTemplate, "most">, nowMs: number): void {
    const before = this.#configured;
    this.#configured = template;
    if (before === undefined || JSON.stringify(before) === JSON.stringify(template)) return;
    this.#learnt = undefined;
    this.#sinceMs = nowMs;
  }

  /** Looks at workers. @param submittedAtMs when the job of one was submitted; undefined: it is none of the swarm's */
  learn(members: Iterable<CrewMember>, submittedAtMs: (member: CrewMember) => number | undefined): void {
    for (const member of members) {
      const atMs = submittedAtMs(member);
      if (atMs !== undefined && atMs >= this.#sinceMs) this.#learnt = member.pool;
    }
  }

  /** @param most workers at a time; 0: none are started */
  template(most: number): WorkerTemplate | undefined {
    const configured = this.#configured;
    if (configured === undefined || most === 0) return undefined;
    if (this.#learnt === undefined) return { ...configured, most };
    // How much of its time was left when it joined says little.
    const { remainingMs = this.#learnt.remainingMs } = configured.pool;
    return { pool: { ...this.#learnt, remainingMs }, unknown: [], most };
  }
}
