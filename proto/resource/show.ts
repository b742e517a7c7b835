/** Putting what a user wrote into the message that refuses it. */

const MAX_LENGTH = 80;

/** Other usual words for what is built in. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ["core", "cores"],
  ["cpu", "cores"],
  ["cpus", "cores"],
  ["gpu", "gpus"],
  ["mem", "memory"],
  ["walltime", "wtime"],
  ["tokens", "token"],
  ["limits", "limit"],
]);

/** The built-in name that a word is another usual word for, e.g. "cores" for "CPUs". */
export function synonymOf(word: string): string | undefined {
  return SYNONYMS.get(word.toLowerCase());
}

/** A value as it would be written in a program, cut to a readable length. */
export function show(value: unknown): string {
  if (typeof value === "function") return value.name === "" ? "a function" : `the function ${value.name}`;
  if (typeof value === "symbol") return "a symbol";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" && typeof value !== "string") return String(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = undefined;
  }
  if (text === undefined) return "an object";
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 1)}…` : text;
}

/**
 * The candidate that a word was probably meant to be: the same but for its case,
 * another word for it, or a few letters away.
 *
 * @param maxLetters how many letters may differ. Default: 2
 * @returns undefined when none is near
 */
export function nearest(word: string, candidates: readonly string[], maxLetters = 2): string | undefined {
  const lower = word.toLowerCase();
  const synonym = synonymOf(word);
  if (synonym !== undefined && candidates.includes(synonym)) return synonym;
  // Two letters of a three-letter word are another word.
  let bestDistance = Math.min(maxLetters, Math.floor(lower.length / 2)) + 1;
  let best: string | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(lower, candidate.toLowerCase());
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

/** How many letters must be put in, taken out or changed to turn one word into the other. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
