/** The workers of a head as its swarm sees them, and the little that it may do with them. */

import type { Pool } from "../../proto/resource/pool.js";
import type { DryRun, DryRunOptions } from "../core/dry-run.js";
import type { WorkerTemplate } from "../core/template.js";
import type { CoreView } from "../core/view.js";
import type { Loop } from "./loop.js";
import type { Registry } from "./registry.js";
import type { Workers } from "./workers.js";

/** One of them. */
export interface CrewMember {
  readonly worker: number;
  readonly name: string;
  /** Its batch job, as "system:id". */
  readonly job: string | undefined;
  readonly pool: Pool;
  readonly isIdle: boolean;
  readonly finished: number;
  readonly isLeaving: boolean;
  readonly remainingMs: number | undefined;
}

/** What a crew is of. */
interface Ship {
  readonly view: CoreView;
  readonly registry: Registry;
  readonly loop: Loop;
  readonly workers: Workers;
  nowMs(): number;
}

/** All of them. */
export class Crew {
  readonly #ship: Ship;
  /** Told when workers have come or gone. */
  onChange: () => void = () => {};

  constructor(ship: Ship) {
    this.#ship = ship;
  }

  /** Those that are connected, or were cut off and may come back. */
  *members(): Generator<CrewMember> {
    const { view, registry } = this.#ship;
    const known = new Map([...view.workers(this.#ship.nowMs())].map((seen) => [seen.worker, seen]));
    for (const { member } of registry.workers.values()) {
      const { worker, name, job, pool, leaving: isLeaving } = member;
      // One that was let in is there, also before the scheduler knows of it.
      const {
        running = 1,
        waiting = 0,
        finished = 0,
        remainingMs = pool.remainingMs,
      } = known.get(worker) ?? {};
      yield { worker, name, job, pool, isIdle: running + waiting === 0, finished, isLeaving, remainingMs };
    }
  }

  /** Their batch jobs. */
  *jobs(): Generator<string> {
    for (const { member } of this.#ship.registry.workers.values())
      if (member.job !== undefined) yield member.job;
  }

  /** What a worker has that is started on demand; undefined: none is. */
  expect(template: WorkerTemplate | undefined): void {
    this.#ship.loop.step({ type: "templateChanged", template });
  }

  /** How many of those the ready tasks would fill. */
  dryRun(options: DryRunOptions): DryRun | undefined {
    return this.#ship.view.dryRun(options, this.#ship.nowMs());
  }

  /** Asks workers to leave when what runs there has ended. */
  letGo(names: readonly string[], reason: string): void {
    this.#ship.workers.quit({ workers: [...names], kill: false, reason });
  }
}
