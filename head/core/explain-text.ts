/** An explanation in words: one to three lines of at most 100 columns, naming what can be done. */

import { formatDuration } from "../../proto/duration.js";
import { formatMemoryShort, SCALE } from "../../proto/resource/amount.js";
import type { Explanation, QueuedTask } from "./explain.js";
import type { Alternative, Obstacle, OnWorker, Reserved } from "./obstacle.js";
import { isOpen } from "./why-waiting.js";

/** The name of a spec's function; empty: not known. */
export type NameOf = (session: number, spec: number) => string;

const WIDTH = 100;
/** Names longer than this are cut: the rest of the line matters more. */
const NAME_WIDTH = 24;
const NEW_WORKER = "A worker that is started on demand could run it: see `grain scale --explain`.";

/**
 * Writes an explanation for a person.
 *
 * @param nameOf names functions. Default: they are not named
 * @returns one to three lines, without a line feed at the end
 * @example
 * explanationText(explainTask(state, 1, 6))
 * // Task 1.6 is queued: it asks for 8 cores.
 * // Short of cores: 6 of 16 free on w3, 0 of 16 on w1.
 * // Before it: 12 tasks in its own queue.
 */
export function explanationText(explanation: Explanation, nameOf: NameOf = () => ""): string {
  return linesOf(explanation, nameOf)
    .map((line) => cut(line, WIDTH))
    .join("\n");
}

function linesOf(explanation: Explanation, nameOf: NameOf): string[] {
  const { type, session, task } = explanation;
  if (type === "unknown") {
    return [
      `Task ${session}.${task} is not known: it has ended, or was never submitted.`,
      "Tasks are named SESSION.TASK, as in errors; `grain ls` lists the sessions.",
    ];
  }
  const name = nameOf(session, explanation.spec);
  const attempt = explanation.attempt > 1 ? `, attempt ${explanation.attempt}` : "";
  const who = `Task ${session}.${task}${name === "" ? "" : ` (${short(name)})`}${attempt}`;
  if (type === "queued") return [asking(who, explanation), ...reasons(explanation, nameOf)];
  const lines = placed(who, explanation);
  if ("cutOff" in explanation && explanation.cutOff === true)
    lines.push("The connection to that worker was lost: it keeps the task, and may come back.");
  return lines;
}

function placed(who: string, explanation: Exclude<Explanation, { type: "unknown" | "queued" }>): string[] {
  const { type } = explanation;
  switch (type) {
    case "ahead":
      return [
        explanation.askedBack
          ? `${who} was sent ahead to ${short(explanation.worker)} and has been asked back from there.`
          : `${who} was sent ahead to ${short(explanation.worker)}: it starts there when a task ends.`,
      ];
    case "running":
      return [`${who} has run on ${list(explanation.workers)} for ${durationText(explanation.runningMs)}.`];
    case "delayed":
      return [`${who}: the one before failed; this one is queued in ${durationText(explanation.inMs)}.`];
    case "stopping": {
      const { workers, started, again } = explanation;
      const what = again ? "is being ended, to run again elsewhere" : "is being ended";
      const where = started ? "which ran it" : "where it had not started";
      return [`${who} ${what}: ${list(workers)}, ${where}, has not confirmed that yet.`];
    }
    default:
      return type satisfies never;
  }
}

function asking(who: string, { alternatives }: QueuedTask): string {
  return pack(
    `${who} is queued; it asks for `,
    alternatives.map(({ demand }) => demand),
    " or ",
  );
}

function reasons(queued: QueuedTask, nameOf: NameOf): string[] {
  const { workers, onDemand, alternatives } = queued;
  if (workers === 0 && !onDemand)
    return ["No workers are connected to the head: start some with grain-worker."];
  const never = alternatives.flatMap((alternative) => alternative.never ?? []);
  if (never.length === alternatives.length) return [neverLine(alternatives), advice(alternatives)];
  if (workers === 0) return ["No workers are connected to the head yet.", NEW_WORKER];
  const isForNew = onDemand && alternatives.every(({ able, never }) => able === 0 || never !== undefined);
  return [obstacleLine(queued, nameOf), isForNew ? NEW_WORKER : orderLine(queued)];
}

function neverLine(alternatives: readonly Alternative[]): string {
  const start = "No worker here could run it";
  const [first, ...others] = alternatives;
  if (others.length === 0) {
    const { reasons, closest } = first!.never!;
    return pack(closest === undefined ? `${start}: ` : `${start}; closest is ${short(closest)}: `, reasons);
  }
  return pack(
    `${start}: `,
    alternatives.map(({ never }) => never!.reasons.join(", ")),
  );
}

function advice(alternatives: readonly Alternative[]): string {
  const tooFew = alternatives.some(({ never }) => never!.closest === undefined);
  return `Ask for less, or start ${tooFew ? "more workers" : "workers that have it"} (\`grain ls\` shows what there is).`;
}

/** What keeps it from the workers, as much as a line holds. */
function obstacleLine({ alternatives, reserved }: QueuedTask, nameOf: NameOf): string {
  const open = alternatives.find(isOpen);
  if (open !== undefined) {
    const where = list(open.room, open.moreRoom);
    return `There is room on ${where}.`;
  }
  const clauses =
    alternatives.length === 1
      ? alternatives[0]!.obstacles.map((obstacle) => clause(obstacle, nameOf))
      : alternatives.map(
          ({ demand, never, obstacles }) =>
            `${demand} (${never === undefined ? clause(closestOf(obstacles[0]!), nameOf) : "never"})`,
        );
  if (reserved !== undefined)
    clauses.unshift(`kept free for it${expected(reserved)}: ${list(reserved.workers)}`);
  const [first, ...others] = clauses;
  return pack("", [first!.charAt(0).toUpperCase() + first!.slice(1), ...others]);
}

