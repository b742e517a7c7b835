/** How the swarm stands, as the Admin service tells it. */

import type { ScaleStatus } from "../../proto/grain.js";
import { formatPool } from "../../proto/resource/pool.js";
import { lastLine } from "../../provider/last-line.js";
import type { DryRun } from "../core/dry-run.js";
import type { WorkerTemplate } from "../core/template.js";
import { goalText, leastOf, mostOf } from "./goal.js";
import type { Entry } from "./history.js";
import type { Observations } from "./observation.js";
import { restored, untilOne } from "./quota.js";
import { standingOf } from "./standing.js";
import type { ScaleState } from "./state.js";

/** All that there is to tell. */
export interface Told {
  readonly state: ScaleState;
  readonly seen: Observations;
  readonly dryRun: DryRun | undefined;
  readonly template: WorkerTemplate | undefined;
  /** Such as "Slurm"; empty: not known. */
  readonly system: string;
  readonly warnings: readonly string[];
  readonly configFile: string | undefined;
  readonly entries: readonly Entry[];
  readonly nowMs: number;
}

/** Tells it. */
export function statusOf({
  state,
  seen,
  dryRun,
  template,
  system,
  warnings,
  configFile,
  entries,
  nowMs,
}: Told): ScaleStatus {
  const { goal } = state;
  const { waiting, starting, leaving, ending, otherJobs } = standingOf(state, seen);
  const isByDemand = goal.type === "demand";
  return {
    mode: goal.type,
    min: leastOf(goal),
    max: mostOf(goal),
    idleMs: isByDemand ? goal.idleMs : 0,
    system,
    workers: seen.workers.length,
    idle: seen.workers.filter(({ isIdle, isLeaving }) => isIdle && !isLeaving).length,
    leaving,
    ending: ending.length,
    queued: waiting.length,
    starting,
    others: otherJobs,
    wanted: isByDemand ? (dryRun?.workers ?? 0) : 0,
    ready: isByDemand ? (dryRun?.tasks ?? 0) : 0,
    worker: template === undefined ? "" : templateText(template),
    probing: isByDemand && dryRun?.probing === true,
    unfit: (dryRun?.unfit ?? []).map((each) => ({ ...each })),
    pause: pauseOf(state, nowMs),
    ...limitsOf(state, nowMs),
    problem: seen.problem ?? "",
    warnings: [...warnings],
    configFile: configFile ?? "",
    refused: "",
    decisions: entries.map(({ atMs, text }) => ({ agoMs: nowMs - atMs, text })),
  };
}

function limitsOf(
  { goal, quota, rules, notBeforeMs }: ScaleState,
  nowMs: number,
): Pick<ScaleStatus, "quota" | "retryMs"> {
  const size = mostOf(goal);
  if (size === 0) return { quota: 0, retryMs: 0 };
  const now = restored(quota, size, rules.lifetimeMs, nowMs);
  return {
    quota: Math.max(0, Math.floor(now.left)),
    retryMs: Math.max(0, notBeforeMs - nowMs, untilOne(now, size, rules.lifetimeMs)),
  };
}

function pauseOf({ pause }: ScaleState, nowMs: number): ScaleStatus["pause"] {
  if (pause === undefined) return undefined;
  const { why, logFile, sinceMs } = pause;
  const last = logFile === undefined ? undefined : lastLine(logFile);
  return { why, logFile: logFile ?? "", lastLine: last ?? "", agoMs: nowMs - sinceMs };
}

/** In a phrase, for lists of other things; undefined: no number is kept. */
export function swarmText({ goal, pause }: ScaleState, system: string): string | undefined {
  if (goal.type === "off") return undefined;
  const text = `keeps ${goalText(goal)}${system === "" ? "" : ` on ${system}`}`;
  return pause === undefined ? text : `${text}; paused: ${pause.why}`;
}

/** What a new worker has, for people. */
function templateText({ pool, unknown }: WorkerTemplate): string {
  if (unknown.includes("cores") && unknown.includes("memory")) return "";
  return formatPool(pool);
}
