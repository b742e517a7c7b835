/** `grain ls`: what a head says of its workers, queue and clients. */

import { formatDuration } from "../../proto/duration.js";
import type { HeadStatus } from "../../proto/grain.js";
import { formatPool, type Pool } from "../../proto/resource/pool.js";
import { type AskOptions, askHead } from "./ask-head.js";
import { ALOUD, configOf } from "./submit-jobs.js";
import { seeJobs, showJobs } from "./submitted.js";
import { formatTable } from "./table.js";

/** Flags of `grain ls`. */
export type LsOptions = AskOptions;

/**
 * Asks a head for its state, and batch systems for the jobs that are no workers yet, and prints it.
 *
 * @throws ConfigError when no head is named; ConnectionError when it does not answer
 * @example
 * await ls({ address: "cluster:7700" }, (text) => process.stdout.write(text));
 */
export async function ls(options: LsOptions, print: (text: string) => void): Promise<number> {
  const config = await configOf(options, ALOUD);
  const nowMs = Date.now();
  const seen = await seeJobs(config, process.env, nowMs);
  let status: HeadStatus;
  try {
    status = await askHead(options, (head) => head.status());
  } catch (error) {
    // Its job may be what is waiting.
    if (options.json !== true) print(showJobs(seen, new Set(), nowMs));
    throw error;
  }
  if (options.json === true) {
    print(`${JSON.stringify({ ...status, jobs: seen.jobs }, undefined, 2)}\n`);
    return 0;
  }
  print(showStatus(status));
  const jobs = showJobs(seen, new Set(status.workers.flatMap(({ job }) => job ?? [])), nowMs);
  if (jobs !== "") print(`\n${jobs}`);
  return 0;
}

/**
 * A head's state for people, at most 80 columns wide.
 *
 * @example
 * process.stdout.write(showStatus(status));
 */
export function showStatus(status: HeadStatus): string {
  const { hello, uptimeMs, workers, queues, sessions } = status;
  // Seconds are enough: an uptime is read, not measured.
  const up = formatDuration(Math.floor(uptimeMs / 1_000) * 1_000);
  const parts = [
    `Head ${hello?.version ?? ""} on ${hello?.host ?? "?"}, process ${hello?.pid ?? "?"}, up ${up}\n`,
  ];
  parts.push(
    workers.length === 0
      ? "No workers are connected.\n"
      : formatTable(
          ["WORKER", "STATE", "FREE/TOTAL", "RUN", "WAIT", "DONE"],
          workers.map(({ name, state, pool, free, running, waiting, finished }) => {
            const amounts = new Map(free.map(({ kind, amount }) => [kind, amount]));
            return [
              name,
              state,
              pool === undefined ? "" : formatPool(inSeconds(pool), amounts),
              running,
              waiting,
              finished,
            ];
          }),
        ),
  );
  const queued = queues.filter((queue) => queue.queued > 0);
  parts.push(
    queued.length === 0
      ? "Nothing is queued.\n"
      : formatTable(
          ["QUEUED", "FUNCTION", "DEMAND", "PRIO", "CLIENT"],
          queued.map(({ queued, function: name, demand, prioritized, priority, session }) => [
            queued,
            name,
            demand,
            `${priority}${prioritized ? "!" : ""}`,
            session,
          ]),
        ),
  );
  if (sessions.length > 0)
    parts.push(
      formatTable(
        ["CLIENT", "NAME", "HOST", "QUEUED", "RUN", "DONE", "FAILED"],
        sessions.map(({ session, name, state, host, pid, queued, running, finished, failed }) => [
          session,
          state === undefined || state === "" ? name : `${name} (${state})`,
          `${host}:${pid}`,
          queued,
          running,
          finished,
          failed,
        ]),
      ),
    );
  return parts.join("\n");
}

/** Of what is left nobody needs the milliseconds. */
function inSeconds(pool: Pool): Pool {
  const { remainingMs } = pool;
  return remainingMs === undefined ? pool : { ...pool, remainingMs: Math.floor(remainingMs / 1_000) * 1_000 };
}
