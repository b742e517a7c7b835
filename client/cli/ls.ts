/** `grain ls`: what a head says of its workers, queue and clients; once, or again and again. */

import type { Command } from "commander";
import { formatDuration } from "../../proto/duration.js";
import type { HeadStatus, QueueInfo, WorkerInfo } from "../../proto/grain.js";
import { formatMemoryShort, SCALE } from "../../proto/resource/amount.js";
import { formatPool, poolAmounts } from "../../proto/resource/pool.js";
import { formatAge } from "./age.js";
import { type AskOptions, askHead } from "./ask-head.js";
import { examples } from "./examples.js";
import { type Output, outputOf, type Tone } from "./output.js";
import { sessionTable } from "./session-table.js";
import { statusJson } from "./status-json.js";
import { ALOUD, configOf } from "./submit-jobs.js";
import { seeJobs, showJobs } from "./submitted.js";
import { type Cell, formatTable } from "./table.js";
import { readInterval, watch } from "./watch.js";

/** Flags of `grain ls`. */
export interface LsOptions extends AskOptions {
  /** Milliseconds; true: as often as usual. */
  readonly watch?: number | true;
}

/** How often it is looked again. */
const WATCH_MS = 2_000;
/** How often batch systems are asked. */
const JOBS_MS = 60_000;

/** Adds the command. @param common adds the flags that name a head */
export function addLs(
  program: Command,
  common: (command: Command) => Command,
  choose: (act: () => Promise<number>) => void,
): void {
  common(program.command("ls"))
    .description("Shows the workers with what is free on them, the queue and the clients.")
    .option(
      "-w, --watch [duration]",
      "again and again until Ctrl-C, so often (default: every 2 s)",
      readInterval,
    )
    .option("--json", "as JSON; with --watch a line each time")
    .addHelpText(
      "after",
      examples(
        ["grain ls --address cluster:7700", "the head at this address"],
        ["grain ls --watch", "redrawn every two seconds"],
        ["grain ls --json | jq '.workers[].name'", "for programs: see docs/commands.md"],
      ),
    )
    .action((options: LsOptions) => choose(() => ls(options, outputOf(process.stdout))));
}

/**
 * Asks a head for its state, and batch systems for the jobs that are no workers yet, and prints it.
 *
 * @throws ConfigError when no head is named; ConnectionError when it does not answer
 * @example
 * await ls({ address: "cluster:7700" }, outputOf(process.stdout));
 */
export async function ls(options: LsOptions, out: Output): Promise<number> {
  const config = await configOf(options, ALOUD);
  if (options.watch === undefined) {
    const seen = await seeJobs(config, process.env, Date.now());
    try {
      const status = await askHead(options, (head) => head.status());
      out.write(options.json === true ? json(status, seen, 2) : show(status, seen, out));
    } catch (error) {
      // Its job may be what is waiting.
      if (options.json !== true) out.write(showJobs(seen, new Set(), Date.now()));
      throw error;
    }
    return 0;
  }
  const intervalMs = options.watch === true ? WATCH_MS : options.watch;
  const jobs = jobsOf(config);
  await askHead(options, (head) =>
    watch(out, {
      intervalMs,
      inPlace: options.json !== true,
      async look() {
        const status = await head.status();
        const seen = await jobs();
        return options.json === true ? json(status, seen) : show(status, seen, out);
      },
    }),
  );
  return 0;
}

type Seen = Awaited<ReturnType<typeof seeJobs>>;

/** Batch systems do not like to be asked often. */
function jobsOf(config: Parameters<typeof seeJobs>[0]): () => Promise<Seen> {
  let seen: Promise<Seen> | undefined;
  let askedMs = 0;
  return () => {
    const nowMs = Date.now();
    if (seen === undefined || nowMs - askedMs >= JOBS_MS) {
      seen = seeJobs(config, process.env, nowMs);
      askedMs = nowMs;
    }
    return seen;
  };
}

function json(status: HeadStatus, { jobs }: Seen, indent?: number): string {
  return `${JSON.stringify({ ...statusJson(status), jobs }, undefined, indent)}\n`;
}

function show(status: HeadStatus, seen: Seen, out: Output): string {
  const jobs = showJobs(seen, new Set(status.workers.flatMap(({ job }) => job ?? [])), Date.now());
  return `${showStatus(status, out)}${jobs === "" ? "" : `\n${jobs}`}`;
}

/**
 * A head's state for people, no wider than the terminal.
 *
 * @example
 * process.stdout.write(showStatus(status));
 */
