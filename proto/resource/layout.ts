/**
 * Core layouts: from which NUMA nodes a task's cores come. A layout is a preference:
 * whatever it is, cores are found whenever so many are free.
 *
 * Which ids of a node are taken is slots'.
 */

import { ResourceError } from "../errors.js";
import { nearest, show } from "./show.js";

/**
 * How the ids of cores are chosen.
 *
 * - `"compact"`: from as few NUMA nodes as possible, of one socket if it can be, leaving as
 *   little over on them as possible
 * - `"tight"`: from as few as well, but rather from nodes that are partly used already, so
 *   that whole nodes stay free
 * - `"spread"`: from as many as possible, the same number from each: for what is limited by
 *   the speed of memory
 */
export type CoreLayout = (typeof CORE_LAYOUTS)[number];

/** The names of the layouts. */
export const CORE_LAYOUTS = ["compact", "tight", "spread"] as const;

/**
 * Reads the name of a layout.
 *
 * @returns as it is in a demand: "" for "compact"
 * @throws ResourceError when there is no such layout
 */
export function checkLayout(name: unknown, field = "coreLayout"): string {
  if (name === "" || name === "compact") return "";
  if (name === "tight" || name === "spread") return name;
  const near = typeof name === "string" ? nearest(name, CORE_LAYOUTS) : undefined;
  const hint = near === undefined ? "" : ` (did you mean ${show(near)}?)`;
  throw new ResourceError(`${field}: there is no layout ${show(name)}${hint}; use compact, tight or spread.`);
}

/** What matters of a NUMA node. */
export interface NodeRoom {
  readonly socket: number;
  /** How many cores it has… */
  readonly size: number;
  /** …and how many of them are wholly free. */
  readonly free: number;
}

/** So many whole cores of a node. */
export interface Share<Node> {
  readonly node: Node;
  readonly count: number;
}

/**
 * Chooses nodes for whole cores.
 *
 * @param layout as in a demand
 * @returns undefined exactly when fewer than `count` cores are free
 * @example
 * chooseNodes(nodes, 4, "spread") // one of each of four nodes
 */
export function chooseNodes<Node extends NodeRoom>(
  nodes: readonly Node[],
  count: number,
  layout: string,
): Share<Node>[] | undefined {
  if (count === 0) return [];
  const [only] = nodes;
  if (only !== undefined && nodes.length === 1)
    return only.free < count ? undefined : [{ node: only, count }];
  const byRoom = nodes.filter(({ free }) => free > 0).sort((a, b) => b.free - a.free);
  if (roomOf(byRoom) < count) return undefined;
  return layout === "spread"
    ? dealOut(byRoom, count)
    : fill(fewest(byRoom, count, layout === "tight"), count);
}

/** One of each node in turn, until there are enough. */
function dealOut<Node extends NodeRoom>(byRoom: readonly Node[], count: number): Share<Node>[] {
  const shares = byRoom.map((node) => ({ node, count: 0 }));
  for (let left = count; left > 0; ) {
    for (const share of shares) {
      if (left === 0 || share.count === share.node.free) continue;
      share.count++;
      left--;
    }
  }
  return shares.filter((share) => share.count > 0);
}

/** All of each node in turn, until there are enough. */
function fill<Node extends NodeRoom>(nodes: readonly Node[], count: number): Share<Node>[] {
  const shares: Share<Node>[] = [];
  let left = count;
  for (const node of nodes) {
    const part = Math.min(left, node.free);
    if (part > 0) shares.push({ node, count: part });
    left -= part;
  }
  return shares;
}

/** As few nodes as suffice; of one socket when one can do it with as few. */
function fewest<Node extends NodeRoom>(byRoom: readonly Node[], count: number, tight: boolean): Node[] {
  let needed = 1;
  while (roomOf(byRoom.slice(0, needed)) < count) needed++;
  const sockets = new Set(byRoom.map(({ socket }) => socket));
  let best: Node[] | undefined;
  for (const socket of sockets) {
    const here = byRoom.filter((node) => node.socket === socket);
    const chosen = choose(here, count, needed, tight);
    if (chosen !== undefined && (best === undefined || isBetter(chosen, best, tight))) best = chosen;
  }
  // So many of the largest suffice, whatever their socket.
  return best ?? choose(byRoom, count, needed, tight) ?? byRoom.slice(0, needed);
}

/** `needed` nodes that suffice; when tight, with as few untouched ones among them as possible. */
function choose<Node extends NodeRoom>(
  byRoom: readonly Node[],
  count: number,
  needed: number,
  tight: boolean,
): Node[] | undefined {
  const used = tight ? byRoom.filter((node) => !isUntouched(node)) : byRoom;
  const untouched = tight ? byRoom.filter(isUntouched) : [];
  for (let opened = 0; opened <= Math.min(needed, untouched.length); opened++) {
    const chosen = [...used.slice(0, needed - opened), ...untouched.slice(0, opened)];
    if (chosen.length < needed || roomOf(chosen) < count) continue;
    return withBestFit(chosen, opened > 0 ? untouched : used, count);
  }
  return undefined;
}

/** The last node is changed for the smallest that still suffices, of the sockets of the others if it can be. */
function withBestFit<Node extends NodeRoom>(
  chosen: readonly Node[],
  spares: readonly Node[],
  count: number,
): Node[] {
  const kept = chosen.slice(0, -1);
  const rest = count - roomOf(kept);
  const isNear = (node: Node) => kept.some(({ socket }) => socket === node.socket);
  let last = chosen[chosen.length - 1] as Node;
  for (const node of spares) {
    if (node.free < rest || kept.includes(node)) continue;
    const nearer = Number(isNear(node)) - Number(isNear(last));
    if (nearer > 0 || (nearer === 0 && node.free < last.free)) last = node;
  }
  return [...kept, last];
}

function isBetter(a: readonly NodeRoom[], b: readonly NodeRoom[], tight: boolean): boolean {
  const opened = tight ? a.filter(isUntouched).length - b.filter(isUntouched).length : 0;
  return opened === 0 ? roomOf(a) < roomOf(b) : opened < 0;
}

function isUntouched({ size, free }: NodeRoom): boolean {
  return free === size;
}

function roomOf(nodes: readonly NodeRoom[]): number {
  return nodes.reduce((sum, { free }) => sum + free, 0);
}
