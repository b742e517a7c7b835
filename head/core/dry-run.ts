/**
 * A dry run: how many further workers of a kind the ready tasks would fill. Nothing is placed.
 *
 * Tasks go first where there is room now, then on new workers, the largest first. Tasks of which it is known that
 * workers would get them done within a while anyway count for the room they take that long, so that a thousand calls of a
 * millisecond ask for no worker that would take a minute to start. Cost: shapes that wait times workers; nothing
 * depends on how many tasks wait.
 */

import type { Shape } from "./shape.js";
import type { State } from "./state.js";
import type { TaskClass } from "./task-class.js";
import { asksForUnknown, misfitsOf, type Template } from "./template.js";
import { couldFit, type Worker } from "./worker.js";

/** Tasks that no new worker could run. */
export interface Unfit {
  readonly demand: string;
  readonly tasks: number;
  /** A phrase, e.g. "8 cores asked, 4 there". */
  readonly reason: string;
}

/** What came of it. */
export interface DryRun {
  /** Further workers that would be used; never more than the limit. */
  readonly workers: number;
  /** Ready tasks that have no room now and would run on new workers; beyond the limit not all are counted. */
  readonly tasks: number;
  /** Some ask for what it is not known whether a new worker has: for all of them together one worker is counted. */
  readonly probing: boolean;
  /** What asks for no worker, as none could run it. */
  readonly unfit: readonly Unfit[];
}

/** How it is made. */
export interface DryRunOptions {
  /** More workers are not counted. */
  readonly limit: number;
  /** Tasks that would be done within so long count for the part of it that they take, in milliseconds. */
  readonly worthMs: number;
}

/** Workers that are alike. */
interface Bin {
  /** By kind. */
  readonly free: number[];
  count: number;
  /** Undefined: a new one. */
  readonly worker: Worker | undefined;
}

interface Run {
  readonly state: Readonly<State>;
  readonly template: Template;
  readonly limit: number;
  /** Connected workers. */
  readonly there: Bin[];
  readonly fresh: Bin[];
  /** New workers. */
  opened: number;
  tasks: number;
  probing: boolean;
}

/**
 * Counts the workers that the ready tasks ask for.
 *
 * @example
 * dryRun(state, template, { limit: 20, worthMs: 60_000 }).workers // 3
 */
export function dryRun(
  state: Readonly<State>,
  template: Template,
  { limit, worthMs }: DryRunOptions,
): DryRun {
  const { wanted, unfit } = readyOf(state, template, worthMs);
  const run: Run = {
    state,
    template,
    limit,
    there: roomOf(state),
    fresh: [],
    opened: 0,
    tasks: 0,
    probing: false,
  };
  const shapes = [...wanted].sort(([a], [b]) => sizeOf(template, b) - sizeOf(template, a));
  for (const [shape, tasks] of shapes) {
    // What else waits changes nothing any more.
    if (run.opened >= limit) break;
    if (shape.nodes > 0) openForGangs(run, shape, tasks);
    else place(run, shape, tasks);
  }
  return { workers: run.opened, tasks: run.tasks, probing: run.probing, unfit };
}

/** The ready tasks by what they ask for, as far as a new worker could run them. */
function readyOf(
  state: Readonly<State>,
  template: Template,
  worthMs: number,
): { wanted: Map<Shape, number>; unfit: Unfit[] } {
  const wanted = new Map<Shape, number>();
  const unfit = new Map<string, Unfit>();
  const slots = slotsOf(state);
  const limits = new Map<string, number>();
  for (const [cls, tasks] of notStarted(state)) {
    const shape = cls.shapes.find((each) => misfitsOf(state, template, each).length === 0);
    if (shape === undefined) {
      const found = unfitOf(state, template, cls);
      unfit.set(found.demand, { ...found, tasks: tasks + (unfit.get(found.demand)?.tasks ?? 0) });
      continue;
    }
    const counted = withinLimits(state, shape, lasting(cls, tasks, shape, slots, worthMs), limits);
    if (counted > 0) wanted.set(shape, (wanted.get(shape) ?? 0) + counted);
  }
  return { wanted, unfit: [...unfit.values()] };
}

/** What was sent ahead goes to a new worker as soon as that has room. */
function notStarted(state: Readonly<State>): Map<TaskClass, number> {
  const tasks = new Map<TaskClass, number>();
  for (const level of state.levels) for (const cls of level.waiting) tasks.set(cls, cls.queue.size);
  if (state.aheadCount === 0) return tasks;
  for (const { ahead } of state.workers.values())
    for (const [cls, some] of ahead) tasks.set(cls, (tasks.get(cls) ?? 0) + some.size);
  return tasks;
}

function unfitOf(state: Readonly<State>, template: Template, { shapes }: TaskClass): Omit<Unfit, "tasks"> {
  const demand = shapes.map(({ text }) => text).join(" or ");
  const reason = shapes.map((shape) => misfitsOf(state, template, shape).join(", ")).join("; or ");
  return { demand, reason };
}

/** How many tasks of each shape run: their places go on to those that wait. */
function slotsOf(state: Readonly<State>): Map<Shape, number> {
  const slots = new Map<Shape, number>();
  for (const worker of state.workers.values()) {
    if (worker.mode !== "ready") continue;
    for (const [shape, count] of worker.slots) slots.set(shape, (slots.get(shape) ?? 0) + count);
  }
  return slots;
}

