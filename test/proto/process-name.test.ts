/** Names of processes: what is known of whom they name. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  hasEnded,
  isRunning,
  ownProcess,
  type ProcessName,
  thisMachine,
  thisProcess,
} from "../../proto/process-name.js";

const isLinux = process.platform === "linux";

/** The number of a process that has ended, and whose parent does not notice. */
async function zombie(): Promise<number> {
  const parent = spawn("sh", ["-c", "true & echo $!; exec sleep 600"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(async () => {
    parent.kill("SIGKILL");
    await once(parent, "close");
  });
  const pid = Number(String((await once(parent.stdout, "data"))[0]));
  // Until sleep is its parent, the shell may still notice.
  const becomes = async (path: string, pattern: RegExp) => {
    while (!pattern.test(readFileSync(path, "latin1"))) await new Promise((resolve) => setImmediate(resolve));
  };
  await becomes(`/proc/${parent.pid}/cmdline`, /^sleep/);
  await becomes(`/proc/${pid}/stat`, /\) Z /);
  return pid;
}

/** The number of a process that was, and is not any more. */
async function gone(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
  const pid = child.pid!;
  await once(child, "close");
  return pid;
}

describe("a process by its name", () => {
  const own = thisProcess();

  it.each<[string, ProcessName, boolean | undefined]>([
    ["this one", own, true],
    ["this one where its start was not known", { ...own, started: "" }, true],
    ["one on another machine", { ...own, machine: "elsewhere" }, undefined],
  ])("%s", (_, name, running) => {
    expect(isRunning(name)).toBe(running);
  });

  it.runIf(isLinux)("one that had its number before has ended", () => {
    expect(isRunning({ ...own, started: String(Number(own.started) - 1) })).toBe(false);
  });

  it("one that has ended", async () => {
    const pid = await gone();
    expect(isRunning({ machine: thisMachine(), pid, started: "" })).toBe(false);
    const [, started, space] = ownProcess().split("-");
    expect(hasEnded(`${pid}-${started}-${space}`)).toBe(true);
    expect(hasEnded(`${pid}-0-${space}`)).toBe(true);
  });

  it.runIf(isLinux)("one that has ended without its parent noticing", async () => {
    expect(isRunning({ machine: thisMachine(), pid: await zombie(), started: "" })).toBe(false);
  });
});

describe("the short name", () => {
  const [pid, started, space] = ownProcess().split("-") as [string, string, string];

  it("is of this process", () => {
    expect(ownProcess()).toMatch(new RegExp(`^${process.pid}-\\d+-\\d+$`));
    expect(hasEnded(ownProcess())).toBe(false);
  });

  it.runIf(isLinux)("is of no later process with the number", () => {
    expect(hasEnded(`${pid}-${Number(started) + 1}-${space}`)).toBe(true);
  });

  it.each([
    `${pid}-0-${space}`,
    `${pid}-1-${space}1`,
    "",
    pid,
    `${pid}-${started}`,
    "x-1-1",
    `-1-1-${space}`,
  ])("%j is not known to have ended", (name) => expect(hasEnded(name)).toBe(false));
});
