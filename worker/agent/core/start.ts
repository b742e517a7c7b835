/**
 * Getting tasks to run: from owning ids to an executor, sending more ahead, and
 * handing an allocation on when its task has ended.
 */

import type { Allocation } from "../../../proto/resource/ledger.js";
import { type Executor, newExecutor } from "./executor.js";
import { type AgentState, clearTimer, nextNumber, setTimer } from "./state.js";
import type { SpecRecord, Task } from "./task.js";
import type { DemandClass } from "./waiting.js";

/** Tasks that own no core share an executor, up to so many. */
const SHARED_TASKS = 64;
/** Specs whose runs are shorter than this on average are sent ahead: below it, asking for each costs too much… */
const SHORT_US = 5_000;
/** …once they have run this often… */
const LEARNT_RUNS = 8;
/** …as much of them as makes up this time… */
const AHEAD_US = 4_000;
/** …at least so many, since half of them are told and sent at a time, and no more than so many. */
const AHEAD_TASKS_LEAST = 16;
const AHEAD_TASKS = 512;
/** A run this long keeps its spec from being sent ahead for a while: who waits behind it waits long… */
const SLOW_US = 10_000;
/** …namely for as many runs as pay for that wait, at what sending one ahead saves… */
const SAVED_US = 500;
/** …and no more than so many. */
const CAUTIOUS_RUNS = 1_000;
/** No run is thought to cost less: it costs this much to handle. */
const FLOOR_US = 5;
/** Loading a module may take this long on top of a task's own limit. */
const LOADING_MS = 60_000;

/** Gives a task ids, or lets it wait for them first in line. */
export function grant(state: AgentState, task: Task): void {
  task.announced = true;
  const allocation =
    state.granted.length === 0 && mayStart(state) ? state.ledger.take(task.plan.class.demand) : undefined;
  if (allocation !== undefined) {
    admit(state, task, allocation);
    return;
  }
  task.phase = { type: "granted" };
  state.granted.push(task);
  // What is with executors would take over the room that this task is owed.
  for (const executor of state.executors.values()) {
    if (executor.ahead.length > 0) dropAhead(state, executor);
  }
}

/** Starts a task that owns ids, once it has what it needs. */
export function admit(state: AgentState, task: Task, allocation: Allocation): void {
  if (task.ready) dispatch(state, task, allocation);
  else task.phase = { type: "preparing", allocation };
}

/** Gives a task that owns ids and has what it needs to an executor. */
export function dispatch(state: AgentState, task: Task, allocation: Allocation): void {
  const exclusive = task.plan.class.ownsProcess || task.alone;
  const executor = exclusive ? takeExclusive(state, task) : takeShared(state);
  task.phase = { type: "running", executor, allocation };
  executor.running.add(task);
  state.effects.push({
    type: "run",
    executor: executor.id,
    tasks: [task],
    allocation,
    mode: exclusive ? "next" : "beside",
  });
  const { limitMs } = task;
  if (limitMs > 0) {
    const ms = executor.loaded.has(task.plan.id) ? limitMs : limitMs + LOADING_MS;
    task.timer = setTimer(state, { type: "limit", task }, ms);
  }
  if (exclusive) sendAhead(state, executor, task);
}

/** Its module is loaded: the limit counts from now. */
export function noteLoaded(state: AgentState, task: Task): void {
  if (task.phase.type !== "running" && task.phase.type !== "ending") return;
  task.phase.executor.loaded.add(task.plan.id);
  if (task.phase.type !== "running" || task.limitMs === 0) return;
  clearTimer(state, task.timer);
  task.timer = setTimer(state, { type: "limit", task }, task.limitMs);
}

/** Sends an executor more of the short tasks that it runs, so that it need not ask for each. */
export function sendAhead(state: AgentState, executor: Executor, current: Task): void {
  const { phase, plan } = current;
  if (phase.type !== "running" || current.alone || state.granted.length > 0) return;
  if (state.life.type !== "working" || state.pressed || executor.standing.type !== "open") return;
  if (current.limitMs > 0 || !isShort(plan.spec)) return;
  const wanted = aheadTasks(plan.spec);
  if (executor.ahead.length * 2 > wanted) return;
  const room = Math.min(wanted - executor.ahead.length, fairShare(state, executor, plan.class, wanted));
  const tasks = state.waiting.takeRun(plan, room);
  if (tasks.length === 0) return;
  for (const task of tasks) {
    task.phase = { type: "ahead", executor, wish: "none" };
    executor.ahead.push(task);
  }
  const { allocation } = phase;
  state.effects.push({ type: "run", executor: executor.id, tasks, allocation, mode: "ahead" });
}

/** How many tasks of a spec an executor should hold. */
function aheadTasks({ meanUs }: SpecRecord): number {
  const wanted = Math.floor(AHEAD_US / Math.max(meanUs, FLOOR_US));
  return Math.max(AHEAD_TASKS_LEAST, Math.min(AHEAD_TASKS, wanted));
}

/** How many more an executor may hold, so that others in use find as many. */
function fairShare(state: AgentState, executor: Executor, of: DemandClass, wanted: number): number {
  const { count } = of.queue;
  if (count >= wanted * state.exclusive) return wanted;
  let held = 0;
  for (const { ahead } of state.executors.values()) if (ahead[0]?.plan.class === of) held += ahead.length;
  return Math.ceil((count + held) / Math.max(state.exclusive, 1)) - executor.ahead.length;
}

