/** What is asked and ordered of single sessions by somebody other than their program. */

import { describe, expect, it, vi } from "vitest";
import { FailureKind } from "../../../proto/grain.js";
import { cores, token } from "../../../proto/resource/resource.js";
import { poolOfCores } from "../../kit/peers.js";
import { bytes, openHead } from "./head-kit.js";

const many = (count: number) => Array.from({ length: count }, () => bytes("x"));

describe("a session in detail", () => {
  it("is its functions with counts, run times and demands", async () => {
    const { head, client, worker } = openHead();
    const program = client();
    const { session } = await program.open({ name: "sweep" });
    program.define(1, { name: "energy" });
    program.define(2, { name: "render", request: token("gpu").request as never });
    program.define(3, { name: "never called" });
    program.submit(1, 1, many(40));
    program.submit(2, 41, many(2));
    const machine = worker();
    await machine.join("w1", poolOfCores(2, { remainingMs: 60_000 }));
    const assign = await machine.inbox.take("assign");
    expect(assign.tasks).toEqual([1, 2]);
    machine.finish(
      { ...assign, tasks: [1], sizes: [1], attempts: [], args: bytes("x") },
      { runUs: [60_000_000] },
    );
    await program.inbox.take("results");
    await expect
      .poll(() => head.desk.detail(session).functions[0])
      .toMatchObject({ finished: 1, running: 2 });
    const { session: about, functions } = head.desk.detail(session);
    expect(about).toMatchObject({ name: "sweep", finished: 1, failed: 0, state: "" });
    expect(about!.queued + about!.running).toBe(41);
    expect(about!.ageMs).toBeGreaterThanOrEqual(0);
    expect(functions).toMatchObject([
      { function: "energy", demand: "1 core", failed: 0, meanMs: 60_000, why: "cores" },
      { function: "render", demand: "token gpu", queued: 2, running: 0, why: "never fits" },
    ]);
    expect(functions[0]!.queued).toBeGreaterThan(0);
    expect(functions[0]!.queued + functions[0]!.ahead).toBe(37);
    const [seen] = head.status().workers;
    expect(seen!.remainingMs).toBeGreaterThan(0);
    expect(seen!.remainingMs).toBeLessThanOrEqual(60_000);
    expect(
      head
        .status()
        .queues.map(({ why }) => why)
        .sort(),
    ).toEqual(["cores", "never fits"]);
  });

  it("is what failed last, the latest first", async () => {
    const { head, client, worker } = openHead();
    const program = client();
    const { session } = await program.open();
    program.define(1, { name: "energy" });
    program.submit(1, 1, many(12));
    const machine = worker();
    await machine.join("w1", poolOfCores(12));
    const assign = await machine.inbox.take("assign");
    for (const task of assign.tasks.slice(0, 11))
      machine.fail({ ...assign, tasks: [task] }, { kind: FailureKind.THREW, message: `no ${task}\nat x` });
    machine.fail({ ...assign, tasks: [12] }, { kind: FailureKind.DIED, signal: "SIGKILL", message: "" });
    await expect.poll(() => head.desk.detail(session).session?.failed).toBe(12);
    const { failures, functions } = head.desk.detail(session);
    expect(failures).toHaveLength(10);
    expect(failures[0]).toMatchObject({
      task: 12,
      function: "energy",
      worker: "w1",
      message: "its process was ended by SIGKILL",
    });
    expect(failures[1]).toMatchObject({ task: 11, kind: FailureKind.THREW, message: "no 11" });
    expect(functions).toMatchObject([{ function: "energy", failed: 12 }]);
  });

  it("is nothing, when there is no such session", () => {
    const { head } = openHead();
    expect(head.desk.detail(7)).toMatchObject({ session: undefined, functions: [] });
    expect(head.desk.explain(7)).toEqual({ tasks: [], known: false });
  });
});

describe("a session explained", () => {
  it("is the longest waiting task of each of its demands", async () => {
    const { head, client } = openHead();
    const program = client();
    const { session } = await program.open();
    program.define(1, { name: "a" });
    program.define(2, { name: "b" });
    program.define(3, { name: "c", request: cores(4).request as never });
    program.submit(3, 1, many(2));
    program.submit(2, 3, many(2));
    program.submit(1, 5, many(2));
    await expect.poll(() => head.status().sessions[0]?.queued).toBe(6);
    const { tasks, known } = head.desk.explain(session);
    expect(known).toBe(true);
    expect(tasks.map((task) => [task.task, task.function])).toEqual([
      [1, "c"],
      [3, "b"],
    ]);
    expect(tasks[0]!.text).toMatch(/^Task 1\.1 \(c\) is queued; it asks for 4 cores\.\nNo workers/);
  });
});

describe("somebody else's cancellation", () => {
  it("ends a task that waits, and one that runs when its worker confirms; the program hears who wanted it", async () => {
    const { head, client, worker } = openHead();
    const program = client();
    const { session } = await program.open();
    program.define(1);
    program.submit(1, 1, many(2));
    const machine = worker();
    await machine.join("w1", poolOfCores(1));
    const assign = await machine.inbox.take("assign");
    const by = "by ada@rack7";
    expect(await head.desk.cancel({ session, task: 1, by })).toEqual({ known: true, tasks: 1 });
    expect(await machine.inbox.take("cancel")).toMatchObject({ tasks: [1] });
    expect(head.explain(session, 1).state).toBe("stopping");
    // Its program wants it too, later: that does not change who it was.
    program.cancel(1);
    machine.fail({ ...assign, tasks: [1] }, { kind: FailureKind.CANCELLED });
    expect(await program.inbox.take("failure")).toMatchObject({
      task: 1,
      kind: FailureKind.CANCELLED,
      message: by,
    });
    program.submit(1, 3, many(1));
    await expect.poll(() => head.explain(session, 3).state).toMatch(/queued|ahead/);
    await head.desk.cancel({ session, task: 3, by });
    expect(await head.desk.cancel({ session, task: 9, by })).toEqual({ known: false, tasks: 0 });
    expect(await head.desk.cancel({ session: 9, task: undefined, by })).toEqual({ known: false, tasks: 0 });
    expect(head.desk.detail(session).failures).toEqual([]);
  });

  it("ends all tasks of a session, however many, and lets it go on", async () => {
    const { head, client, worker } = openHead();
    const program = client();
    const other = client();
    const { session } = await program.open();
    const others = await other.open();
    const COUNT = 12_000;
    program.define(1);
    program.submit(1, 1, many(COUNT));
    other.define(1);
    other.submit(1, 1, many(1));
    await expect.poll(() => head.status().sessions[0]?.queued).toBe(COUNT);
    expect(await head.desk.cancel({ session, task: undefined, by: "by ben" })).toEqual({
      known: true,
      tasks: COUNT,
    });
    const ended = new Set<number>();
    while (ended.size < COUNT) {
      const failure = await program.inbox.take("failure");
      expect(failure.message).toBe("by ben");
      ended.add(failure.task);
    }
    expect(head.desk.detail(session).functions).toMatchObject([{ queued: 0, failed: COUNT }]);
    expect(head.explain(others.session, 1).state).toBe("queued");
    program.submit(1, COUNT + 1, many(1));
    const machine = worker();
    await machine.join("w1", poolOfCores(2));
    await vi.waitFor(() => expect(head.explain(session, COUNT + 1).state).toBe("running"), {
      timeout: 30_000,
    });
  });
});
