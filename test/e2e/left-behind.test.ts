/** Whoever is killed, with whatever: no process of a task is left on the machine. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { commandLine, marked, Stage } from "../kit/daemons.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

/** One task with processes in its own group, under the launcher, and in a session of its own. */
const SCATTER = `
import { spawn } from "node:child_process";
import { cores, currentTask, delayed, run } from "grain-scheduler";

const scatter = delayed(async function scatter() {
  const { $, worker } = currentTask();
  const stubborn = "trap '' TERM; while :; do sleep 0.2; done";
  spawn("sh", ["-c", stubborn], { stdio: "ignore" });
  spawn("sh", ["-c", \`setsid sh -c "\${stubborn}" & exit 0\`], { stdio: "ignore" });
  const program = $\`sh -c \${stubborn}\`;
  await program.pid;
  console.log("scattered on", worker);
  await program;
});

await run(async () => {
  await scatter.with(cores(1))();
});
`;

/** Executors and what they have started. */
const ofTasks = () => marked(stage.marker, "GRAIN_EXECUTOR=");
const nobodyIsLeft = () =>
  vi.waitFor(() => expect(ofTasks()).toEqual([]), { timeout: 30_000, interval: 100 });

/** All that ignore SIGTERM do so by now: they have come to their loops. */
const areScattered = () =>
  vi.waitFor(
    () => expect(ofTasks().filter((pid) => commandLine(pid) === "sleep\0" + "0.2\0")).toHaveLength(3),
    {
      timeout: 30_000,
      interval: 20,
    },
  );

async function scattered() {
  const { address } = await stage.head(["--lease", "1s"]);
  const worker = await stage.worker(address, ["--name", "w1", "--cpus", "1", "--grace", "1"]);
  const program = stage.run(
    ["--import", "tsx", stage.program("program.ts", SCATTER)],
    { GRAIN_ADDRESS: address },
    stage.project,
  );
  await program.until(/scattered on w1/);
  await areScattered();
  return { address, worker, program };
}

function watchdogs(): number[] {
  return marked(stage.marker).filter((pid) => commandLine(pid).includes("grain-watchdog"));
}

describe.runIf(process.platform === "linux")("nothing of a task is left", () => {
  it("when its worker is killed", async () => {
    const { worker, program } = await scattered();
    worker.kill("SIGKILL");
    await nobodyIsLeft();
    program.kill("SIGKILL");
  });

  it("when its worker and the worker's watchdog are killed, and another worker starts", async () => {
    // Every worker that starts on this machine ends them, that of another test too: then this one has nothing to tell.
    for (let isTold = false; !isTold; ) {
      const { address, worker, program } = await scattered();
      for (const pid of watchdogs()) process.kill(pid, "SIGKILL");
      worker.kill("SIGKILL");
      await worker.ended;
      program.kill("SIGKILL");
      const next = await stage.worker(address, ["--name", "w2", "--cpus", "1"]);
      isTold = /WARN Ended \d+ processes that a worker which died had left\./.test(next.stderr);
      next.kill();
      await next.ended;
      await nobodyIsLeft();
    }
  }, 180_000);

  it("when its program is killed", async () => {
    const { worker, program } = await scattered();
    program.kill("SIGKILL");
    const count = () => ofTasks().length;
    // The two executors that are kept ready, at most.
    await vi.waitFor(() => expect(count()).toBeLessThanOrEqual(2), { timeout: 30_000, interval: 100 });
    worker.kill();
    await worker.ended;
    expect(ofTasks()).toEqual([]);
  });

  it("when its worker is told to end twice", async () => {
    const { worker, program } = await scattered();
    worker.kill();
    await worker.until(/SIGTERM: leaving when 1 task has ended/);
    worker.kill();
    expect((await worker.ended).code).toBe(0);
    expect(ofTasks()).toEqual([]);
    program.kill("SIGKILL");
  });

  it("when a program that runs it in its own process is killed", async () => {
    const program = stage.run(["--import", "tsx", stage.program("program.ts", SCATTER)], {}, stage.project);
    await program.until(/scattered on local/);
    await areScattered();
    program.kill("SIGKILL");
    await nobodyIsLeft();
  });
});
