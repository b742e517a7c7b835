/** Machines that are reached by ssh: daemons there, that stay when the connection goes. */

import { randomUUID } from "node:crypto";
import { ConfigError } from "../proto/errors.js";
import { refused, runCommand, tidy } from "./command.js";
import { ProviderError } from "./error.js";
import type { JobId, JobRequest, JobState, Provider } from "./provider.js";
import { jobWord, shellWord, shellWords } from "./quote.js";
import { jobScript } from "./script.js";
import type { ProviderSettings } from "./settings.js";

/** Nobody is there to answer questions. */
const QUIET = ["-T", "-o", "BatchMode=yes"];
const START_OF = "cut -d' ' -f22 /proc/$pid/stat 2>/dev/null";

/**
 * Daemons on other machines. An id is "host:pid.start".
 *
 * @throws ConfigError when there are no hosts
 * @example
 * const ids = await ssh(settings).submit(job, 2);
 */
export function ssh(settings: ProviderSettings): Provider {
  const { hosts = [], sshCommand = ["ssh"], sshDirectory, commandTimeoutMs: timeoutMs } = settings;
  /** Runs shell on a machine, and gives what it prints. */
  const on = async (host: string, shell: string): Promise<string> => {
    const title = `ssh to ${host}`;
    const argv = [...sshCommand, ...QUIET, "--", host, "sh", "-s"];
    const answer = await runCommand(argv, { title, timeoutMs, input: shell });
    if (answer.exitCode === 255) throw new ProviderError(unreachable(host, tidy(answer.stderr, "ssh")));
    if (answer.exitCode !== 0) throw refused(title, "sh", answer, "failed");
    return answer.stdout;
  };
  return {
    title: "machines by ssh",
    script: (job) => scriptOf(job, settings),
    commandLine: (_, count) =>
      `${shellWords([...sshCommand, ...QUIET, "--"])} HOST sh -s   (on ${placesOf(hosts, count).join(", ")})`,
    async submit(job, count) {
      if (job.extraArgs.length > 0)
        throw new ConfigError(
          `ssh has no submit command that could take ${job.extraArgs.join(" ")}; leave it out.`,
        );
      const ids: JobId[] = [];
      for (const host of placesOf(hosts, count)) {
        try {
          const out = await on(host, starter(scriptOf(job, settings), host, sshDirectory));
          const match = /^grain (\d+) (\d+)$/m.exec(out);
          if (match === null)
            throw new ProviderError(`${host} did not start the worker; it said: ${tidy(out, "sh")}`);
          ids.push(`${host}:${match[1]}.${match[2]}`);
        } catch (error) {
          if (!(error instanceof ProviderError)) throw error;
          throw new ProviderError(error.message, { cause: error.cause, submitted: ids });
        }
      }
      return ids;
    },
    async status(ids) {
      const states = new Map<JobId, JobState>(ids.map((id) => [id, { type: "unknown" }]));
      await Promise.all(
        byHost(ids).map(async ([host, processes]) => {
          const lines = processes.map(
            ({ pid, start }) => `pid=${pid}; [ "$(${START_OF})" = ${start} ] && echo "${pid}.${start}"`,
          );
          const out = await on(host, `${lines.join("\n")}\ntrue\n`).catch((error: unknown) => {
            if (error instanceof ProviderError) return undefined;
            throw error;
          });
          // A machine that cannot be reached says nothing of what runs there.
          if (out === undefined) return;
          const alive = new Set(out.split("\n"));
          for (const { id, pid, start } of processes)
            states.set(
              id,
              alive.has(`${pid}.${start}`)
                ? { type: "running", host }
                : { type: "ended", reason: "its process has ended" },
            );
        }),
      );
      return states;
    },
    async cancel(ids) {
      for (const [host, processes] of byHost(ids))
        await on(
          host,
          `${processes.map(({ pid, start }) => `pid=${pid}; [ "$(${START_OF})" = ${start} ] && kill -TERM ${pid}`).join("\n")}\ntrue\n`,
        );
    },
  };
}

/** One after the other, and from the first again. */
function placesOf(hosts: readonly string[], count: number): string[] {
  if (hosts.length === 0)
    throw new ConfigError('No hosts are named for system = "ssh"; set hosts = ["n1", "n2"] in [ssh].');
  return Array.from({ length: count }, (_, i) => hosts[i % hosts.length]!);
}

function scriptOf(job: JobRequest, settings: ProviderSettings): string {
  const before = [
    'rm -f -- "$0"',
    `mkdir -p ${jobWord(job.logFile.replace(/\/[^/]*$/, "") || "/")}`,
    `exec >>${jobWord(job.logFile)} 2>&1`,
  ];
  const id = "$GRAIN_SSH_HOST:$$.$(cut -d' ' -f22 /proc/$$/stat)";
  return jobScript(job, settings.script, { system: "ssh", directives: [], id, before });
}

/** Shell that leaves the script there, and starts it in a session of its own. */
function starter(script: string, host: string, directory: string | undefined): string {
  const end = `GRAIN_${randomUUID().replaceAll("-", "")}`;
  return [
    ...(directory === undefined ? [] : [`cd ${shellWord(directory)} || exit`]),
    "file=$(mktemp) || exit",
    `cat > "$file" <<'${end}'`,
    `${script.trimEnd()}`,
    end,
    'chmod 700 "$file" || exit',
    `export GRAIN_SSH_HOST=${shellWord(host)}`,
    'setsid "$file" </dev/null >/dev/null 2>&1 &',
    "pid=$!",
    `echo "grain $pid $(${START_OF})"`,
    "",
  ].join("\n");
}

interface Process {
  readonly id: JobId;
  readonly pid: number;
  readonly start: string;
}

function byHost(ids: readonly JobId[]): [string, Process[]][] {
  const hosts = new Map<string, Process[]>();
  for (const id of ids) {
    const [, host, pid, start] = /^(.*):(\d+)\.(\d+)$/.exec(id) ?? [];
    if (host === undefined) continue;
    hosts.set(host, [...(hosts.get(host) ?? []), { id, pid: Number(pid), start: start! }]);
  }
  return [...hosts];
}

function unreachable(host: string, said: string): string {
  return `ssh does not get to ${host}: ${said.replace(/\.$/, "")}. "ssh ${host} true" has to work without a question: with a key, and a host key that is known.`;
}
