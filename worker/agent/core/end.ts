/** How tasks end: with a result, a failure, a verdict, given back, or under a process that dies. */

import { formatDuration } from "../../../proto/duration.js";
import { FailureKind } from "../../../proto/grain.js";
import { formatMemory, formatMemoryShort } from "../../../proto/resource/amount.js";
import { amountOf } from "../../../proto/resource/demand.js";
import type { Allocation } from "../../../proto/resource/ledger.js";
import type { ExecutorDied, Report } from "./event.js";
import type { Executor } from "./executor.js";
import { announce, dispatch, grant, handOver, noteRun, rest, startGranted } from "./start.js";
import { type AgentState, clearTimer, setTimer } from "./state.js";
import type { Task, Value, Verdict, Wish } from "./task.js";

/** How long the others in a shared executor may take to end before it is killed under them. */
const PATIENCE_MS = 5_000;
/** What is advised to ask for, in parts of what was used. */
const MEMORY_MARGIN = 1.25;

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

const NOTHING = new Uint8Array(0);

/** What is told of a task that failed; the rest is empty. */
export interface FailureDetails {
  readonly kind: FailureKind;
  /** The bare reason, as a clause: the client says whose it is. Empty: the kind says it all. */
  readonly message: string;
  readonly error?: Uint8Array;
  readonly errorName?: string | undefined;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly runUs?: number;
}

/** A task has a result. */
export function finish(state: AgentState, task: Task, value: Value, runUs: number): void {
  // What has ended well by itself is worth more than the wish to end it, when it would only run again.
  if (task.phase.type === "ending" && task.phase.verdict !== "evicted") {
    conclude(state, task, runUs);
    return;
  }
  noteRun(task.plan.spec, runUs);
  state.effects.push({ type: "finished", task, value, runUs });
  leavePhase(state, task);
}

/** A task has failed. */
export function fail(state: AgentState, task: Task, details: FailureDetails): void {
  if (task.phase.type === "ending") {
    conclude(state, task, details.runUs ?? 0);
    return;
  }
  reportFailure(state, task, details);
  leavePhase(state, task);
}

/** A task is given back without having been started. */
export function giveBack(state: AgentState, task: Task): void {
  state.effects.push({ type: "returned", task });
  leavePhase(state, task);
}

/** Wants a task ended: at once if it has not started, else through its signal, then by force. */
export function stop(state: AgentState, task: Task, verdict: Verdict): void {
  const { phase } = task;
  switch (phase.type) {
    case "waiting":
    case "granted":
    case "preparing":
      settle(state, task, verdict, "", 0);
      return;
    case "ahead":
      phase.wish = "cancel";
      state.effects.push({ type: "drop", executor: phase.executor.id, refs: [task.ref] });
      return;
    case "running": {
      const { executor, allocation } = phase;
      clearTimer(state, task.timer);
      const reason = verdict === "timedOut" ? overrun(task) : "";
      task.phase = { type: "ending", executor, allocation, verdict, reason };
      task.timer = setTimer(state, { type: "grace", task }, state.reactionMs);
      state.effects.push({ type: "abort", executor: executor.id, ref: task.ref, verdict });
      return;
    }
    case "ending":
    case "uploading":
    case "ended":
      return;
    default:
      phase satisfies never;
  }
}

/** Ends a task that uses more memory than it asked for: at once, since each moment takes more of what is others'. */
export function overflow(state: AgentState, task: Task, usedBytes: number): void {
  const { phase } = task;
  if (phase.type !== "running" || phase.executor.use.type !== "exclusive") return;
  const { executor, allocation } = phase;
  clearTimer(state, task.timer);
  const reason = overuse(amountOf(task.plan.class.demand, "memory"), usedBytes);
  task.phase = { type: "ending", executor, allocation, verdict: "outOfMemory", reason };
  clearTimer(state, executor.timer);
  executor.standing = { type: "closing" };
  state.effects.push({ type: "kill", executor: executor.id, signal: "SIGKILL" });
}

/** A task has not reacted to its signal. */
export function endByForce(state: AgentState, task: Task): void {
  if (task.phase.type !== "ending") return;
  const { executor } = task.phase;
  if (executor.standing.type !== "open") return;
  executor.standing = { type: "condemned" };
  if (killIfOnlyEnding(state, executor)) return;
  executor.timer = setTimer(state, { type: "patience", executor }, PATIENCE_MS);
}

