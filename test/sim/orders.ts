/** What the head may order of the workers of a cluster in virtual time. */

import type { TestEffect } from "../kit/core.js";
import type { Cluster } from "./cluster.js";

type Assign = Extract<TestEffect, { type: "assign" }>;

/** Whoever gets a task has its soft walltime left. */
export function checkWalltime(cluster: Cluster, effect: Assign): void {
  const { walltime } = cluster.demandOf(effect.session, effect.spec, effect.alternative);
  if (walltime === undefined || walltime.group !== "") return;
  for (const number of [effect.worker, ...(effect.gangs?.flat() ?? [])]) {
    const leftMs = cluster.members.get(number)!.endsAtMs - cluster.nowMs;
    if (leftMs < walltime.softMs)
      throw new Error(`worker ${number} was given a task of ${walltime.softMs} ms with ${leftMs} ms left`);
  }
}

/**
 * Who is short of memory is given one task when it has none, and nothing else. Orders are
 * repeated to a worker that has come back, whatever it has become meanwhile: this is about a plan's.
 */
export function checkPressure(cluster: Cluster, effects: readonly TestEffect[]): void {
  for (const effect of effects) {
    if (effect.type !== "assign" && effect.type !== "promote") continue;
    const worker = cluster.driver.core.view.internals.workers.get(effect.worker);
    if (worker?.pressed !== true) continue;
    if (effect.type !== "assign" || !effect.granted || worker.granted.size !== 1)
      throw new Error(`worker ${effect.worker}, which is short of memory, was given more than one task`);
  }
}
