/** Daemons on this machine: processes of their own, that stay when the terminal goes. */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { ConfigError } from "../proto/errors.js";
import { ProviderError } from "./error.js";
import type { JobId, JobRequest, JobState, Provider } from "./provider.js";
import { jobWord } from "./quote.js";
import { jobScript } from "./script.js";
import type { ProviderSettings } from "./settings.js";

/** A process by its pid and, since pids come again, when it was started. */
const ID = "$$.$(cut -d' ' -f22 /proc/$$/stat 2>/dev/null || echo 0)";

/**
 * Daemons on this machine.
 *
 * @example
 * const ids = await local(settings).submit(job, 1);
 */
export function local(settings: ProviderSettings): Provider {
  const shell = settings.script.shebang.replace(/^#!\s*/, "").split(/\s+/);
  return {
    title: "this machine",
    script: (job) => scriptOf(job, settings),
    commandLine: (_, count) =>
      `${shell.join(" ")}  (${count === 1 ? "once" : `${count} times`}, in the background)`,
    async submit(job, count) {
      if (job.extraArgs.length > 0)
        throw new ConfigError(
          `There is no submit command on this machine that could take ${job.extraArgs.join(" ")}; leave it out, or set \`system\` in grain.toml.`,
        );
      if (count > 1 && settings.script.cores === undefined)
        throw new ConfigError(
          `Each of ${count} workers on this machine would offer all of its cores; set \`cores\` in [script], or start one.`,
        );
      const script = scriptOf(job, settings);
      const ids: JobId[] = [];
      for (let i = 0; i < count; i += 1) ids.push(await start(shell, script));
      return ids;
    },
    async status(ids) {
      return new Map(
        ids.map((id): [JobId, JobState] => [
          id,
          isAlive(id) ? { type: "running", host: "" } : { type: "ended", reason: "its process has ended" },
        ]),
      );
    },
    async cancel(ids) {
      for (const id of ids) if (isAlive(id)) process.kill(Number.parseInt(id, 10), "SIGTERM");
    },
  };
}

function scriptOf(job: JobRequest, settings: ProviderSettings): string {
  const before = [`exec </dev/null >>${jobWord(job.logFile)} 2>&1`];
  return jobScript(job, settings.script, { system: "local", directives: [], id: ID, before });
}

/** Starts it in a session of its own. */
async function start([shell = "sh", ...args]: readonly string[], script: string): Promise<JobId> {
  const child = spawn(shell, [...args, "-c", script], { detached: true, stdio: "ignore" });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) =>
      reject(
        new ProviderError(`${shell}, the shebang's shell, cannot be run: ${error.message}.`, {
          cause: error,
        }),
      ),
    );
  });
  child.unref();
  return `${child.pid}.${startOf(child.pid!)}`;
}

/** When a process was started, in the kernel's ticks; 0 where that is not told. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Its name, which stands in parentheses, may hold blanks.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
  } catch {
    return "0";
  }
}

function isAlive(id: JobId): boolean {
  const [pid = 0, start] = id.split(".").map(Number);
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return start === Number(startOf(pid));
}