/** Sends SIGTERM to an executor's group, and SIGKILL later. */
export function kill(state: AgentState, executor: Executor): void {
  if (executor.standing.type === "closing") return;
  clearTimer(state, executor.timer);
  executor.standing = { type: "closing" };
  state.effects.push({ type: "kill", executor: executor.id, signal: "SIGTERM" });
  executor.timer = setTimer(state, { type: "force", executor }, state.graceMs);
}

/** A task in an executor was let go without having been started. */
export function dropped(state: AgentState, task: Task): void {
  if (task.phase.type !== "ahead") return;
  const { executor, wish } = task.phase;
  executor.ahead.splice(executor.ahead.indexOf(task), 1);
  resettle(state, task, wish);
}

/** A large result is being uploaded: its executor is free for others. */
export function uploading(state: AgentState, task: Task): void {
  if (task.phase.type !== "running") return;
  const { executor, allocation } = task.phase;
  clearTimer(state, task.timer);
  // It may have come to run just now; the head must know who owns what it keeps.
  announce(state, task);
  task.phase = { type: "uploading", allocation };
  executor.running.delete(task);
  // What is behind it would need its allocation, which it still owns: the executor has let go of it.
  for (const held of executor.ahead.splice(0).reverse()) {
    if (held.phase.type === "ahead") resettle(state, held, held.phase.wish);
  }
  if (executor.standing.type === "condemned") killIfOnlyEnding(state, executor);
  else if (executor.running.size === 0) rest(state, executor);
}

/** An executor process has ended; what it had is blamed, run again, or put back. */
export function executorDied(state: AgentState, executor: Executor, event: ExecutorDied): void {
  state.executors.delete(executor.id);
  const at = state.idle.indexOf(executor);
  if (at >= 0) state.idle.splice(at, 1);
  if (executor.use.type === "exclusive") state.exclusive -= 1;
  clearTimer(state, executor.timer);
  const wasClosing = executor.standing.type === "closing";
  executor.standing = { type: "closing" };
  const running = [...executor.running];
  const ahead = executor.ahead.splice(0);
  executor.running.clear();
  const culprit = running.find((task) => task.ref === event.culprit);
  const doomed = running.some((task) => task.phase.type === "ending");
  const clear = wasClosing || doomed || culprit !== undefined;
  const only = !clear && running.length + ahead.length === 1 ? running[0] : undefined;
  for (const task of ahead.reverse()) {
    if (!clear) task.alone = true;
    if (task.phase.type === "ahead") resettle(state, task, task.phase.wish);
  }
  for (const task of running) {
    if (task.phase.type === "ending") conclude(state, task, 0, event);
    else if (task === culprit || task === only) fail(state, task, deathOf(event));
    else runAgain(state, task, !clear);
  }
}

/** Turns what an executor reported of a failure into its details. */
export function failureOf(report: Extract<Report, { type: "failed" }>): FailureDetails {
  const { kind, message, error, errorName, runUs } = report;
  return { kind, message, error, errorName, runUs };
}

/** The verdict on a task has been carried out, by its own end or that of its process. */
function conclude(state: AgentState, task: Task, runUs: number, death?: ExecutorDied): void {
  if (task.phase.type !== "ending") return;
  const { verdict, reason } = task.phase;
  settle(state, task, verdict, reason, runUs, death);
}

function settle(
  state: AgentState,
  task: Task,
  verdict: Verdict,
  message: string,
  runUs: number,
  death?: ExecutorDied,
): void {
  if (verdict === "evicted") {
    giveBack(state, task);
    return;
  }
  const { exitCode = 0, signal = "" } = death ?? {};
  reportFailure(state, task, { kind: KINDS[verdict], message, exitCode, signal, runUs });
  leavePhase(state, task);
}

const KINDS: Readonly<Record<Exclude<Verdict, "evicted">, FailureKind>> = {
  cancelled: FailureKind.CANCELLED,
  timedOut: FailureKind.TIMED_OUT,
  outOfMemory: FailureKind.OUT_OF_MEMORY,
};

