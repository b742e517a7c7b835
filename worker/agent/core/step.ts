/**
 * The agent's state machine: one event in, effects out. Pure: no clock, no
 * processes, no link; the shell (../agent.ts) carries the effects out in order.
 */

import type { Demand } from "../../../proto/resource/demand.js";
import type { AgentEffect } from "./effect.js";
import {
  dropped,
  endByForce,
  executorDied,
  fail,
  failureOf,
  finish,
  giveBack,
  kill,
  overflow,
  stop,
  uploading,
} from "./end.js";
import type { AgentEvent, Assigned, Report, Reported, SpecDefined } from "./event.js";
import { admit, announce, grant, noteLoaded, sendAhead, startExecutor, startGranted } from "./start.js";
import { type AgentState, keyOf, nextNumber } from "./state.js";
import { isBytes, type Plan, type SpecRecord, type Task } from "./task.js";

/**
 * Takes one event.
 *
 * @returns what is to be done, in order
 */
export function step(state: AgentState, event: AgentEvent): AgentEffect[] {
  apply(state, event);
  if (state.overtaken.length > 0)
    for (const task of state.overtaken.splice(0)) stop(state, task, "cancelled");
  if (state.life.type === "leaving" && state.byKey.size === 0) {
    state.life = { type: "left" };
    state.effects.push({ type: "left" });
  }
  const { effects } = state;
  state.effects = [];
  return effects;
}

function apply(state: AgentState, event: AgentEvent): void {
  switch (event.type) {
    case "specDefined":
      return defineSpec(state, event);
    case "specReady":
      return onSpec(state, event.session, event.spec);
    case "assigned":
      return assign(state, event);
    case "promoted":
      return eachTask(state, event, promote);
    case "retracted":
      return eachTask(state, event, retract);
    case "cancelRequested":
      return eachTask(state, event, (agent, task) => stop(agent, task, "cancelled"));
    case "sessionForgotten":
      return forget(state, event.session);
    case "prepared": {
      const task = state.byRef.get(event.ref);
      if (task === undefined) return;
      task.value = event.value;
      task.ready = true;
      if (task.phase.type === "preparing") admit(state, task, task.phase.allocation);
      return;
    }
    case "prepareFailed": {
      const task = state.byRef.get(event.ref);
      if (task === undefined) return;
      return fail(state, task, { kind: event.kind, message: event.message });
    }
    case "reported":
      return reported(state, event);
    case "uploaded": {
      const task = state.byRef.get(event.report.ref);
      if (task !== undefined) settleReport(state, task, event.report);
      return;
    }
    case "executorDied": {
      const executor = state.executors.get(event.executor);
      if (executor !== undefined) executorDied(state, executor, event);
      return;
    }
    case "prewarmRequested":
      for (let i = state.executors.size; i < event.count; i++) state.idle.push(startExecutor(state));
      return;
    case "timerFired":
      return timerFired(state, event.timer);
    case "swept":
      return sweep(state, event.keep);
    case "leaveRequested":
      return leave(state);
    case "evictRequested":
      leave(state);
      for (const task of [...state.byKey.values()]) evict(state, task);
      return;
    case "memoryExceeded": {
      const task = state.byRef.get(event.ref);
      if (task !== undefined) overflow(state, task, event.usedBytes);
      return;
    }
    case "pressureFelt":
      return feelPressure(state, event.pressed);
    default:
      event satisfies never;
  }
}

function defineSpec(state: AgentState, event: SpecDefined): void {
  const plans: Plan[] = [];
  const { session, spec, name, timeoutMs, ready } = event;
  const record: SpecRecord = {
    session,
    spec,
    name,
    timeoutMs,
    plans,
    ready,
    runs: 0,
    meanUs: 0,
    cautiousUntil: 0,
  };
  for (const demand of event.demands)
    plans.push({ id: nextNumber(state), spec: record, class: state.waiting.classOf(demand) });
  state.specs.set(keyOf(session, spec), record);
}

function onSpec(state: AgentState, session: number, spec: number): void {
  const record = state.specs.get(keyOf(session, spec));
  if (record !== undefined) record.ready = true;
}

function hardMs(demand: Demand): number {
  return demand.walltime?.hardMs ?? 0;
}

function shorter(a: number, b: number): number {
  return a === 0 || b === 0 ? a + b : Math.min(a, b);
}

function assign(state: AgentState, event: Assigned): void {
  const { session, tasks, attempts, values, hardMs: learntMs } = event;
  const plan = state.specs.get(keyOf(session, event.spec))?.plans[event.alternative];
  if (plan === undefined)
    throw new Error(`Spec ${session}.${event.spec}:${event.alternative} was never sent.`);
  const limitMs = shorter(plan.spec.timeoutMs, learntMs || hardMs(plan.class.demand));
  for (let i = 0; i < tasks.length; i++) {
    const value = values[i]!;
    const order = nextNumber(state);
    const task: Task = {
      ref: order,
      session,
      task: tasks[i]!,
      attempt: attempts.length === 0 ? 1 : attempts[i]!,
      plan,
      learntMs,
      limitMs,
      nodes: event.gangs.get(i),
      order,
      value,
      ready: plan.spec.ready && isBytes(value),
      announced: false,
      alone: false,
      timer: 0,
      phase: { type: "ended" },
    };
    if (state.life.type !== "working") {
      state.effects.push({ type: "returned", task });
      continue;
    }
    state.byRef.set(task.ref, task);
    state.byKey.add(task);
    if (!task.ready) state.effects.push({ type: "prepare", task });
    if (event.granted) grant(state, task);
    else state.waiting.push(task);
  }
  // Executors may run short of tasks sent ahead while more of the same wait here.
  if (!event.granted) refill(state, plan);
}