export function showStatus(
  status: HeadStatus,
  out: Pick<Output, "width" | "paint"> = outputOf(NOWHERE),
): string {
  const { hello, uptimeMs, workers, queues, sessions, swarm } = status;
  // Seconds are enough: an uptime is read, not measured.
  const up = formatDuration(Math.floor(uptimeMs / 1_000) * 1_000);
  const queued = queues.filter((queue) => queue.queued > 0);
  const parts = [
    `Head ${hello?.version ?? ""} on ${hello?.host ?? "?"}, process ${hello?.pid ?? "?"}, up ${up}\n${
      swarm === undefined ? "" : `It ${swarm} (grain scale).\n`
    }`,
    workers.length === 0 ? "No workers are connected.\n" : workerTable(workers, out),
    queued.length === 0 ? "Nothing is queued.\n" : queueTable(queued, status, out),
  ];
  if (sessions.length > 0) parts.push(sessionTable(sessions, out));
  return parts.join("\n");
}

const NOWHERE = { write: () => true };

const TONES: Readonly<Record<string, Tone>> = {
  ready: "good",
  draining: "warning",
  pressed: "warning",
  isolated: "warning",
  suspect: "bad",
};

function workerTable(workers: readonly WorkerInfo[], out: Pick<Output, "width" | "paint">): string {
  const hasGpus = workers.some(({ pool }) => (pool?.gpus.length ?? 0) > 0);
  const others = workers.map(otherOf);
  const hasOthers = others.some((text) => text !== "");
  const ends = workers.some(({ remainingMs }) => remainingMs !== undefined);
  const header = ["WORKER", "STATE", "CORES", "MEMORY"];
  if (hasGpus) header.push("GPUS");
  if (hasOthers) header.push("OTHER");
  header.push("RUN", "AHEAD", "DONE", "AGE");
  if (ends) header.push("LEFT");
  const rows = workers.map((worker, index) => {
    const row: Cell[] = [
      worker.name,
      { text: worker.state, tone: TONES[worker.state] },
      share(worker, "cores"),
      share(worker, "memory"),
    ];
    if (hasGpus) row.push(share(worker, "gpus"));
    if (hasOthers) row.push(others[index]!);
    row.push(worker.running, worker.waiting, worker.finished, formatAge(worker.connectedMs));
    if (ends) row.push(formatAge(worker.remainingMs));
    return row;
  });
  return formatTable(header, rows, out);
}

/** What is free, of how much. */
function share({ pool, free }: WorkerInfo, kind: string): string {
  const total = pool === undefined ? 0 : (poolAmounts(pool).get(kind) ?? 0);
  const left = free.find((amount) => amount.kind === kind)?.amount ?? 0;
  if (total === 0) return "-";
  return kind === "memory" ? formatMemoryShort(left, total) : `${left / SCALE}/${total / SCALE}`;
}

/** What has no column of its own. */
function otherOf({ pool, free }: WorkerInfo): string {
  if (pool === undefined || pool.others.length + pool.tokens.length === 0) return "";
  const amounts = new Map(free.map(({ kind, amount }) => [kind, amount]));
  const rest = { ...pool, cores: [], gpus: [], memoryBytes: 0, remainingMs: undefined };
  return formatPool(rest, amounts);
}

/** What waits for the same, with the same urgency, of one client. */
interface Wait {
  readonly info: QueueInfo;
  queued: number;
  readonly functions: string[];
}

function queueTable(
  queues: readonly QueueInfo[],
  { sessions }: HeadStatus,
  out: Pick<Output, "width" | "paint">,
): string {
  const names = new Map(sessions.map(({ session, name }) => [session, name]));
  const waits = new Map<string, Wait>();
  for (const info of queues) {
    const { session, demand, prioritized, priority, queued } = info;
    const key = `${session} ${prioritized} ${priority} ${demand}`;
    const known = waits.get(key);
    if (known === undefined) waits.set(key, { info, queued, functions: [info.function] });
    else {
      known.queued += queued;
      known.functions.push(info.function);
    }
  }
  return formatTable(
    ["QUEUED", "DEMAND", "WHY", "PRIO", "CLIENT", "FUNCTION"],
    [...waits.values()].map(({ info, queued, functions }) => [
      queued,
      info.demand,
      { text: info.why ?? "", tone: info.why === "never fits" ? "bad" : undefined },
      `${info.priority}${info.prioritized ? "!" : ""}`,
      `${info.session} ${names.get(info.session) ?? ""}`.trim(),
      functions.join(", "),
    ]),
    out,
  );
}
