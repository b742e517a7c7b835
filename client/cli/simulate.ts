/** `grain simulate`: runs a recorded workload again, on another cluster, in virtual time. */

import { type Command, InvalidArgumentError } from "commander";
// Types only: what it does is the head's, which is loaded when it is asked for.
import type { PoolSpec, RecordedRun, Recording, Replay, SimulationResult } from "grain-scheduler/head";
import { loadConfig } from "../../proto/config/load.js";
import { formatDuration } from "../../proto/duration.js";
import { ConfigError } from "../../proto/errors.js";
import { examples } from "./examples.js";
import { configFlag } from "./head-flags.js";
import { formatTable } from "./table.js";

/** Flags of `grain simulate`. */
export interface SimulateOptions {
  readonly config?: string;
  /** E.g. "20x64c,256G"; default: the recorded workers. */
  readonly workers?: readonly string[];
  readonly policy?: string;
  /** One way, in milliseconds. */
  readonly latency?: number;
  readonly json?: boolean;
}

/** Adds the command. */
export function addSimulate(program: Command, choose: (act: () => Promise<number>) => void): void {
  configFlag(program.command("simulate"))
    .description("Runs a recorded workload again, on other workers, in virtual time.")
    .argument("<trace>", "recorded by `grain-head --trace FILE`")
    .option(
      "--workers <spec>",
      'such as "20x64c,256G,4g": how many, cores, memory, gpus; may be repeated (default: those recorded)',
      (text: string, before: string[] | undefined) => [...(before ?? []), text],
    )
    .option(
      "--policy <policy>",
      "fit, spread, fifo, first-fit or greedy (default: the configuration's, or fit)",
    )
    .option("--latency <ms>", "between head and workers, one way, in milliseconds (default: 0.5)", readMs)
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples(
        ["grain simulate head.trace", "on those recorded"],
        ["grain simulate head.trace --workers 20x64c", "on 20 of 64 cores"],
      ),
    )
    .exitOverride()
    .action((trace: string, options: SimulateOptions) => {
      choose(() => simulate(trace, options, (text) => process.stdout.write(text)));
    });
}

function readMs(text: string): number {
  const ms = Number(text);
  if (text.trim() !== "" && Number.isFinite(ms) && ms >= 0) return ms;
  throw new InvalidArgumentError("Expected a number from 0.");
}

/**
 * Replays a trace and prints what came of it, beside the recorded run.
 *
 * @throws ConfigError for a trace that cannot be read or a policy that is none; ResourceError for workers that are none
 * @example
 * await simulate("head.trace", { workers: ["20x64c,256G"] }, (text) => process.stdout.write(text));
 */
export async function simulate(
  trace: string,
  options: SimulateOptions,
  print: (text: string) => void,
): Promise<number> {
  const head = await import("grain-scheduler/head");
  const named = options.policy ?? (await configuredPolicy(options.config)) ?? "fit";
  const policy = head.SIMULATED_POLICIES.find((name) => name === named);
  if (policy === undefined)
    throw new ConfigError(`"${named}" is no policy; choose one of ${head.SIMULATED_POLICIES.join(", ")}.`);
  const workers = options.workers?.map((text) => head.parsePoolSpec(text));
  const read = await head.readTrace(trace);
  const recording = head.recordingOf(read);
  if (recording.tasks.length === 0)
    throw new ConfigError(`The trace ${trace} holds no task that ended, so there is nothing to replay.`);
  if (workers === undefined && recording.workers.length === 0)
    throw new ConfigError(`No worker joined in the trace ${trace}; name some with --workers.`);
  const replayed = head.replay(recording, { workers, policy, latencyMs: options.latency });
  const dropped = read.lines.reduce((sum, line) => sum + (line.type === "dropped" ? line.lines : 0), 0);
  if (options.json === true) {
    print(`${JSON.stringify(forJson(replayed, policy, dropped, head.formatPoolSpec), undefined, 2)}\n`);
    return 0;
  }
  const about = `Recorded by grain-head ${read.begun.head} from ${read.begun.startedAt} on.\n`;
  print(`${about}${notes(replayed.recorded, dropped, read.torn)}\n`);
  print(showReplay(recording, replayed, policy, head.formatPoolSpec));
  return 0;
}