/** Of calls that do not take long those that are left when the places that there are have been used for a while. */
function lasting(
  { estimate }: TaskClass,
  tasks: number,
  shape: Shape,
  slots: Map<Shape, number>,
  worthMs: number,
): number {
  const meanMs = estimate.meanUs / 1_000;
  if (estimate.runs === 0 || meanMs >= worthMs) return tasks;
  const needed = Math.ceil((tasks * meanMs) / worthMs);
  const there = Math.min(slots.get(shape) ?? 0, needed);
  slots.set(shape, (slots.get(shape) ?? 0) - there);
  return needed - there;
}

/** @param left how much of each cluster-wide limit is left; what is counted is taken off */
function withinLimits(
  state: Readonly<State>,
  shape: Shape,
  tasks: number,
  left: Map<string, number>,
): number {
  let allowed = tasks;
  for (const { name, count } of shape.limits)
    allowed = Math.min(allowed, left.get(name) ?? count - (state.limitsInUse.get(name) ?? 0));
  allowed = Math.max(0, allowed);
  for (const { name, count } of shape.limits)
    left.set(name, (left.get(name) ?? count - (state.limitsInUse.get(name) ?? 0)) - allowed);
  return allowed;
}

/** What is free on the workers that take tasks. */
function roomOf(state: Readonly<State>): Bin[] {
  const bins: Bin[] = [];
  for (const worker of state.workers.values()) {
    if (worker.mode !== "ready" || worker.heldBy !== undefined || worker.pressed) continue;
    bins.push({ free: [...worker.free], count: 1, worker });
  }
  return bins;
}

/** Gangs first, then by the largest part of a new worker that one takes. */
function sizeOf({ total }: Template, shape: Shape): number {
  if (shape.nodes > 0) return 2 + shape.nodes;
  if (shape.allCores) return 1;
  let size = 0;
  shape.kinds.forEach((kind, i) => {
    size = Math.max(size, shape.amounts[i]! / (total[kind] || Number.POSITIVE_INFINITY));
  });
  return size;
}

/** Gangs wait for whole workers: those that there are will be free some time. */
function openForGangs(run: Run, shape: Shape, gangs: number): void {
  let able = 0;
  for (const worker of run.state.workers.values())
    if (worker.mode === "ready" && couldFit(run.state, worker, shape)) able += 1;
  const needed = Math.min(Math.max(0, gangs * shape.nodes - able), run.limit - run.opened);
  if (needed === 0) return;
  run.opened += needed;
  run.tasks += Math.ceil(needed / shape.nodes);
}

function place(run: Run, shape: Shape, tasks: number): void {
  const { state, template } = run;
  let left = tasks;
  // The last plan has looked.
  const isFull = shape.full && state.freed.size === 0;
  for (const bin of isFull ? [...run.fresh] : [...run.there, ...run.fresh]) {
    if (left === 0) return;
    if (bin.worker !== undefined && !couldFit(state, bin.worker, shape)) continue;
    const before = left;
    left = fill(run, bin, shape, left);
    if (bin.worker === undefined) run.tasks += before - left;
  }
  if (left === 0) return;
  if (asksForUnknown(template, shape, state.kinds)) {
    run.probing = true;
    run.tasks += left;
    if (run.opened === 0 && run.limit > 0) run.opened = 1;
    return;
  }
  const each = capacity(run, template.total, shape, undefined);
  const opened = Math.min(Math.ceil(left / each), run.limit - run.opened);
  if (opened === 0) return;
  run.opened += opened;
  run.tasks += Math.min(left, opened * each);
  const bin = { free: [...template.total], count: opened, worker: undefined };
  run.fresh.push(bin);
  fill(run, bin, shape, left);
}

/** Fills workers that are alike; those that are not like the others any more become bins of their own. @returns how many tasks are left */
function fill(run: Run, bin: Bin, shape: Shape, tasks: number): number {
  const each = capacity(run, bin.free, shape, bin.worker);
  if (each === 0) return tasks;
  const bins = bin.worker === undefined ? run.fresh : run.there;
  const full = Math.min(bin.count, Math.floor(tasks / each));
  const rest = full < bin.count ? tasks - full * each : 0;
  const split = (count: number, taken: number) => {
    const free = bin.free.map((amount, kind) => amount - taken * taking(run, shape, bin.worker, kind));
    bins.push({ free, count, worker: bin.worker });
  };
  if (full > 0) split(full, each);
  if (rest > 0) split(1, rest);
  bin.count -= full + (rest > 0 ? 1 : 0);
  if (bin.count === 0) bins.splice(bins.indexOf(bin), 1);
  return Math.max(0, tasks - full * each - rest);
}

/** How many of these fit at once. */
function capacity(run: Run, free: readonly number[], shape: Shape, worker: Worker | undefined): number {
  let fits = Number.MAX_SAFE_INTEGER;
  for (let kind = 0; kind < Math.max(free.length, ...shape.kinds.map((each) => each + 1)); kind += 1) {
    const amount = taking(run, shape, worker, kind);
    if (amount > 0) fits = Math.min(fits, Math.floor((free[kind] ?? 0) / amount));
  }
  return fits;
}

/** How much of a kind one takes. */
function taking({ state, template }: Run, shape: Shape, worker: Worker | undefined, kind: number): number {
  if (shape.allCores && kind === state.kinds.cores) {
    const total = worker === undefined ? template.total : worker.total;
    return total[kind] ?? 0;
  }
  const at = shape.kinds.indexOf(kind);
  return at === -1 ? 0 : shape.amounts[at]!;
}
