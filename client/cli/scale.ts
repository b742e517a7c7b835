/** `grain scale`: how many workers a head keeps through its batch system, and why. */

import { type Command, InvalidArgumentError } from "commander";
import { parseDuration } from "../../proto/duration.js";
import { ConfigError, GrainError, messageOf } from "../../proto/errors.js";
import type { ScaleRequest } from "../../proto/grain.js";
import { type AskOptions, askHead } from "./ask-head.js";
import { examples } from "./examples.js";
import { type Output, outputOf } from "./output.js";
import { scaleJson, showScale } from "./scale-text.js";
import { ALOUD, type Voice } from "./submit-jobs.js";

/** Flags of `grain scale`. */
export interface ScaleFlags extends AskOptions {
  readonly min?: number;
  readonly max?: number;
  /** Milliseconds. */
  readonly idle?: number;
  readonly explain?: true;
  readonly resume?: true;
  readonly stop?: true;
  readonly cancel?: true;
}

/** Adds the command. @param common adds the flags that name a head */
export function addScale(
  program: Command,
  common: (command: Command) => Command,
  choose: (act: () => Promise<number>) => void,
): void {
  common(program.command("scale"))
    .description(
      "Says how many workers the head keeps through its batch system; without arguments, how that stands.",
    )
    .argument("[number]", "so many, always", readNumber)
    .option(
      "--min <n>",
      "as many as there is work for, and at least so many (default: the configuration's, or 0)",
      readNumber,
    )
    .option("--max <n>", "and at most so many (default: the configuration's)", readNumber)
    .option(
      "--idle <duration>",
      "workers without work for so long leave (default: the configuration's, or 5m)",
      readDuration,
    )
    .option("--explain", "how it stands, with the last decisions and their reasons")
    .option("--resume", "go on after a pause, with the configuration as it is now")
    .option("--stop", "keep no number any more; workers stay")
    .option("--cancel", "with --stop: cancel jobs that have not started")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples(
        ["grain scale 4", "four workers, always"],
        ["grain scale --min 0 --max 20", "workers come and go with the work"],
        ["grain scale --explain", "what was decided, and why"],
        ["grain scale --resume", "when what made jobs fail is repaired"],
        ["grain scale --stop", "no number any more; workers stay"],
      ),
    )
    .action((number: number | undefined, flags: ScaleFlags) =>
      choose(() => scale(number, flags, ALOUD, outputOf(process.stdout))),
    );
}

function readNumber(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count <= 100_000) return count;
  throw new InvalidArgumentError("Expected a whole number from 0 to 100000.");
}

function readDuration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/**
 * Changes or shows the number of workers that a head keeps.
 *
 * @throws ConfigError for flags that do not go together; GrainError when the head cannot do that; AuthError when only administrators may
 * @example
 * await scale(4, {}, ALOUD, outputOf(process.stdout));
 */
export async function scale(
  number: number | undefined,
  flags: ScaleFlags,
  voice: Voice,
  output: Output,
): Promise<number> {
  const change = changeOf(number, flags);
  const status = await askHead(flags, (head) =>
    change === undefined ? head.explainScale() : head.scale({ change }),
  );
  for (const warning of change === undefined ? [] : status.warnings) voice.warn(warning);
  if (status.refused !== "") throw new GrainError(status.refused);
  output.write(
    flags.json === true
      ? `${JSON.stringify(scaleJson(status), undefined, 2)}\n`
      : showScale(status, shown(change, flags), output),
  );
  return 0;
}

/** How many decisions are of interest. */
function shown(change: ScaleRequest["change"], { explain }: ScaleFlags): number {
  if (explain === true) return Number.POSITIVE_INFINITY;
  return change === undefined ? 5 : 0;
}

/** What is to be changed; undefined: nothing. */
function changeOf(number: number | undefined, flags: ScaleFlags): ScaleRequest["change"] {
  const { min, max, idle, explain, resume, stop, cancel } = flags;
  const isDemand = min !== undefined || max !== undefined || idle !== undefined;
  const asked = [
    number === undefined ? undefined : "a number",
    isDemand ? "--min, --max, --idle" : undefined,
    explain && "--explain",
    resume && "--resume",
    stop && "--stop",
  ].filter((each) => each !== undefined);
  if (asked.length > 1) throw new ConfigError(`${asked.join(" and ")} do not go together; give one of them.`);
  if (cancel === true && stop !== true)
    throw new ConfigError("--cancel goes with --stop; `grain quit` cancels single jobs.");
  if (resume) return { $case: "resume", resume: {} };
  if (stop) return { $case: "stop", stop: { cancel: cancel === true } };
  if (isDemand) return { $case: "demand", demand: { min, max, idleMs: idle } };
  return number === undefined ? undefined : { $case: "fixed", fixed: { workers: number } };
}
