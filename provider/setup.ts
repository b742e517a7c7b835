/** The lines of `setup_cleanup`: which belong together, and which are for the end of the job. */

/** What is done one after the other when a job begins. */
export type Step =
  | { readonly type: "run"; readonly lines: readonly string[] }
  /** From here on it is run at the end. */
  | { readonly type: "defer"; readonly line: string };

const DEFER = /^\s*defer\s+/;
const WORD = /(?:^|[;&|({]|\b(?:then|do|else|elif)\b)\s*(if|case|for|while|until|select|fi|esac|done)\b/g;
const OPENING = new Set(["if", "case", "for", "while", "until", "select"]);
const HEREDOC = /<<-?\s*(["']?)(\w+)\1/;

/**
 * Gathers lines into steps, each of which can be checked when it is done: a line, or as many as make up
 * an `if`, a loop, a function, a here-document or a line that goes on in the next.
 *
 * @example
 * stepsOf(["module load node", "defer rm -r $TMP"])
 * // [{ type: "run", lines: ["module load node"] }, { type: "defer", line: "rm -r $TMP" }]
 */
export function stepsOf(lines: readonly string[]): Step[] {
  const steps: Step[] = [];
  let open: string[] = [];
  let depth = 0;
  let until: string | undefined;
  for (const line of lines) {
    if (open.length === 0 && DEFER.test(line)) {
      steps.push({ type: "defer", line: line.replace(DEFER, "") });
      continue;
    }
    if (open.length === 0 && /^\s*(#|$)/.test(line)) continue;
    open.push(line);
    if (until !== undefined) {
      if (line.trim() !== until) continue;
      until = undefined;
    } else {
      depth = Math.max(0, depth + deeper(line));
      until = HEREDOC.exec(line)?.[2];
    }
    if (depth > 0 || until !== undefined || /(\\|&&|\|)\s*$/.test(line)) continue;
    steps.push({ type: "run", lines: open });
    open = [];
  }
  if (open.length > 0) steps.push({ type: "run", lines: open });
  return steps;
}

/** How many constructs a line opens, less those it closes. */
function deeper(line: string): number {
  let change = /\{\s*$/.test(line) ? 1 : 0;
  if (/^\s*\}/.test(line)) change -= 1;
  for (const [, word] of line.matchAll(WORD)) change += OPENING.has(word!) ? 1 : -1;
  return change;
}
