/** Processes as /proc shows them, and the marks by which they are found. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Families } from "../../../worker/process/family.js";
import { hasEnded, marksIn, newMark, ownerOf, ownMarks, withMark } from "../../../worker/process/marker.js";
import { endOrphans } from "../../../worker/process/orphans.js";
import { listProcesses, parseStat, readEntry } from "../../../worker/process/table.js";

const children: ChildProcess[] = [];

async function startMarked(
  mark: string,
  command = "echo here; while :; do sleep 0.1; done",
): Promise<number> {
  const child = spawn("sh", ["-c", command], {
    stdio: ["ignore", "pipe", "ignore"],
    env: withMark(process.env, mark),
    detached: true,
  });
  children.push(child);
  await Promise.race([once(child.stdout!, "data"), once(child, "exit")]);
  return child.pid!;
}

afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, "exit");
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // The test has ended it.
    }
    await ended;
  }
});

describe.runIf(process.platform === "linux")("the table of processes", () => {
  it("has this one, with its parent and memory", () => {
    const own = listProcesses().find(({ pid }) => pid === process.pid);
    expect(own).toMatchObject({ parent: process.ppid, ended: false });
    const rss = process.memoryUsage.rss();
    expect(own!.residentBytes).toBeGreaterThan(rss / 2);
    expect(own!.residentBytes).toBeLessThan(rss * 2);
    expect(readEntry(2 ** 22 + 1)).toBeUndefined();
  });
});

describe("a line of /proc/PID/stat", () => {
  it("is read whatever the process is called", () => {
    const rest = "S 7 8 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 1000 3 18446744073709551615 1";
    expect(parseStat(5, `5 (a) R (b) ${rest}`)).toMatchObject({
      pid: 5,
      parent: 7,
      group: 8,
      startTicks: 12345,
      ended: false,
    });
    expect(parseStat(5, `5 (x) Z ${rest.slice(2)}`)?.ended).toBe(true);
    expect(parseStat(5, "")).toBeUndefined();
  });
});

describe("marks", () => {
  it("add up, and name their owner", () => {
    const mark = newMark();
    expect(mark.startsWith(ownMarks())).toBe(true);
    const env = withMark(withMark({}, "grain-1.2.3.4"), mark);
    expect(marksIn(`A=1\0GRAIN_EXECUTOR=${env.GRAIN_EXECUTOR}\0B=2\0`)).toEqual(["grain-1.2.3.4", mark]);
    expect(ownerOf("grain-1.2.3.4")).toEqual({ namespace: "1", pid: 2, startTicks: 3 });
    expect(ownerOf("something else")).toBeUndefined();
  });

  it.runIf(process.platform === "linux")(
    "tell whether their owner lives; of another namespace nobody knows",
    () => {
      const own = ownerOf(newMark())!;
      expect(hasEnded(own)).toBe(false);
      expect(hasEnded({ ...own, startTicks: own.startTicks + 1 })).toBe(true);
      expect(hasEnded({ ...own, namespace: "1", startTicks: own.startTicks + 1 })).toBe(false);
    },
  );
});

describe.runIf(process.platform === "linux")("orphans", () => {
  it("are ended; what belongs to a living process is not", async () => {
    const own = ownerOf(newMark())!;
    const dead = `grain-${own.namespace}.${own.pid}.${own.startTicks + 1}.1`;
    const mine = await startMarked(newMark());
    // Each worker that starts on this machine does the same: one of another test may be quicker.
    for (let isOurs = false; !isOurs; ) {
      const orphan = await startMarked(dead);
      const killed = endOrphans();
      expect(killed).not.toContain(mine);
      isOurs = killed.includes(orphan);
      if (!isOurs) expect(readEntry(orphan)?.ended ?? true).toBe(true);
    }
    expect(readEntry(mine)?.ended).toBe(false);
  });
});

describe.runIf(process.platform === "linux")("a family", () => {
  it("has descendants and strays, and nobody else's", async () => {
    const families = new Families();
    const mark = newMark();
    const other = await startMarked(newMark());
    const pid = await startMarked(mark, "(setsid sh -c 'echo here; exec sleep 100' &) ; sleep 100");
    families.add(1, pid, mark);
    families.look();
    const members = families.get(1)!.members.map((entry) => entry.pid);
    expect(members).toContain(pid);
    expect(members).not.toContain(other);
    const stray = families.get(1)!.members.find(({ group }) => group !== pid);
    expect(stray).toBeDefined();
    families.signal(1, "SIGKILL", "nobody");
    await once(children.at(-1)!, "exit");
    await vi.waitFor(() => expect(readEntry(stray!.pid)?.ended ?? true).toBe(true), { timeout: 30_000 });
    expect(readEntry(other)?.ended).toBe(false);
  });
});
