/** A client's session: its tasks, its classes and what it holds. */

import type { NumberedTable } from "../../proto/numbered-table.js";
import type { BatchTable } from "./batch-table.js";
import type { Line } from "./line.js";
import type { Task } from "./task.js";
import type { TaskClass } from "./task-class.js";

/** One client's session. */
export interface Session {
  readonly number: number;
  readonly name: string;
  readonly prioritized: boolean;
  readonly priority: number;
  /** How much it gets of what is contended for, in proportion to others. */
  readonly weight: number;
  /** By spec number; negative: those of its tasks that run alone, see isolate.ts. */
  readonly classes: Map<number, TaskClass>;
  /** Those with the same level and request share a line; by the key of both. */
  readonly lines: Map<string, Line>;
  /** Queued tasks that nobody has looked at yet. */
  readonly batches: BatchTable;
  /** The others that have not ended, by number. */
  readonly tasks: NumberedTable<Task>;
  /** Amounts, by kind, that its granted and sent-ahead tasks ask for. */
  readonly held: number[];
  /** Grows with its turns in sending ahead, see `State.aheadTurns`. */
  aheadTurn: number;
  /** The client is gone: nothing more is delivered. */
  closed: boolean;
  queued: number;
  /** Failed, and to be queued again later. */
  delayed: number;
  /** Sent to a worker, started or not. */
  placed: number;
  finished: number;
  failed: number;
}

/** The largest part of any kind of resource that the session holds; 0 to 1. */
export function dominantShare(session: Session, clusterTotal: readonly number[]): number {
  let share = 0;
  for (let kind = 0; kind < session.held.length; kind += 1) {
    const total = clusterTotal[kind] ?? 0;
    if (total > 0) share = Math.max(share, session.held[kind]! / total);
  }
  return share;
}
