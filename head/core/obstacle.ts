/**
 * What keeps a class from the workers: each worker is asked once for each
 * alternative, and the answers are grouped by what they say.
 *
 * Not its job: whose turn it is (explain.ts), words (explain-text.ts).
 */

import { deficit } from "./availability.js";
import { type Never, neverFits } from "./infeasible.js";
import { mayUse, type Reservation } from "./reservation.js";
import type { Shape } from "./shape.js";
import type { State } from "./state.js";
import type { TaskClass } from "./task-class.js";
import { softOf } from "./walltime.js";
import { amountOn, couldFit, fits, type Worker } from "./worker.js";

/** What one worker has of what is short there: amounts as in a demand, or milliseconds. */
export interface OnWorker {
  readonly worker: string;
  readonly needed: number;
  readonly free: number;
  readonly total: number;
}

/** Workers that are kept free. */
export interface Reserved {
  readonly session: number;
  readonly spec: number;
  readonly workers: readonly string[];
  /** How long it takes until there is room; undefined: not known. */
  readonly expectedMs: number | undefined;
}

interface OnSome {
  /** At most 3, the closest first. */
  readonly workers: readonly OnWorker[];
  /** How many more. */
  readonly others: number;
}

/** One thing that keeps a demand from some workers, or from all. */
export type Obstacle =
  /** A kind of resource of which there is not enough free. */
  | ({ readonly type: "short"; readonly kind: string } & OnSome)
  /** Workers without a label. */
  | ({ readonly type: "token"; readonly token: string } & OnSome)
  /** Workers that end too soon: `free` of `needed` milliseconds are left. */
  | ({ readonly type: "walltime" } & OnSome)
  /** Workers that take nothing new. */
  | ({ readonly type: "leaving" } & OnSome)
  /** Workers that run something and are short of memory: they get nothing beside it. */
  | ({ readonly type: "pressed" } & OnSome)
  /** Workers that a gang has for itself, or, for a gang, that run something. */
  | ({ readonly type: "busy" } & OnSome)
  /** Workers that have room, kept free for another class. */
  | ({ readonly type: "reserved"; readonly reserved: Reserved } & OnSome)
  /** A cluster-wide limit: `inUse` of `count`. */
  | { readonly type: "limit"; readonly name: string; readonly inUse: number; readonly count: number }
  /** A gang: so many workers are idle and suitable, so many are suitable. */
  | { readonly type: "nodes"; readonly needed: number; readonly idle: number; readonly able: number };

/** One alternative, seen against the workers. */
export interface Alternative {
  readonly demand: string;
  /** Why no connected worker could ever give it; undefined: one (a gang: enough) could. */
  readonly never: Never | undefined;
  /** Workers that could give it if they ran nothing else. */
  readonly able: number;
  /** Workers that have room now, at most 3. */
  readonly room: readonly string[];
  readonly moreRoom: number;
  readonly obstacles: readonly Obstacle[];
}

/** Workers that are named; the others are counted. */
const NAMED = 3;

/** How far a worker is from giving the demand: compared part by part, less is closer. */
type Distance = readonly [never: number, hindrances: number, missing: number];

type Kind = "short" | "token" | "walltime" | "leaving" | "pressed" | "busy" | "reserved";

/** One thing that keeps it from one worker. */
interface Hindrance {
  readonly type: Kind;
  readonly name: string;
  readonly needed: number;
  readonly free: number;
  readonly total: number;
  readonly reservation?: Reservation | undefined;
}

interface Group {
  readonly hindrance: Hindrance;
  /** The closest, in order. */
  readonly closest: { readonly on: OnWorker; readonly distance: Distance }[];
  count: number;
}

/** Looks at one alternative of a class: one pass over the workers, another to say why none could ever give it. */
export function lookAt(state: Readonly<State>, cls: TaskClass, shape: Shape): Alternative {
  const groups = new Map<unknown, Group>();
  const room: string[] = [];
  let able = 0;
  let rooms = 0;
  for (const worker of state.workers.values()) {
    const could = couldFit(state, worker, shape);
    if (could) able += 1;
    const found = hindrances(state, cls, shape, worker);
    if (found.length === 0) {
      rooms += 1;
      if (room.length < NAMED) room.push(worker.name);
      continue;
    }
    const distance: Distance = [
      could && worker.mode === "ready" ? 0 : 1,
      found.length,
      deficit(state, worker, shape),
    ];
    for (const hindrance of found) gather(groups, hindrance, worker, distance);
  }
  const grouped = [...groups.values()].sort((a, b) =>
    compare(a.closest[0]!.distance, b.closest[0]!.distance),
  );
  return {
    demand: shape.text,
    never: able >= Math.max(shape.nodes, 1) ? undefined : neverFits(state, shape),
    able,
    room,
    moreRoom: rooms - room.length,
    obstacles: [
      ...limits(state, shape),
      ...nodes(shape, rooms, able),
      ...grouped.map((group) => obstacleOf(state, group)),
    ],
  };
}

