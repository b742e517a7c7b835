/** How programs are ended. */

import { getEventListeners } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Program, RunProgram } from "../../../proto/task.js";
import { Ending } from "../../../worker/programs/abort.js";
import { alive, failure, make, programDirectory, readStatus, until } from "./kit.js";

const dir = programDirectory();

describe("ending a program", () => {
  /** Prints its own and a descendant's process id, then waits; `trap` is what it does about signals. */
  const family = (trap: string) =>
    `${trap} sh -c '${trap} echo $$; read x <"$0"; read x <"$0"' "$0" & echo $$; wait; wait; wait`;
  let fifo: string;
  let count = 0;

  async function start($: RunProgram, trap = ""): Promise<{ program: Program; pids: number[] }> {
    fifo = join(dir.path, `wait${++count}`);
    await make()`mkfifo ${fifo}`;
    const program = $`sh -c ${family(trap)} ${fifo}`;
    const pids: number[] = [];
    for await (const line of program) if (pids.push(Number(line)) === 2) break;
    expect(pids.every(alive)).toBe(true);
    return { program, pids };
  }

  it("reaches its whole process group", async () => {
    const { program, pids } = await start(make());
    expect(pids).toContain(await program.pid);
    program.kill();
    expect((await failure(program)).signal).toBe("SIGTERM");
    await until(() => !pids.some(alive));
  });

  it("by SIGKILL is sure, and later programs run", async () => {
    const $ = make();
    const { program, pids } = await start($, 'trap "" TERM INT;');
    program.kill("SIGTERM");
    program.kill("SIGKILL");
    expect((await failure(program)).signal).toBe("SIGKILL");
    expect(pids.some(alive)).toBe(false);
    expect((await $`echo on`).stdout).toBe("on");
  });

  it("spares other programs", async () => {
    const $ = make();
    const [one, other] = [await start($), await start($)];
    one.program.kill("SIGKILL");
    await failure(one.program);
    expect(other.pids.every(alive)).toBe(true);
    other.program.kill("SIGINT");
    expect((await failure(other.program)).signal).toBe("SIGINT");
  });

  it("may come before it has started", async () => {
    const program = make()`cat ${fifo}`;
    program.kill("SIGKILL");
    expect((await failure(program)).signal).toBe("SIGKILL");
    await expect(program.pid).resolves.toBeGreaterThan(0);
  });

  it("pauses and goes on", async () => {
    const { program, pids } = await start(make());
    program.kill("SIGSTOP");
    await until(() => pids.every((pid) => /^State:\tT/m.test(readStatus(pid))));
    program.kill("SIGCONT");
    program.kill("SIGTERM");
    expect((await failure(program)).signal).toBe("SIGTERM");
  });

  it("follows the task's signal, and says so", async () => {
    const task = new AbortController();
    const $ = make({ signal: task.signal });
    const { program, pids } = await start($);
    const reason = new Error("cancelled");
    task.abort(reason);
    const error = await failure(program);
    expect(error.signal).toBe("SIGTERM");
    expect(error.message).toContain("because its task is to end");
    expect(error.cause).toBe(reason);
    await until(() => !pids.some(alive));
    const later = await failure($`echo never`);
    expect(later.message).toContain("was not started, because its task is to end");
  });

  it("follows what takes the place of a task's signal", async () => {
    const task = new Ending();
    const $ = make({ signal: task });
    const { program, pids } = await start($);
    const reason = new Error("cancelled");
    task.abort(reason);
    task.abort(new Error("again"));
    expect(await failure(program)).toMatchObject({ signal: "SIGTERM", cause: reason });
    await until(() => !pids.some(alive));
    expect((await failure($`echo never`)).cause).toBe(reason);
  });

  it("follows its own signal and time limit", async () => {
    const own = new AbortController();
    const { program } = await start(make()({ signal: own.signal }));
    own.abort();
    expect((await failure(program)).message).toContain("because its signal fired");
    const limited = await failure(make()({ timeoutMs: 20 })`cat ${fifo}`);
    expect(limited).toMatchObject({ signal: "SIGTERM" });
    expect(limited.message).toContain("longer than 20 ms");
  });

  it("leaves no listeners behind", async () => {
    const task = new AbortController();
    const $ = make({ signal: task.signal });
    await Promise.all(Array.from({ length: 5 }, () => $`true`));
    expect(getEventListeners(task.signal, "abort")).toHaveLength(0);
  });

  it("ends with the task what it left behind", async () => {
    const task = new AbortController();
    const left = make({ signal: task.signal })`sh -c ${'read x <"$0" & echo $!'} ${fifo}`;
    const pid = Number((await left).stdout);
    expect(alive(pid)).toBe(true);
    task.abort();
    await until(() => !alive(pid));
  });
});
