/**
 * However a task is ended: those behind it never start, its signal fires, its group gets SIGTERM, what is
 * left SIGKILL, wherever it went; and when its end is told, nothing of it is left.
 */

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { marked, type Running, Stage } from "../kit/daemons.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

/** `scatter` has processes in its group, under the launcher, and in a session of their own. None ends at SIGTERM. */
const PROGRAM = `
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { cores, currentTask, delayed, each, run, wtime } from "grain-scheduler";
const { LOG, WAY } = process.env as Record<string, string>;
const scatter = delayed(async function scatter(log: string) {
  const { $, signal } = currentTask();
  process.on("SIGTERM", () => {});
  const env = { ...process.env, SCATTERED: "yes" };
  signal.addEventListener("abort", () => appendFileSync(log, "aborted\\n"));
  const loop = "echo >> " + log + ".deaf; while :; do sleep 0.1; done";
  const told = "trap 'echo terminated >> " + log + "' TERM; " + loop;
  const deaf = "trap '' TERM; " + loop;
  spawn("sh", ["-c", told], { stdio: "ignore", env });
  spawn("sh", ["-c", "setsid sh -c \\"" + deaf + "\\" & exit 0"], { stdio: "ignore", env });
  await $({ env })\`sh -c \${deaf}\`.pid;
  while (!existsSync(log + ".deaf") || readFileSync(log + ".deaf", "utf8").length < 3) await pause(5);
  appendFileSync(log, "running\\n");
  await new Promise(() => {});
});
/** Says how many processes of the one before are there. */
const behind = delayed(async function behind(log: string) {
  const isLeft = (pid: string) => {
    try { return readFileSync("/proc/" + pid + "/environ", "utf8").includes("SCATTERED=yes"); } catch { return false; }
  };
  appendFileSync(log, "behind " + readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).filter(isLeft).length + "\\n");
});
const limited = {
  timeout: scatter.with(cores(1)).options({ timeout: 6 }),
  walltime: scatter.with(cores(1), wtime(6)),
}[WAY!];
const isRunning = async () => {
  while (!existsSync(LOG!) || !readFileSync(LOG!, "utf8").includes("running")) await pause(5);
};
const stop = new AbortController();
await run(async () => {
  const first = (limited ?? scatter.with(cores(1)))(LOG!);
  const last = [1, 2, 3].map(() => behind.with(cores(1))(LOG!));
  await isRunning();
  if (WAY === "throw") throw new Error("enough");
  if (WAY === "signal") stop.abort(new Error("enough"));
  if (WAY === "exit") process.exit(7);
  if (limited !== undefined) await first.catch((error) => console.log("over", error.name));
  await each(limited === undefined ? [first, ...last] : last);
}, WAY === "signal" ? { signal: stop.signal } : {}).catch((error) => {
  console.log("over", error.message);
  process.exitCode = 3;
});
`;

const log = () => {
  try {
    return readFileSync(`${stage.directory}/log`, "utf8").trim().split("\n");
  } catch {
    return [];
  }
};
/** The task, in its process, and that of its group which listens were told to end, whoever of them noted it first. */
function expectTold(rest: readonly string[] = []): void {
  const lines = log();
  expect(lines.slice(0, 3).sort()).toEqual(["aborted", "running", "terminated"]);
  expect(lines.slice(3)).toEqual(rest);
}
/** What the task had started, wherever it is. */
const scattered = () => marked(stage.marker, "SCATTERED=yes");

async function start(WAY: string, grace = "3"): Promise<Running> {
  const { address } = await stage.head(["--lease", "1s"]);
  await stage.worker(address, ["--cpus", "1", "--grace", grace]);
  const env = { GRAIN_ADDRESS: address, LOG: `${stage.directory}/log`, WAY };
  return stage.run(["--import", "tsx", stage.program("program.ts", PROGRAM)], env, stage.project);
}

describe.runIf(process.platform === "linux")("a task with processes everywhere", () => {
  it.each([
    ["throw", /over enough/, 3],
    ["signal", /over enough/, 3],
    ["interrupt", /over The run was interrupted \(SIGINT\); everything it had started was cancelled/, 3],
    ["timeout", /over TaskTimeoutError/, 0],
    ["walltime", /over TaskTimeoutError/, 0],
  ] as const)("is gone when that is told: %s", async (way, told, code) => {
    const program = await start(way);
    await vi.waitFor(() => expect(log()).toContain("running"), { timeout: 30_000 });
    if (way === "interrupt") program.kill("SIGINT");
    await program.until(told);
    expect(scattered()).toEqual([]);
    expect((await program.ended).code, program.stderr).toBe(code);
    // Those behind it were cancelled before they started, or started when nothing was left of it.
    const rest = code === 0 ? ["behind 0", "behind 0", "behind 0"] : [];
    expectTold(rest);
  });

  it("is gone some time after its program has ended without a word", async () => {
    const program = await start("exit");
    expect((await program.ended).code).toBe(7);
    expect(log()).toContain("running");
    await vi.waitFor(() => expect(scattered()).toEqual([]), { timeout: 30_000, interval: 50 });
    expectTold();
  });

  it("is left behind at once by the second Ctrl-C, and gone after that", async () => {
    const program = await start("interrupt", "5");
    await vi.waitFor(() => expect(log()).toContain("running"), { timeout: 30_000 });
    program.kill("SIGINT");
    await vi.waitFor(() => expect(log()).toContain("aborted"), { timeout: 30_000 });
    program.kill("SIGINT");
    expect(await program.ended).toEqual({ code: 130, signal: null });
    expect(scattered()).not.toEqual([]);
    await vi.waitFor(() => expect(scattered()).toEqual([]), { timeout: 30_000, interval: 50 });
    expectTold();
  });
});