/** A reservation as it is told. */
export function reservedBy(
  state: Readonly<State>,
  { class: cls, workers, expectedMs }: Reservation,
): Reserved {
  return {
    session: cls.session.number,
    spec: cls.spec,
    workers: workers.map(({ name }) => name),
    expectedMs: Number.isFinite(expectedMs) ? Math.max(0, expectedMs - state.nowMs) : undefined,
  };
}

/** All that keeps it from one worker; empty: nothing does. */
function hindrances(state: Readonly<State>, cls: TaskClass, shape: Shape, worker: Worker): Hindrance[] {
  if (worker.mode === "leaving") return [hindrance("leaving")];
  const found = [...unsuitable(state, shape, worker)];
  if (worker.pressed && worker.granted.size > 0) found.push(hindrance("pressed"));
  const taken = worker.heldBy !== undefined || (shape.nodes > 0 && worker.granted.size > 0);
  if (taken) found.push(hindrance("busy"));
  // What a worker has that is taken as a whole says nothing, save where it has not enough at all.
  const has = taken ? worker.total : worker.free;
  for (const kind of kindsOf(state, shape)) {
    const needed = neededOf(state, shape, worker, kind);
    const free = has[kind] ?? 0;
    const total = worker.total[kind] ?? 0;
    const enough = free >= needed && (needed > 0 || total > 0);
    if (!enough) found.push({ type: "short", name: state.kinds.names[kind]!, needed, free, total });
  }
  if (found.length === 0 && fits(state, worker, shape) && !mayUse(state, cls, shape, worker)) {
    found.push({ ...hindrance("reserved"), reservation: state.reservations.get(worker) });
  }
  return found;
}

/** What is wrong with the worker itself, whatever it runs. */
function* unsuitable(state: Readonly<State>, shape: Shape, worker: Worker): Generator<Hindrance> {
  for (const token of shape.tokens) if (!worker.tokens.has(token)) yield hindrance("token", token);
  const softMs = softOf(state, shape);
  const leftMs = Math.max(0, worker.endsAtMs - state.nowMs);
  if (leftMs < softMs) yield { type: "walltime", name: "", needed: softMs, free: leftMs, total: leftMs };
}

function hindrance(type: Kind, name = ""): Hindrance {
  return { type, name, needed: 0, free: 0, total: 0 };
}

function kindsOf(state: Readonly<State>, shape: Shape): readonly number[] {
  return shape.allCores ? [state.kinds.cores, ...shape.kinds] : shape.kinds;
}

/** A gang's worker must have at least the amounts, though all of it is taken. */
function neededOf(state: Readonly<State>, shape: Shape, worker: Worker, kind: number): number {
  if (shape.allCores && kind === state.kinds.cores) return worker.total[kind] ?? 0;
  return shape.nodes > 0
    ? shape.amounts[shape.kinds.indexOf(kind)]!
    : amountOn(worker, shape, state.kinds, kind);
}

function gather(
  groups: Map<unknown, Group>,
  hindrance: Hindrance,
  { name }: Worker,
  distance: Distance,
): void {
  const key = hindrance.reservation ?? `${hindrance.type} ${hindrance.name}`;
  let group = groups.get(key);
  if (group === undefined) {
    group = { hindrance, closest: [], count: 0 };
    groups.set(key, group);
  }
  group.count += 1;
  const { needed, free, total } = hindrance;
  const { closest } = group;
  let at = closest.length;
  while (at > 0 && compare(distance, closest[at - 1]!.distance) < 0) at -= 1;
  if (at === NAMED) return;
  closest.splice(at, 0, { on: { worker: name, needed, free, total }, distance });
  if (closest.length > NAMED) closest.pop();
}

function compare(a: Distance, b: Distance): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

function obstacleOf(state: Readonly<State>, { hindrance, closest, count }: Group): Obstacle {
  const some: OnSome = { workers: closest.map(({ on }) => on), others: count - closest.length };
  const { type, name } = hindrance;
  switch (type) {
    case "short":
      return { type, kind: name, ...some };
    case "token":
      return { type, token: name, ...some };
    case "reserved":
      return { type, reserved: reservedBy(state, hindrance.reservation!), ...some };
    case "walltime":
    case "leaving":
    case "pressed":
    case "busy":
      return { type, ...some };
    default:
      return type satisfies never;
  }
}

function* limits(state: Readonly<State>, shape: Shape): Generator<Obstacle> {
  for (const { name, count } of shape.limits) {
    const inUse = state.limitsInUse.get(name) ?? 0;
    if (inUse >= count) yield { type: "limit", name, inUse, count };
  }
}

function* nodes({ nodes: needed }: Shape, idle: number, able: number): Generator<Obstacle> {
  if (idle < needed) yield { type: "nodes", needed, idle, able };
}
