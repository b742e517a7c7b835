/** A head's assignment as the agent's core takes it. */

import type { Assign } from "../../proto/grain.js";
import type { TaskNode } from "../../proto/task.js";
import type { Assigned } from "./core/event.js";
import type { Value } from "./core/task.js";

const NOTHING = new Uint8Array(0);
const NO_GANGS: ReadonlyMap<number, readonly TaskNode[]> = new Map();

/** @param assign one without complaints (see check.ts) */
export function assignedOf(assign: Assign): Assigned {
  const { session, spec, alternative, granted, tasks, attempts, hardMs } = assign;
  const gangs =
    assign.gangs.length === 0 ? NO_GANGS : new Map(assign.gangs.map(({ index, nodes }) => [index, nodes]));
  const values = valuesOf(assign);
  return { type: "assigned", session, spec, alternative, granted, tasks, attempts, values, hardMs, gangs };
}

function valuesOf({ tasks, sizes, args, blobs }: Assign): Value[] {
  const values: Value[] = [];
  let offset = 0;
  for (let i = 0; i < tasks.length; i++) {
    const size = sizes[i] ?? 0;
    values.push(size === 0 ? NOTHING : args.subarray(offset, offset + size));
    offset += size;
  }
  for (const { index, ref } of blobs) if (ref !== undefined) values[index] = ref;
  return values;
}