function refill(state: AgentState, plan: Plan): void {
  for (const executor of state.executors.values()) {
    if (executor.use.type !== "exclusive" || plan.class.queue.count === 0) continue;
    for (const task of executor.running) if (task.plan === plan) sendAhead(state, executor, task);
  }
}

function eachTask(
  state: AgentState,
  event: { readonly session: number; readonly tasks: readonly number[] },
  act: (state: AgentState, task: Task) => void,
): void {
  for (const number of event.tasks) {
    const task = state.byKey.get(event.session, number);
    if (task !== undefined) act(state, task);
  }
}

function promote(state: AgentState, task: Task): void {
  const { phase } = task;
  if (phase.type === "waiting") {
    state.waiting.remove(task);
    grant(state, task);
  } else if (phase.type === "ahead" && phase.wish !== "cancel") {
    task.announced = true;
    phase.wish = "grant";
    state.effects.push({ type: "drop", executor: phase.executor.id, refs: [task.ref] });
  }
}

function retract(state: AgentState, task: Task): void {
  const { phase } = task;
  if (phase.type === "waiting" || phase.type === "granted") {
    giveBack(state, task);
  } else if (phase.type === "ahead" && phase.wish !== "cancel") {
    phase.wish = "return";
    state.effects.push({ type: "drop", executor: phase.executor.id, refs: [task.ref] });
  }
}

function forget(state: AgentState, session: number): void {
  for (const task of [...state.byKey.values()]) {
    if (task.session === session) stop(state, task, "cancelled");
  }
  const plans: number[] = [];
  for (const [key, spec] of state.specs) {
    if (spec.session !== session) continue;
    state.specs.delete(key);
    for (const plan of spec.plans) plans.push(plan.id);
  }
  if (plans.length > 0) state.effects.push({ type: "forgetPlans", plans });
}

function reported(state: AgentState, event: Reported): void {
  const executor = state.executors.get(event.executor);
  if (executor === undefined) return;
  for (const report of event.reports) {
    const task = state.byRef.get(report.ref);
    // Only of a task that it has: one put back and run elsewhere is not its business any more.
    if (task === undefined || !isWith(task, event.executor)) continue;
    settleReport(state, task, report);
  }
  if (executor.use.type !== "exclusive") return;
  for (const current of executor.running) {
    announce(state, current);
    sendAhead(state, executor, current);
  }
}

function isWith(task: Task, executor: number): boolean {
  const { phase } = task;
  return "executor" in phase && phase.executor.id === executor;
}

function settleReport(state: AgentState, task: Task, report: Report): void {
  switch (report.type) {
    case "loaded":
      return noteLoaded(state, task);
    case "finished":
      return finish(state, task, report.value, report.runUs);
    case "uploading":
      return uploading(state, task);
    case "failed":
      return fail(state, task, failureOf(report));
    case "dropped":
      return dropped(state, task);
    default:
      report satisfies never;
  }
}

function timerFired(state: AgentState, timer: number): void {
  const purpose = state.timers.get(timer);
  if (purpose === undefined) return;
  state.timers.delete(timer);
  switch (purpose.type) {
    case "limit":
      return stop(state, purpose.task, "timedOut");
    case "grace":
      return endByForce(state, purpose.task);
    case "patience":
      return kill(state, purpose.executor);
    case "force":
      state.effects.push({ type: "kill", executor: purpose.executor.id, signal: "SIGKILL" });
      return;
    default:
      purpose satisfies never;
  }
}

function sweep(state: AgentState, keep: number): void {
  const stays: typeof state.idle = [];
  let surplus = state.idle.length - keep;
  for (const executor of state.idle) {
    if (executor.rested && surplus > 0) {
      surplus -= 1;
      executor.standing = { type: "closing" };
      state.effects.push({ type: "retire", executor: executor.id });
    } else {
      executor.rested = true;
      stays.push(executor);
    }
  }
  state.idle.splice(0, state.idle.length, ...stays);
}

function leave(state: AgentState): void {
  if (state.life.type !== "working") return;
  state.life = { type: "leaving" };
  for (const task of [...state.byKey.values()]) giveBackUnstarted(state, task);
}

function giveBackUnstarted(state: AgentState, task: Task): void {
  const { phase } = task;
  if (phase.type === "waiting" || phase.type === "granted" || phase.type === "preparing")
    giveBack(state, task);
  else if (phase.type === "ahead") retract(state, task);
}

/** Its worker cannot wait for it any longer. */
function evict(state: AgentState, task: Task): void {
  // Its function has ended, only its result was not taken in time.
  if (task.phase.type === "uploading") giveBack(state, task);
  else if (task.phase.type === "running") stop(state, task, "evicted");
}

/** Short of memory, the worker gives back what it has not started, and at each further telling what came since. */
function feelPressure(state: AgentState, pressed: boolean): void {
  state.pressed = pressed;
  if (!pressed) {
    startGranted(state);
    return;
  }
  const tasks = [...state.byKey.values()];
  const isBusy = tasks.some(({ phase }) => phase.type === "running" || phase.type === "ending");
  // One that is about to start stays when nothing else runs: given back, it would only come again.
  for (const task of tasks) if (isBusy || task.phase.type !== "preparing") giveBackUnstarted(state, task);
}
