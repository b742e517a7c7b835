/** How a head's swarm stands, for people and as JSON. */

import { formatDuration } from "../../proto/duration.js";
import type { ScaleStatus } from "../../proto/grain.js";
import type { Output, Tone } from "./output.js";

/** Of what goes on in the next line. */
const INDENT = 2;

/** As `grain scale --json` gives it; times are in milliseconds. */
export function scaleJson({ refused: _, pause, decisions, unfit, ...rest }: ScaleStatus) {
  const { mode, min, max, idleMs, system, ...more } = rest;
  return { mode, min, max, idleMs, system, ...more, pause: pause ?? null, unfit, decisions };
}

/**
 * Writes it for a terminal.
 *
 * @param decisions how many of the last are shown
 */
export function showScale(
  status: ScaleStatus,
  decisions: number,
  { width, paint }: Pick<Output, "width" | "paint">,
): string {
  const lines = [...standing(status), ...trouble(status)].map(({ text, tone }) => {
    const shown = wrapped(text, width);
    return tone === undefined ? shown : paint(tone, shown);
  });
  const entries = status.decisions.slice(0, decisions).map(({ agoMs, text }) => {
    const ago = `${duration(agoMs)} ago`;
    return paint("faint", ago) + wrapped(`${ago}  ${text}`, width).slice(ago.length);
  });
  return [lines, entries].flatMap((part) => (part.length === 0 ? [] : `${part.join("\n")}\n`)).join("\n");
}

interface Line {
  readonly text: string;
  readonly tone?: Tone;
}

function standing(status: ScaleStatus): Line[] {
  const lines: Line[] = [
    { text: goalText(status), tone: "strong" },
    { text: `There: ${thereText(status)}.` },
  ];
  if (status.mode === "demand") lines.push({ text: workText(status) });
  else if (status.mode === "fixed" && status.worker !== "")
    lines.push({ text: `A worker has ${status.worker}.` });
  if (status.mode !== "off")
    lines.push({
      text:
        status.configFile === ""
          ? "The head has no configuration: grain init writes one, and --config names it to the head."
          : `Jobs are as ${status.configFile} says.`,
    });
  for (const { demand, tasks, reason } of status.unfit)
    lines.push({ text: `No worker is asked for by ${counted(tasks, "task")} of ${demand}: ${reason}.` });
  return lines;
}

function goalText({ mode, min, max, idleMs, system }: ScaleStatus): string {
  const on = system === "" ? "" : ` on ${system}`;
  switch (mode) {
    case "fixed":
      return `Keeps ${counted(max, "worker")}${on}.`;
    case "demand":
      return `Keeps ${min} to ${counted(max, "worker")}${on}, as many as there is work for; idle ones leave after ${duration(idleMs)}.`;
    default:
      return "Keeps no number of workers: grain scale --help shows how to say one.";
  }
}

function thereText({ workers, idle, leaving, ending, queued, starting, others }: ScaleStatus): string {
  const kinds = [
    [idle, "idle"],
    [leaving, "leaving"],
    [ending, "near the end of their walltime"],
  ] as const;
  const some = kinds.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const jobs = [
    [queued, "waiting"],
    [starting, "starting"],
    [others, "of grain up"],
  ] as const;
  const parts = [`${counted(workers, "worker")}${some.length === 0 ? "" : ` (${some.join(", ")})`}`];
  for (const [count, what] of jobs) if (count > 0) parts.push(`${counted(count, "job")} ${what}`);
  return parts.join(", ");
}

function workText({ wanted, ready, worker, probing }: ScaleStatus): string {
  const has = worker === "" ? "" : ` of ${worker}`;
  if (wanted === 0) return "Work: no ready task asks for more workers.";
  const fill = `Work: ${counted(ready, "ready task")} would fill ${counted(wanted, "more worker")}${has}.`;
  return probing ? `${fill} What else a new one has is known when the first is there.` : fill;
}

function trouble({ pause, retryMs, problem, mode }: ScaleStatus): Line[] {
  const lines: Line[] = [];
  if (problem !== "")
    lines.push({ text: `The batch system could not be asked: ${problem}.`, tone: "warning" });
  if (pause === undefined) {
    if (retryMs > 0 && mode !== "off")
      lines.push({ text: `The next job is submitted in ${duration(retryMs)} at the earliest.` });
    return lines;
  }
  const { why, agoMs, logFile, lastLine } = pause;
  lines.push({ text: `Paused ${duration(agoMs)} ago: ${why.replace(/\.$/, "")}.`, tone: "bad" });
  if (logFile !== "") lines.push({ text: `Read the log ${logFile}` });
  if (lastLine !== "") lines.push({ text: `which ends with: ${lastLine}` });
  lines.push({ text: "When it is repaired: grain scale --resume" });
  return lines;
}

/** Breaks a line at blanks. A word that is longer than a line, such as a path, stays whole. */
function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const next = line === "" ? word : `${line} ${word}`;
    const room = lines.length === 0 ? width : width - INDENT;
    if (line === "" || next.length <= room) line = next;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line].map((each, i) => (i === 0 ? each : `${" ".repeat(INDENT)}${each}`)).join("\n");
}

function duration(ms: number): string {
  return formatDuration(Math.round(ms / 1_000) * 1_000);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
