/** Names and log files with what is only known when they are used: `w{{HHMMSS}}`, `logs/{{HOST}}.log`. */

import { nearest } from "./resource/show.js";

/** What a template may mention. */
export interface TemplateValues {
  readonly now: Date;
  readonly host: string;
  readonly pid: number;
  /** The worker's or job's name; absent where it is the name that is made. */
  readonly name?: string | undefined;
  /** The batch job's id; absent outside of one. */
  readonly job?: string | undefined;
}

type Read = (values: TemplateValues) => string;

const two = (number: number) => String(number).padStart(2, "0");

const READ: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["HHMMSS", ({ now }) => two(now.getHours()) + two(now.getMinutes()) + two(now.getSeconds())],
  ["YYYYMMDD", ({ now }) => `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`],
  ["HOST", ({ host }) => host],
  ["PID", ({ pid }) => String(pid)],
  ["NAME", ({ name }) => name ?? ""],
  ["JOB", ({ job }) => job ?? ""],
]);

const PLACE = /\{\{\s*([^{}]*?)\s*\}\}/g;

/**
 * Fills a template in.
 *
 * @param text with `{{HHMMSS}}` and `{{YYYYMMDD}}` (local time), `{{HOST}}`, `{{PID}}`, `{{NAME}}`, `{{JOB}}`
 * @throws RangeError for what a template cannot mention
 * @example
 * fillTemplate("w{{HHMMSS}}", { now: new Date(), host: "n1", pid: 7 }) // "w093005"
 */
export function fillTemplate(text: string, values: TemplateValues): string {
  return text.replaceAll(PLACE, (place, word: string) => {
    const read = READ.get(word);
    if (read === undefined) throw new RangeError(unknown(place, word));
    return read(values);
  });
}

/**
 * Refuses what a template cannot mention.
 *
 * @throws RangeError that names it and what there is
 */
export function checkTemplate(text: string): void {
  fillTemplate(text, { now: new Date(0), host: "", pid: 0 });
}

function unknown(place: string, word: string): string {
  const names = [...READ.keys()];
  const near = nearest(word, names);
  return near === undefined
    ? `${place} is not known; there are ${names.map((name) => `{{${name}}}`).join(", ")}`
    : `${place} is not known; did you mean {{${near}}}?`;
}