/** Of its workers the closest only. */
function closestOf(obstacle: Obstacle): Obstacle {
  return "workers" in obstacle ? { ...obstacle, workers: obstacle.workers.slice(0, 1), others: 0 } : obstacle;
}

/** What goes before it. */
function orderLine({ urgent, before, sessions, alternatives }: QueuedTask): string {
  const clauses: string[] = [];
  const more = urgent.reduce((sum, { tasks }) => sum + tasks, 0);
  if (more > 0) clauses.push(`${more} of higher priority (${urgencyText(urgent)})`);
  if (before > 0) clauses.push(`${before} of its own queue`);
  for (const { session, tasks } of sessions) clauses.push(`${tasks} of session ${session}, which holds less`);
  if (clauses.length > 0) return pack("Tasks before it: ", clauses);
  return `Nothing goes before it: ${outlook(alternatives)}.`;
}

/** What has to happen, and what can be done about it. */
function outlook([first, ...others]: QueuedTask["alternatives"]): string {
  if (isOpen(first!) || others.some(isOpen)) return "it is about to start";
  const types = new Set(first!.obstacles.map(({ type }) => type));
  if (others.length === 0 && types.has("limit"))
    return "it starts when one of them ends; raise the limit to run more at once";
  if (others.length === 0 && types.has("leaving") && !types.has("short") && !types.has("busy"))
    return "it starts when another worker joins; start one with grain-worker";
  if (others.length === 0 && types.has("pressed") && !types.has("short") && !types.has("busy"))
    return "it starts when there is memory again, or the worker runs nothing";
  return "it starts as soon as there is room";
}

function urgencyText([most]: QueuedTask["urgent"]): string {
  return `up to ${most!.priority}${most!.prioritized ? ", prioritized" : ""}`;
}

function clause(obstacle: Obstacle, nameOf: NameOf): string {
  switch (obstacle.type) {
    case "short":
      return `short of ${obstacle.kind}: ${listed(obstacle, (on) => shareText(obstacle.kind, on))}`;
    case "token":
      return `no token ${short(obstacle.token)} on ${listed(obstacle, nameText)}`;
    case "walltime":
      return `${durationText(obstacle.workers[0]?.needed ?? 0)} of walltime needed: ${listed(
        obstacle,
        (on) => `${durationText(on.free)} left on ${short(on.worker)}`,
      )}`;
    case "leaving":
      return `leaving: ${listed(obstacle, nameText)}`;
    case "suspect":
      return `cut off, may come back: ${listed(obstacle, nameText)}`;
    case "pressed":
      return `under memory pressure: ${listed(obstacle, nameText)}`;
    case "busy":
      return `in use: ${listed(obstacle, nameText)}`;
    case "reserved": {
      const { reserved } = obstacle;
      const name = nameOf(reserved.session, reserved.spec);
      const whom = `${name === "" ? "a task" : short(name)} of session ${reserved.session}`;
      return `kept free for ${whom}${expected(reserved)}: ${listed(obstacle, nameText)}`;
    }
    case "limit":
      return `limit ${short(obstacle.name)} reached: ${obstacle.inUse} of ${obstacle.count} in use`;
    case "nodes":
      return `${counted(obstacle.needed, "whole worker")} needed: ${obstacle.idle} idle of ${obstacle.able} that would do`;
    default:
      return obstacle satisfies never;
  }
}

/** Enough for a few workers; the others are counted. */
function listed(
  { workers, others }: { readonly workers: readonly OnWorker[]; readonly others: number },
  text: (on: OnWorker) => string,
): string {
  const named = workers.map(text);
  if (others > 0) named.push(`${others} more`);
  return named.join(", ");
}

function nameText({ worker }: OnWorker): string {
  return short(worker);
}

function shareText(kind: string, { worker, needed, free, total }: OnWorker): string {
  const unit = (amount: number) => (kind === "memory" ? formatMemoryShort(amount) : `${amount / SCALE}`);
  if (total === 0) return `none on ${short(worker)}`;
  if (needed > total) return `only ${unit(total)} on ${short(worker)}`;
  const shares = kind === "memory" ? formatMemoryShort(free, total) : `${free / SCALE}/${total / SCALE}`;
  return `${shares.replace("/", " of ")} free on ${short(worker)}`;
}

function expected({ expectedMs }: Reserved): string {
  return expectedMs === undefined ? "" : ` (room expected in ${durationText(expectedMs)})`;
}

/** Seconds are enough. */
function durationText(ms: number): string {
  return formatDuration(Math.round(ms / 1_000) * 1_000);
}

/** As many clauses as a line holds, the first in any case. */
function pack(start: string, clauses: readonly string[], separator = "; "): string {
  let line = start + (clauses[0] ?? "");
  for (const [index, clause] of clauses.entries()) {
    if (index === 0) continue;
    const stop = index === clauses.length - 1 ? "." : `${separator}…`;
    if (line.length + separator.length + clause.length + stop.length > WIDTH) return `${line}${separator}…`;
    line += separator + clause;
  }
  return `${line}.`;
}

function list(names: readonly string[], others = 0): string {
  const shown = names.slice(0, 3).map(short);
  const more = others + names.length - shown.length;
  if (more > 0) shown.push(`${more} more`);
  return shown.length <= 1 ? (shown[0] ?? "") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

function short(name: string): string {
  return cut(name, NAME_WIDTH);
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
