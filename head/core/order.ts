/**
 * Whose turn it is among lines of one urgency: what is to run again first;
 * then the session that holds the least of what it holds most of, by its weight
 * (dominant resource fairness: Ghodsi et al., NSDI 2011); then the order of submission.
 */

import { KeyedHeap } from "./heap.js";
import { compareLevels, type Urgency } from "./level.js";
import type { Line } from "./line.js";
import { dominantShare, type Session } from "./session.js";
import type { State } from "./state.js";
import type { TaskClass } from "./task-class.js";

/** How urgent a class is now: its level, raised by its waiting if that is configured. */
export function urgencyOf(state: Readonly<State>, cls: TaskClass): Urgency {
  const { ageingMs } = state.options;
  if (ageingMs === Number.POSITIVE_INFINITY) return cls.level;
  const raised = Math.floor((state.nowMs - cls.waitingSinceMs) / ageingMs);
  return { prioritized: cls.level.prioritized, priority: cls.level.priority + raised };
}

/** Lines of one urgency. */
export interface UrgencyGroup extends Urgency {
  readonly lines: Iterable<Line>;
}

/** The lines that wait, by urgency, most urgent first. */
export function byUrgency(state: Readonly<State>): Iterable<UrgencyGroup> {
  if (state.options.ageingMs === Number.POSITIVE_INFINITY) return state.levels;
  const groups: { prioritized: boolean; priority: number; lines: Line[] }[] = [];
  for (const level of state.levels) {
    for (const line of level.lines) {
      const urgency = urgencyOf(state, line.first());
      const group = groups.find((other) => compareLevels(other, urgency) === 0);
      if (group === undefined) groups.push({ ...urgency, lines: [line] });
      else group.lines.push(line);
    }
  }
  return groups.sort(compareLevels);
}

/** Takes turns among lines. */
export class Turns {
  readonly #sessions = new Map<Session, KeyedHeap<Line>>();

  /**
   * @param lines in the order in which they began to wait; a session goes by its first
   * @param takesPart which of them do. Default: all
   */
  constructor(
    private readonly state: Readonly<State>,
    lines: Iterable<Line>,
    takesPart: (line: Line) => boolean = () => true,
  ) {
    for (const line of lines) {
      let own = this.#sessions.get(line.session);
      if (own === undefined) {
        own = new KeyedHeap();
        this.#sessions.set(line.session, own);
      }
      if (takesPart(line)) own.push(line, line.key);
    }
    for (const [session, own] of this.#sessions) if (own.size === 0) this.#sessions.delete(session);
  }

  /** Whether something that is to run again waits for its turn. */
  get runsAgain(): boolean {
    for (const lines of this.#sessions.values()) if (lines.firstKey! < 0) return true;
    return false;
  }

  /** The line whose turn it is; undefined: none is left. */
  next(): Line | undefined {
    let best: KeyedHeap<Line> | undefined;
    let bestAgain = false;
    let bestShare = 0;
    for (const [session, lines] of this.#sessions) {
      const again = lines.firstKey! < 0;
      if (best !== undefined && bestAgain && !again) continue;
      const share = this.#shareOf(session);
      if (best === undefined || again !== bestAgain || share < bestShare) {
        best = lines;
        bestAgain = again;
        bestShare = share;
      }
    }
    return best?.first;
  }

  /** The line has placed a task: its next one takes its place in the order. */
  placed(line: Line): void {
    if (line.size === 0) this.drop(line);
    else this.#sessions.get(line.session)!.rekeyFirst(line.key);
  }

  /** The line can place nothing more in this plan. It must be the one whose turn it is. */
  drop(line: Line): void {
    const lines = this.#sessions.get(line.session)!;
    lines.removeFirst();
    if (lines.size === 0) this.#sessions.delete(line.session);
  }

  #shareOf(session: Session): number {
    if (this.#sessions.size === 1) return 0;
    return dominantShare(session, this.state.clusterTotal) / session.weight;
  }
}