async function configuredPolicy(configFile: string | undefined): Promise<string | undefined> {
  const { env } = process;
  const { head } = await loadConfig({ configFile, env, cwd: process.cwd(), scope: ["head.scheduling"] });
  return head.scheduling.policy;
}

type Format = (spec: PoolSpec) => string;

function forJson(
  { recorded, simulated, workers, bound }: Replay,
  policy: string,
  dropped: number,
  format: Format,
) {
  return {
    recorded: { ...recorded, droppedLines: dropped },
    simulated,
    workers: gathered(workers, format),
    policy,
    bound,
  };
}

function notes({ leftOut }: RecordedRun, dropped: number, torn: boolean): string {
  const parts: string[] = [];
  if (leftOut > 0) parts.push(`${leftOut} tasks without a known run time are left out.\n`);
  if (dropped > 0) parts.push(`${dropped} lines were not recorded: the disk was too slow.\n`);
  if (torn) parts.push("Its last line is torn and left out.\n");
  return parts.join("");
}

/** Both runs, side by side, for people. */
export function showReplay(recording: Recording, replay: Replay, policy: string, format: Format): string {
  const { recorded, simulated, bound } = replay;
  const kind = recorded.utilisation.dominantKind;
  const rows: [string, string, string][] = [
    ["tasks", String(recorded.tasks), String(simulated.finished + simulated.failed)],
    ["makespan", time(recorded.makespanMs), time(simulated.makespanMs)],
    ["wait, mean", time(recorded.waitMs.mean), time(simulated.waitMs.mean)],
    ["wait, median", time(recorded.waitMs.median), time(simulated.waitMs.median)],
    ["wait, 99th percentile", time(recorded.waitMs.p99), time(simulated.waitMs.p99)],
    ["cores in use", percent(recorded.utilisation.cores), percent(simulated.utilisation.cores)],
    [
      "cores in use while tasks waited",
      percent(recorded.utilisation.coresWhileWaiting),
      percent(simulated.utilisation.coresWhileWaiting),
    ],
  ];
  if (kind !== "cores" || simulated.utilisation.dominantKind !== "cores")
    rows.push(["most used", mostUsed(recorded), mostUsed(simulated)]);
  rows.push(["fairness (Jain)", fairness(recorded.fairness), fairness(simulated.fairness)]);
  return [
    `Recorded on ${gathered(recording.workers, format)}.\n`,
    `Simulated with "${policy}" on ${gathered(replay.workers, format)}.\n\n`,
    formatTable(["", "RECORDED", "SIMULATED"], rows),
    `\n${verdict(recorded, simulated)}`,
    `No schedule on these workers takes less than ${time(bound.makespanMs)} (${bound.because}).\n`,
  ].join("");
}

function verdict(recorded: RecordedRun, simulated: SimulationResult): string {
  const { unfinished, makespanMs } = simulated;
  if (unfinished > 0) return `These workers could never run ${unfinished} of the tasks.\n`;
  const ratio = makespanMs / Math.max(recorded.makespanMs, Number.MIN_VALUE);
  if (ratio <= 1.01) return "These workers would have been enough: the work is done no later.\n";
  return `The work would have taken ${ratio.toFixed(2)} times as long.\n`;
}

function mostUsed({ utilisation }: Pick<SimulationResult, "utilisation">): string {
  return `${utilisation.dominantKind} ${percent(utilisation.dominant)}`;
}

/** Like workers together. */
function gathered(workers: readonly PoolSpec[], format: Format): string {
  const counts = new Map<string, number>();
  for (const { count, pool } of workers) {
    const one = format({ count: 1, pool }).slice("1x".length);
    counts.set(one, (counts.get(one) ?? 0) + count);
  }
  return [...counts].map(([one, count]) => `${count}x${one}`).join(" and ");
}

function fairness(index: number | undefined): string {
  return index === undefined ? "-" : index.toFixed(3);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

/** Of long times nobody needs the milliseconds. */
function time(ms: number): string {
  if (ms < 1_000) return `${ms.toFixed(1)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(2)} s`;
  return formatDuration(Math.round(ms / 1_000) * 1_000);
}
