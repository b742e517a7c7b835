/** Who takes part in a cluster in virtual time, and how. */

import type { SchedulingOptions } from "../../head/core/options.js";
import type { Pool } from "../../proto/resource/pool.js";
import type { Direction } from "./link.js";
import type { ModelWorker, WorkerTask } from "./model-worker.js";

/** How a task ended at its client. */
export type End = "delivered" | "rejected" | "cancelled" | "workersLost" | "infeasible";

/** How the world is. */
export interface WorldOptions {
  readonly scheduling?: Partial<SchedulingOptions>;
  /** Longest delay of a message on a worker's link; 0: none, and plans follow at once. Default: 2. */
  readonly linkMs?: number;
  /** After every how many events the invariants are checked. Default: 1. */
  readonly checkEvery?: number;
  /** How long a worker may be away. Default: 500. */
  readonly resumeMs?: number;
  /** How long a client may be away. Default: 2000. */
  readonly leaseMs?: number;
}

/** One worker and its link. */
export interface Member {
  readonly worker: ModelWorker;
  readonly pool: Pool;
  readonly linkMs: number;
  readonly endsAtMs: number;
  /** What it reports. */
  readonly up: Direction;
  /** What it is told: not sent again when the link is cut. */
  readonly down: Direction;
  /** It can be told something: it is connected, and has said what it has if it came back. */
  talks: boolean;
  /** When it is lost if it is not back; undefined: it is not away. */
  awayUntilMs: number | undefined;
  /** How many times as long as usual what begins there takes. */
  slowness: number;
  /** How many of its reports of ends are told again later, 0 to 1. */
  repeats: number;
}

/** An execution that began. */
export interface Begin {
  readonly atMs: number;
  readonly task: WorkerTask;
}