/** Asks an executor for all that it has not started. */
export function dropAhead(state: AgentState, executor: Executor): void {
  const refs = executor.ahead.map((task) => task.ref);
  state.effects.push({ type: "drop", executor: executor.id, refs });
}

/** Learns from a run that ended with a result. */
export function noteRun(spec: SpecRecord, runUs: number): void {
  spec.runs += 1;
  const weight = Math.min(spec.runs, LEARNT_RUNS * 2);
  spec.meanUs += (runUs - spec.meanUs) / weight;
  if (runUs < SLOW_US) return;
  const cautiousRuns = Math.min(CAUTIOUS_RUNS, Math.ceil(runUs / SAVED_US));
  spec.cautiousUntil = Math.max(spec.cautiousUntil, spec.runs + cautiousRuns);
}

/**
 * Passes on what a task that has ended owned: to the next task in its executor,
 * to a granted task that waits for ids, or to the first waiting task that it can serve.
 */
export function handOver(
  state: AgentState,
  from: DemandClass,
  allocation: Allocation,
  executor: Executor | undefined,
): void {
  const next = executor?.ahead.shift();
  if (executor !== undefined && next !== undefined) {
    if (next.phase.type === "ahead" && next.phase.wish === "cancel") state.overtaken.push(next);
    next.phase = { type: "running", executor, allocation };
    executor.running.add(next);
    return;
  }
  if (executor !== undefined && executor.running.size === 0) rest(state, executor);
  if (state.granted.length > 0) {
    state.ledger.give(allocation);
    startGranted(state);
    return;
  }
  const heir = state.life.type === "working" && !state.pressed ? state.waiting.first(from) : undefined;
  if (heir === undefined) {
    state.ledger.give(allocation);
    return;
  }
  state.waiting.remove(heir);
  takeOver(state, heir, from, allocation);
}

/** Starts tasks that wait for ids, in order, as far as ids fit. */
export function startGranted(state: AgentState): void {
  while (state.granted.length > 0 && mayStart(state)) {
    const task = state.granted[0]!;
    const allocation = state.ledger.take(task.plan.class.demand);
    if (allocation === undefined) return;
    state.granted.shift();
    admit(state, task, allocation);
  }
}

/** Short of memory, nothing starts beside what runs. One task may run: if none did, nothing would ever get better by its end. */
function mayStart(state: AgentState): boolean {
  return !state.pressed || state.ledger.outstanding === 0;
}

/** Tells the head that a task which waited has started, unless it knows. */
export function announce(state: AgentState, task: Task): void {
  if (task.announced) return;
  task.announced = true;
  state.effects.push({ type: "started", task });
}

/** Starts an executor process that is not used yet. */
export function startExecutor(state: AgentState): Executor {
  const executor = newExecutor(nextNumber(state));
  state.executors.set(executor.id, executor);
  state.effects.push({ type: "startExecutor", executor: executor.id });
  return executor;
}

/** Takes an executor out of use; the caller has made sure that it runs nothing. */
export function rest(state: AgentState, executor: Executor): void {
  if (executor.use.type === "exclusive") state.exclusive -= 1;
  executor.use = { type: "idle" };
  executor.rested = false;
  if (executor.standing.type === "open") state.idle.push(executor);
}

function takeOver(state: AgentState, heir: Task, from: DemandClass, allocation: Allocation): void {
  if (heir.plan.class === from) {
    announce(state, heir);
    admit(state, heir, allocation);
    return;
  }
  state.ledger.give(allocation);
  const own = state.ledger.take(heir.plan.class.demand);
  // What was given covers what is taken; were it otherwise, the head has not been told anything yet.
  if (own === undefined) {
    state.waiting.putBack(heir);
    return;
  }
  announce(state, heir);
  admit(state, heir, own);
}

function isShort(spec: SpecRecord): boolean {
  return spec.runs >= LEARNT_RUNS && spec.meanUs < SHORT_US && spec.runs >= spec.cautiousUntil;
}

function takeExclusive(state: AgentState, task: Task): Executor {
  const executor = takeIdle(state, task) ?? startExecutor(state);
  executor.use = { type: "exclusive" };
  state.exclusive += 1;
  return executor;
}

/** An idle executor: one that has loaded the task's module if there is one, else the last one used. */
function takeIdle(state: AgentState, task: Task | undefined): Executor | undefined {
  const { idle } = state;
  if (task === undefined || idle.length === 0) return idle.pop();
  for (let i = idle.length - 1; i >= 0; i--) {
    if (!idle[i]!.loaded.has(task.plan.id)) continue;
    return i === idle.length - 1 ? idle.pop() : idle.splice(i, 1)[0];
  }
  return idle.pop();
}

function takeShared(state: AgentState): Executor {
  for (const executor of state.executors.values()) {
    const { use, standing, running } = executor;
    if (use.type === "shared" && standing.type === "open" && running.size < SHARED_TASKS) return executor;
  }
  const executor = takeIdle(state, undefined) ?? startExecutor(state);
  executor.use = { type: "shared" };
  return executor;
}
