/** `grain jobs` and `grain job`: sessions, all of them or one in detail. */

import type { Command } from "commander";
import { GrainError } from "../../proto/errors.js";
import {
  FailureKind,
  type SessionDetail,
  type SessionDetail_FailedTask,
  type SessionDetail_FunctionInfo,
  type SessionInfo,
} from "../../proto/grain.js";
import { formatAge, formatRunTime } from "./age.js";
import { type AskOptions, askHead } from "./ask-head.js";
import { examples } from "./examples.js";
import { type Output, outputOf } from "./output.js";
import { findSession } from "./session-name.js";
import { failedCell, sessionTable } from "./session-table.js";
import { sessionJson, stateOf } from "./status-json.js";
import { cut, formatTable } from "./table.js";

type Look = Pick<Output, "width" | "paint">;

/** Adds the commands. @param common adds the flags that name a head */
export function addJobs(
  program: Command,
  common: (command: Command) => Command,
  choose: (act: () => Promise<number>) => void,
): void {
  common(program.command("jobs"))
    .description("Shows the sessions: the programs whose tasks are here, detached ones among them.")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples(["grain jobs", "all that this credential may see"], ["grain jobs --json", "for programs"]),
    )
    .action((options: AskOptions) => choose(() => jobs(options, outputOf(process.stdout))));
  common(program.command("job"))
    .description("Shows one session: its functions with counts, run times and demands, and what failed last.")
    .argument("<session>", "its number or name, as `grain jobs` shows it")
    .option("--json", "as JSON")
    .addHelpText("after", examples(["grain job 3", "session 3"], ["grain job sweep", "the one of this name"]))
    .action((name: string, options: AskOptions) =>
      choose(() => job(name, options, outputOf(process.stdout))),
    );
}

/** Prints the sessions. */
export async function jobs(options: AskOptions, out: Output): Promise<number> {
  const { sessions } = await askHead(options, (head) => head.status());
  if (options.json === true) out.write(`${JSON.stringify(sessions.map(sessionJson), undefined, 2)}\n`);
  else out.write(showSessions(sessions, out));
  return 0;
}

/** Sessions for people. */
export function showSessions(sessions: readonly SessionInfo[], out: Look): string {
  return sessions.length === 0 ? "There are no sessions.\n" : sessionTable(sessions, out);
}

/**
 * Prints one session in detail.
 *
 * @throws GrainError when there is none such; ConfigError when it could be none
 */
export async function job(name: string, options: AskOptions, out: Output): Promise<number> {
  const detail = await askHead(options, async (head) => head.session(await findSession(head, name)));
  if (detail.session === undefined)
    throw new GrainError(`Session ${name} has ended meanwhile: \`grain jobs\` shows those that there are.`);
  if (options.json === true) out.write(`${JSON.stringify(detailJson(detail), undefined, 2)}\n`);
  else out.write(showDetail(detail, out));
  return 0;
}

/** What `grain job --json` prints. */
export function detailJson({ session, functions, failures }: SessionDetail) {
  return {
    ...(session === undefined ? {} : sessionJson(session)),
    functions: functions.map(({ meanMs, ...counts }) => ({ ...counts, meanMs: meanMs ?? null })),
    failures: failures.map((failed) => ({
      task: failed.task,
      function: failed.function,
      attempt: failed.attempt,
      kind: KINDS[failed.kind],
      message: failed.message,
      worker: failed.worker,
      agoMs: Math.round(failed.agoMs),
    })),
  };
}

/** Of a failure, for people. */
const KINDS: Readonly<Record<FailureKind, string>> = {
  [FailureKind.FAILURE_UNSPECIFIED]: "failed",
  [FailureKind.THREW]: "threw",
  [FailureKind.DIED]: "died",
  [FailureKind.TIMED_OUT]: "timed out",
  [FailureKind.CANCELLED]: "cancelled",
  [FailureKind.LOAD_FAILED]: "not loaded",
  [FailureKind.WORKER_LOST]: "worker lost",
  [FailureKind.INFEASIBLE]: "infeasible",
  [FailureKind.VALUE_FAILED]: "bad result",
  [FailureKind.OUT_OF_MEMORY]: "out of memory",
  [FailureKind.NOT_TAKEN]: "not taken",
  [FailureKind.HEAD_LOST]: "head lost it",
};

/** One session for people. */
export function showDetail(detail: SessionDetail, out: Look): string {
  const { session, functions, failures, errors } = detail;
  if (session === undefined) return "";
  const { queued, running, finished, failed, ageMs } = session;
  const name = session.name === "" ? "" : ` "${session.name}"`;
  const age = ageMs === undefined ? "" : `, ${formatAge(ageMs)} old`;
  const parts = [
    `${cut(`Session ${session.session}${name}, ${stateOf(session)}${age}, of ${session.host}:${session.pid}`, out.width)}\n` +
      `${queued} queued, ${running} on workers, ${finished} done, ${failed} failed\n`,
    functions.length === 0 ? "Nothing has been submitted.\n" : functionTable(functions, out),
  ];
  if (failures.length > 0) {
    parts.push(failureTable(session.session, failures, out));
    if (!errors)
      parts.push("What they threw is shown to the session's own credential and to administrators.\n");
  }
  return parts.join("\n");
}

function functionTable(functions: readonly SessionDetail_FunctionInfo[], out: Look): string {
  return formatTable(
    ["FUNCTION", "DEMAND", "QUEUED", "AHEAD", "RUN", "DONE", "FAILED", "MEAN", "WHY"],
    functions.map((info) => [
      info.function,
      info.demand,
      info.queued + info.delayed,
      info.ahead,
      info.running,
      info.finished,
      failedCell(info.failed),
      formatRunTime(info.meanMs),
      info.queued > 0 ? info.why : info.delayed > 0 ? "retry later" : "",
    ]),
    out,
  );
}

function failureTable(session: number, failures: readonly SessionDetail_FailedTask[], out: Look): string {
  return formatTable(
    ["FAILED", "FUNCTION", "WORKER", "AGO", "ERROR"],
    failures.map(({ task, function: name, worker, agoMs, kind, message }) => [
      `${session}.${task}`,
      name,
      worker,
      formatAge(agoMs),
      message === "" ? KINDS[kind] : `${KINDS[kind]}: ${message}`,
    ]),
    out,
  );
}
