/**
 * The processes of executors: the executor itself, what descends from it, and what carries its
 * mark although its parents have gone. Looks them up, signals them, and knows when all have ended.
 *
 * Who is to end and when is the pool's affair.
 */

import { marksIn } from "./marker.js";
import { listProcesses, type ProcessEntry, readCommand, readEntry, readEnvironment } from "./table.js";

/** One executor's processes. */
export interface Family {
  readonly pid: number;
  readonly mark: string;
  /** Start times by process id, of all that were ever seen of it. */
  readonly seen: Map<number, number>;
  /** Those that lived at the last look, the executor first. */
  members: readonly ProcessEntry[];
}

/** What the shell that starts programs is called, see programs/launcher.ts: it has files to remove, and ends when its lanes have. */
const LAUNCHER = "grain-launcher";

/** A further look within this time sees nothing new. */
const FRESH_MS = 5;

/** The executors' families of one agent. */
export class Families {
  readonly #families = new Map<number, Family>();
  /** Marks of processes that are nobody's descendants, by process id. */
  readonly #marks = new Map<number, { readonly startTicks: number; readonly marks: readonly string[] }>();
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  /** Follows an executor's processes. */
  add(id: number, pid: number, mark: string): void {
    const entry = readEntry(pid);
    const seen = new Map(entry === undefined ? [] : [[pid, entry.startTicks]]);
    this.#families.set(id, { pid, mark, seen, members: [] });
    this.#lookedAtMs = Number.NEGATIVE_INFINITY;
  }

  delete(id: number): void {
    this.#families.delete(id);
    if (this.#families.size === 0) this.#marks.clear();
  }

  get(id: number): Family | undefined {
    return this.#families.get(id);
  }

  /** Finds out which processes there are now. */
  look(): void {
    const now = performance.now();
    if (now - this.#lookedAtMs < FRESH_MS || this.#families.size === 0) return;
    const entries = listProcesses().filter((entry) => !entry.ended);
    this.#assign(entries);
    this.#lookedAtMs = performance.now();
  }

  /**
   * Signals what lives of a family, as it was at the last look.
   *
   * @param spare who is not signalled: the launcher, or also what it runs, which it ends by itself
   * @param exceptGroup a process group that has been told already
   */
  signal(
    id: number,
    signal: NodeJS.Signals,
    spare: "nobody" | "launcher" | "launcherAndPrograms",
    exceptGroup = 0,
  ): void {
    const members = this.#families.get(id)?.members ?? [];
    const isLauncher = ({ pid }: ProcessEntry) => spare !== "nobody" && readCommand(pid).includes(LAUNCHER);
    const launchers = new Set(members.filter(isLauncher).map(({ pid }) => pid));
    const spared = spare === "launcherAndPrograms" ? withDescendants(members, launchers) : launchers;
    for (const { pid, group } of members) {
      if (spared.has(pid) || group === exceptGroup) continue;
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  #assign(entries: readonly ProcessEntry[]): void {
    const byPid = new Map(entries.map((entry) => [entry.pid, entry]));
    const children = new Map<number, ProcessEntry[]>();
    for (const entry of entries) {
      const siblings = children.get(entry.parent);
      if (siblings === undefined) children.set(entry.parent, [entry]);
      else siblings.push(entry);
    }
    const taken = new Set<number>();
    const byMark = new Map<string, ProcessEntry[]>();
    for (const family of this.#families.values()) {
      const members: ProcessEntry[] = [];
      byMark.set(family.mark, members);
      family.members = members;
      for (const [pid, startTicks] of family.seen) {
        const entry = byPid.get(pid);
        if (entry?.startTicks === startTicks) collect(entry, children, taken, members);
      }
    }
    this.#adopt(entries, children, taken, byMark);
    for (const family of this.#families.values()) {
      for (const pid of family.seen.keys()) if (!byPid.has(pid)) family.seen.delete(pid);
      for (const { pid, startTicks } of family.members) family.seen.set(pid, startTicks);
    }
    for (const pid of this.#marks.keys()) if (!byPid.has(pid)) this.#marks.delete(pid);
  }

  /** Finds the families of processes whose parents have gone. */
  #adopt(
    entries: readonly ProcessEntry[],
    children: ReadonlyMap<number, readonly ProcessEntry[]>,
    taken: Set<number>,
    byMark: ReadonlyMap<string, ProcessEntry[]>,
  ): void {
    for (const entry of entries) {
      if (taken.has(entry.pid) || entry.pid === process.pid) continue;
      for (const mark of this.#marksOf(entry)) {
        const members = byMark.get(mark);
        if (members === undefined || taken.has(entry.pid)) continue;
        collect(entry, children, taken, members);
      }
    }
  }

  #marksOf({ pid, startTicks }: ProcessEntry): readonly string[] {
    const known = this.#marks.get(pid);
    if (known !== undefined && known.startTicks === startTicks) return known.marks;
    const environment = readEnvironment(pid);
    if (environment === "") return [];
    const marks = environment === undefined ? [] : marksIn(environment);
    this.#marks.set(pid, { startTicks, marks });
    return marks;
  }
}

function collect(
  entry: ProcessEntry,
  children: ReadonlyMap<number, readonly ProcessEntry[]>,
  taken: Set<number>,
  members: ProcessEntry[],
): void {
  if (taken.has(entry.pid)) return;
  taken.add(entry.pid);
  members.push(entry);
  for (const child of children.get(entry.pid) ?? []) collect(child, children, taken, members);
}

function withDescendants(members: readonly ProcessEntry[], roots: ReadonlySet<number>): Set<number> {
  const found = new Set(roots);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { pid, parent } of members) if (found.has(parent)) found.add(pid);
  }
  return found;
}
