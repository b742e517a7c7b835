import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { FromExecutor } from "../../worker/executor/message.js";
import { ExecutorPool, endExecutorEarly, startExecutorEarly } from "../../worker/pool.js";

/** A pool, and the first message of any of its executors. */
function poolWith(early?: ReturnType<typeof startExecutorEarly>) {
  let heard: (message: FromExecutor | undefined) => void;
  const first = new Promise<FromExecutor | undefined>((resolve) => {
    heard = resolve;
  });
  const handler = {
    messages: (_id: number, [message]: FromExecutor[]) => heard(message),
    raw: () => {},
    exited: () => {},
  };
  return { pool: new ExecutorPool(handler, { graceMs: 1_000, early }), first };
}

describe("an executor that was started early", () => {
  it("is the pool's first, and only that", async () => {
    const early = startExecutorEarly();
    const { pool, first } = poolWith(early);
    try {
      pool.start(1);
      expect(pool.pids).toEqual([early.child.pid]);
      expect((await first)?.type).toBe("ready");
      pool.start(2);
      expect(new Set(pool.pids).size).toBe(2);
    } finally {
      await pool.close();
    }
    expect(early.child.signalCode).toBe("SIGKILL");
  });

  it("is replaced when it has ended before it was needed", async () => {
    const early = startExecutorEarly();
    const ended = once(early.child, "exit");
    endExecutorEarly(early);
    await ended;
    const { pool } = poolWith(early);
    pool.start(1);
    expect(pool.pids).not.toContain(early.child.pid);
    await pool.close();
  });

  it("ends with a pool that never needed it", async () => {
    const early = startExecutorEarly();
    await poolWith(early).pool.close();
    expect(early.child.signalCode).toBe("SIGKILL");
  });
});
