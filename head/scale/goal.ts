/** How many workers there are to be. */

/** What is wanted. */
export type Goal =
  /** Nothing is decided. */
  | { readonly type: "off" }
  /** So many, always. */
  | { readonly type: "fixed"; readonly workers: number }
  /** As many as the ready tasks fill, within bounds. */
  | {
      readonly type: "demand";
      readonly min: number;
      readonly max: number;
      /** Workers without work for so long leave. */
      readonly idleMs: number;
    };

/** The most workers that a goal allows. */
export function mostOf(goal: Goal): number {
  switch (goal.type) {
    case "off":
      return 0;
    case "fixed":
      return goal.workers;
    case "demand":
      return goal.max;
    default:
      return goal satisfies never;
  }
}

/** The fewest. */
export function leastOf(goal: Goal): number {
  return goal.type === "demand" ? goal.min : mostOf(goal);
}

/** For people, e.g. "0 to 20 workers by demand". */
export function goalText(goal: Goal): string {
  switch (goal.type) {
    case "off":
      return "off";
    case "fixed":
      return workersText(goal.workers);
    case "demand":
      return `${goal.min} to ${workersText(goal.max)} by demand`;
    default:
      return goal satisfies never;
  }
}

function workersText(count: number): string {
  return `${count} worker${count === 1 ? "" : "s"}`;
}

/** A goal that was kept as JSON; undefined: it is none. */
export function readGoal(value: unknown): Goal | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, workers, min, max, idleMs } = value as Record<string, unknown>;
  if (type === "off") return { type };
  if (type === "fixed" && isCount(workers)) return { type, workers };
  const isDemand = type === "demand" && isCount(min) && isCount(max) && isCount(idleMs) && min <= max;
  return isDemand ? { type, min, max, idleMs } : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