function overuse(askedBytes: number, usedBytes: number): string {
  // Rounded up: nobody wants to ask for 1.2207 gigabytes.
  const wanted = usedBytes * MEMORY_MARGIN;
  const step = wanted < GIBIBYTE ? MEBIBYTE : wanted < 10 * GIBIBYTE ? GIBIBYTE / 10 : GIBIBYTE;
  const advised = Math.round(Math.ceil(wanted / step) * step);
  return `used ${formatMemoryShort(usedBytes)} of the ${formatMemoryShort(askedBytes)} it asked for; let it use less, or ask for more, such as memory("${formatMemory(advised)}")`;
}

function overrun(task: Task): string {
  const { limitMs, learntMs, plan } = task;
  const isTimeout = limitMs === plan.spec.timeoutMs;
  const time = limitMs < 60_000 ? `${limitMs / 1000} s` : formatDuration(limitMs);
  const limit = `${isTimeout ? "its timeout" : "its walltime"} of ${time}`;
  if (isTimeout || learntMs === 0) return `ran longer than ${limit}`;
  const group = plan.class.demand.walltime?.group ?? "";
  return `ran longer than ${limit}, learnt from earlier runs of group "${group}"; put calls that take longer than the others into a group of their own`;
}

function reportFailure(state: AgentState, task: Task, details: FailureDetails): void {
  const { kind, message, error = NOTHING, errorName, exitCode = 0, signal = "", runUs = 0 } = details;
  state.effects.push({ type: "failed", task, kind, message, error, errorName, exitCode, signal, runUs });
}

/** Forgets a task whose end has been reported, and passes on what it owned. */
function leavePhase(state: AgentState, task: Task): void {
  const { phase } = task;
  clearTimer(state, task.timer);
  state.byRef.delete(task.ref);
  state.byKey.delete(task);
  task.phase = { type: "ended" };
  switch (phase.type) {
    case "waiting":
      state.waiting.remove(task);
      return;
    case "granted":
      state.granted.splice(state.granted.indexOf(task), 1);
      startGranted(state);
      return;
    case "preparing":
    case "uploading":
      handOver(state, task.plan.class, phase.allocation, undefined);
      return;
    case "running":
    case "ending":
      release(state, task, phase.executor, phase.allocation);
      return;
    case "ahead":
    case "ended":
      return;
    default:
      phase satisfies never;
  }
}

function release(state: AgentState, task: Task, executor: Executor, allocation: Allocation): void {
  executor.running.delete(task);
  if (!state.executors.has(executor.id)) {
    handOver(state, task.plan.class, allocation, undefined);
    return;
  }
  handOver(state, task.plan.class, allocation, executor);
  if (executor.standing.type === "condemned") killIfOnlyEnding(state, executor);
}

function killIfOnlyEnding(state: AgentState, executor: Executor): boolean {
  for (const task of executor.running) if (task.phase.type !== "ending") return false;
  kill(state, executor);
  return true;
}

/** Finds a place for a task that an executor no longer holds. */
function resettle(state: AgentState, task: Task, wish: Wish): void {
  switch (wish) {
    case "none":
      if (state.life.type === "working") state.waiting.putBack(task);
      else giveBack(state, task);
      return;
    case "return":
      giveBack(state, task);
      return;
    case "cancel":
      settle(state, task, "cancelled", "", 0);
      return;
    case "grant":
      grant(state, task);
      return;
    default:
      wish satisfies never;
  }
}

/** Runs a task again whose process died under it, through no fault of its own or to find out. */
function runAgain(state: AgentState, task: Task, alone: boolean): void {
  if (task.phase.type !== "running") return;
  clearTimer(state, task.timer);
  task.timer = 0;
  if (alone) task.alone = true;
  dispatch(state, task, task.phase.allocation);
}

function deathOf(event: ExecutorDied): FailureDetails {
  const { exitCode, signal, reason, outOfMemory } = event;
  if (outOfMemory) return { kind: FailureKind.OUT_OF_MEMORY, message: reason, exitCode, signal };
  const how =
    signal === "" ? `its process exited with code ${exitCode}` : `its process was ended by ${signal}`;
  const message = reason || how;
  return { kind: FailureKind.DIED, message, exitCode, signal };
}
