/**
 * The script of a job: set-up, the worker, clean-up. What a system wants to read at its top is the system's own.
 *
 * Without clean-up the worker takes the shell's place. With clean-up the shell stays, hands on the signals it
 * gets, and waits, so that the clean-up is done however the job ends, save by SIGKILL.
 */

import { ConfigError } from "../proto/errors.js";
import type { JobRequest } from "./provider.js";
import { jobWord, shellWord } from "./quote.js";
import type { ScriptSettings } from "./settings.js";
import { type Step, stepsOf } from "./setup.js";

/** What a system adds to a script. */
export interface ScriptFrame {
  /** As in `system = "slurm"`. */
  readonly system: string;
  /** Lines that the batch system reads. */
  readonly directives: readonly string[];
  /** An expression of the shell for the job's id, to stand between double quotes. */
  readonly id: string;
  /** Further lines before the set-up. */
  readonly before?: readonly string[];
}

const SHELLS = /\b(sh|bash|dash|ksh|zsh|ash)\b/;
/** By the second of those that batch systems warn with. */
const SIGNALS = "TERM INT HUP USR1 USR2 XCPU";

/**
 * Writes a job's script.
 *
 * @throws ConfigError for a shell that cannot run it, and for text that would be more than one line
 * @example
 * jobScript(job, settings.script, { system: "slurm", directives: ["#SBATCH --time=1:00:00"], id: "$SLURM_JOB_ID" });
 */
export function jobScript(job: JobRequest, script: ScriptSettings, frame: ScriptFrame): string {
  const { shebang } = script;
  if (!shebang.startsWith("#!/") || !SHELLS.test(shebang) || /csh/.test(shebang))
    throw new ConfigError(
      `The shebang ${JSON.stringify(shebang)} cannot begin a job script; it must be a Bourne shell's, such as "#!/bin/bash".`,
    );
  for (const line of [shebang, ...frame.directives])
    if (/[\r\n\0]/.test(line))
      throw new ConfigError(`${JSON.stringify(line)} is more than one line; a job script needs it on one.`);
  const steps = stepsOf(script.setupCleanup.flatMap((text) => text.split(/\r?\n/)));
  const deferred = steps.flatMap((step) => (step.type === "defer" ? [step.line] : []));
  const command = job.command.map(jobWord).join(" ");
  return [
    shebang,
    ...frame.directives,
    ...facts(job, script, frame),
    ...(frame.before ?? []),
    ...(steps.some((step) => step.type === "run") ? CHECK : []),
    ...(deferred.length > 0 ? cleanUp(deferred) : []),
    ...setUp(steps),
    ...(deferred.length > 0 ? [`${command} &`, ...WAIT] : [`exec ${command}`]),
    "",
  ].join("\n");
}

/** What the job can be told of itself, whatever the batch system tells it. */
function facts(job: JobRequest, script: ScriptSettings, frame: ScriptFrame): string[] {
  const { walltimeMs, cores, memoryBytes } = script;
  const lines = [
    `export GRAIN_JOB_SYSTEM=${shellWord(frame.system)}`,
    `export GRAIN_JOB_ID="${frame.id}"`,
    'export GRAIN_JOB_STARTED="$(date +%s)"',
  ];
  if (walltimeMs !== undefined) lines.push(`export GRAIN_JOB_SECONDS=${Math.floor(walltimeMs / 1_000)}`);
  if (cores !== undefined) lines.push(`export GRAIN_JOB_CORES=${cores}`);
  if (memoryBytes !== undefined) lines.push(`export GRAIN_JOB_BYTES=${memoryBytes}`);
  for (const [name, value] of Object.entries(job.environment))
    lines.push(`export ${name}=${shellWord(value)}`);
  return lines;
}

const CHECK = [
  "grain_check() {",
  '  if [ "$1" -ne 0 ]; then',
  '    echo "grain: this line of setup_cleanup failed with exit code $1, so no worker is started: $2" >&2',
  '    exit "$1"',
  "  fi",
  "}",
];

function setUp(steps: readonly Step[]): string[] {
  let deferred = 0;
  return steps.flatMap((step) => {
    if (step.type === "run")
      return [...step.lines, `grain_check $? ${shellWord(step.lines.map((line) => line.trim()).join(" "))}`];
    deferred += 1;
    return [`grain_deferred=${deferred}`];
  });
}

/** Only what was reached is undone, in reverse. */
function cleanUp(lines: readonly string[]): string[] {
  const undo = lines
    .map((line, i) => [`  if [ "$grain_deferred" -ge ${i + 1} ]; then :`, `    ${line}`, "  fi"])
    .reverse()
    .flat();
  return [
    "grain_deferred=0",
    "grain_worker=",
    "grain_clean_up() {",
    "  grain_status=$?",
    `  trap '' ${SIGNALS}`,
    "  trap - EXIT",
    ...undo,
    '  exit "$grain_status"',
    "}",
    "grain_signal() {",
    '  if [ -z "$grain_worker" ]; then exit 143; fi',
    '  kill -TERM "$grain_worker" 2>/dev/null',
    "}",
    "trap grain_clean_up EXIT",
    `trap grain_signal ${SIGNALS}`,
  ];
}

/** A signal ends `wait`, but not the worker. */
const WAIT = [
  "grain_worker=$!",
  'wait "$grain_worker"',
  "grain_status=$?",
  'while kill -0 "$grain_worker" 2>/dev/null; do',
  '  wait "$grain_worker"',
  "  grain_status=$?",
  "done",
  'exit "$grain_status"',
];
