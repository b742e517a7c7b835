/** What a simulated cluster is given to do. */

import type { Request } from "../../proto/resource/demand.js";

/** Who submits. Tasks of one client share one object. */
export interface Client {
  /** Weights are by this name. */
  readonly name: string;
  /** Default: false. */
  readonly prioritized?: boolean;
  /** Added to that of its tasks. Default: 0. */
  readonly priority?: number;
}

/** A function with what its calls ask for. Tasks of one kind share one object. */
export interface TaskKind {
  readonly request: Request;
  /** Default: 0. */
  readonly priority?: number;
}

/** One call. */
export interface WorkloadTask {
  /** When it is submitted, in virtual milliseconds. */
  readonly submitMs: number;
  readonly client: Client;
  readonly kind: TaskKind;
  /** How long it runs. */
  readonly runMs: number;
}
