import { describe, expect, it } from "vitest";
import { FailureKind, Refused_Code } from "../../proto/grain.js";
import { refOf } from "../../proto/hash.js";
import { reviveError } from "../../proto/values/error.js";
import { demandOf, poolOf } from "./agent/world.js";
import { failureIn, IMPORTS, lives, start, valueIn } from "./agent-kit.js";
import { FakeHead } from "./fake-head.js";

describe("an agent", () => {
  it("joins, and runs a task", async () => {
    const { head, agent } = start();
    await agent.joined;
    await head.until(() => head.said.length > 0);
    expect(head.said[0]).toMatchObject({ $case: "join", join: { name: "w1", imports: IMPORTS } });
    const outcome = await head.call(head.define("echo"), 1, "two", new Map([["three", 3n]]));
    expect(valueIn(outcome)).toEqual([1, "two", new Map([["three", 3n]])]);
    expect(agent.status()).toMatchObject({ running: 0, waiting: 0 });
  });

  it("says why it could not join", async () => {
    const head = new FakeHead(false);
    const { agent } = start(poolOf(1), head);
    const message = 'A worker named "w1" is connected already.';
    head.send({
      $case: "refused",
      refused: { code: Refused_Code.NAME_TAKEN, message, protocol: 1, version: "0" },
    });
    await expect(agent.joined).rejects.toThrow(message);
    expect(await agent.ended).toEqual({ type: "refused", code: Refused_Code.NAME_TAKEN, message });
  });

  it("tells a task what it is and what it has", async () => {
    const { head } = start({ ...poolOf(2, 8), memoryBytes: 1e9, tokens: ["fast"] });
    const amounts = [
      { kind: "cores", amount: 20_000 },
      { kind: "licence", amount: 5_000 },
      { kind: "memory", amount: 1e6 },
    ];
    const walltime = { hardMs: 60_000, softMs: 30_000, group: "g" };
    const demand = {
      ...demandOf(0),
      amounts: amounts.filter(({ kind }) => kind !== "licence"),
      tokens: ["fast"],
      walltime,
    };
    const task = valueIn(await head.call(head.define("describe", { demand })));
    expect(task).toMatchObject({
      id: "1.1",
      name: "describe",
      attempt: 1,
      worker: "w1",
      aborted: false,
      resources: {
        cores: [0, 1],
        memory: 1e6,
        gpus: [],
        tokens: ["fast"],
        capacity: 0,
        wtime: { hard: 60, soft: 30, group: "g" },
        others: {},
      },
    });
  });

  it("never gives one core to two tasks, and hands a core on to tasks that wait", async () => {
    const { head } = start(poolOf(2));
    const spec = head.define("describe");
    const granted = head.assign(spec, [[], []], true);
    const waiting = head.assign(
      spec,
      Array.from({ length: 200 }, () => []),
      false,
    );
    const outcomes = await Promise.all([...granted, ...waiting].map((task) => head.outcome(task)));
    const byProcess = new Map<number, Set<number>>();
    for (const outcome of outcomes) {
      const { pid, resources } = valueIn(outcome) as { pid: number; resources: { cores: number[] } };
      byProcess.set(pid, new Set([...(byProcess.get(pid) ?? []), ...resources.cores]));
    }
    const cores = [...byProcess.values()].map((ids) => [...ids]);
    expect(cores.flat().sort()).toEqual([0, 1]);
  });

  it("reports the end of one task before the start of the next", async () => {
    const { head } = start(poolOf(1));
    const spec = head.define("echo");
    const tasks = [...head.assign(spec, [[0]], true), ...head.assign(spec, [[1], [2], [3]], false)];
    await Promise.all(tasks.map((task) => head.outcome(task)));
    const free = new Set<number>();
    for (const body of head.said) {
      if (body.$case === "finished") for (const task of body.finished.tasks) free.add(task);
      if (body.$case === "started")
        for (const task of body.started.tasks) expect(free.has(task - 1)).toBe(true);
    }
  });

  it("runs tasks without cores side by side in one process", async () => {
    const { head } = start(poolOf(1, 8));
    const spec = head.define("meet", { demand: demandOf(0, 1) });
    const tasks = head.assign(spec, [[3], [3], [3]], true);
    const pids = await Promise.all(tasks.map(async (task) => valueIn(await head.outcome(task))));
    expect(new Set(pids).size).toBe(1);
  });

  it("does not let a spinning task delay others, and ends it when it is cancelled", async () => {
    const { head, agent } = start();
    const [spinning] = head.assign(head.define("spin"), [[]], true);
    await head.until(() => head.printed(spinning!) !== "");
    expect(valueIn(await head.call(head.define("echo"), "hello"))).toEqual(["hello"]);
    head.send({ $case: "cancel", cancel: { session: 1, tasks: [spinning!] } });
    expect(failureIn(await head.outcome(spinning!)).kind).toBe(FailureKind.CANCELLED);
    expect(agent.status().free.get("cores")).toBe(20_000);
  });

  it("lets a task react to its cancellation", async () => {
    const { head, agent } = start(poolOf(2, 8), undefined, { reactionMs: 30_000 });
    const [task] = head.assign(head.define("untilAborted"), [[]], true);
    await head.until(() => head.printed(task!) !== "");
    const { executors } = agent.status();
    head.send({ $case: "cancel", cancel: { session: 1, tasks: [task!] } });
    expect(failureIn(await head.outcome(task!)).kind).toBe(FailureKind.CANCELLED);
    expect(agent.status().executors).toEqual(executors);
  });

  it("ends a task that runs too long", async () => {
    const { head } = start();
    const outcome = await head.call(head.define("spin", { timeoutMs: 100 }));
    const failure = failureIn(outcome);
    expect(failure.kind).toBe(FailureKind.TIMED_OUT);
    expect(failure.message).toBe("ran longer than its timeout of 0.1 s");
  });

  it("gives back what has not started", async () => {
    const { head } = start(poolOf(1));
    const [running] = head.assign(head.define("untilAborted"), [[]], true);
    const waiting = head.assign(head.define("echo"), [[1], [2]], false);
    await head.until(() => head.printed(running!) !== "");
    head.send({ $case: "retract", retract: { session: 1, tasks: [running!, ...waiting] } });
    for (const task of waiting) expect(await head.outcome(task)).toEqual({ type: "returned" });
    expect(head.outcomes.has(running!)).toBe(false);
  });
});

describe("a task that fails", () => {
  it("tells what it threw", async () => {
    const { head } = start();
    const failure = failureIn(await head.call(head.define("throwing"), "oh no"));
    expect(failure).toMatchObject({ kind: FailureKind.THREW, worker: "w1", attempt: 1 });
    expect(failure.message).toBe("oh no");
    const error = reviveError(failure.error) as Error & { code: string };
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: "oh no", code: "E_TEST" });
    expect(error.stack).toContain("tasks.mjs");
  });

  it.each([
    ["exit3", { exitCode: 3, signal: "", stderrTail: "about to exit\n" }, "its process exited with code 3"],
    ["crash", { exitCode: 0, signal: "SIGKILL" }, "its process was ended by SIGKILL"],
    ["uncaught", { exitCode: 1 }, "an exception that nobody caught: thrown from a callback"],
    ["unhandled", { exitCode: 1 }, "a promise rejection that nobody handled: rejected and forgotten"],
  ])("by its process: %s", async (name, details, reason) => {
    const { head } = start(poolOf(1));
    const spec = head.define(name);
    const echo = head.define("echo");
    const [task] = head.assign(spec, [[]], true);
    const [next] = head.assign(echo, [["next"]], false);
    const failure = failureIn(await head.outcome(task!));
    expect(failure).toMatchObject({ kind: FailureKind.DIED, ...details });
    expect(failure.message).toBe(reason);
    expect(valueIn(await head.outcome(next!))).toEqual(["next"]);
  });

  it("does not take those behind it with it", async () => {
    const { head } = start(poolOf(1));
    const spec = head.define("exitAt");
    for (let i = 0; i < 10; i++) await head.call(spec, i, -1);
    const calls = Array.from({ length: 50 }, (_, i) => [i, 20]);
    const tasks = [...head.assign(spec, [[50, 20]], true), ...head.assign(spec, calls, false)];
    const outcomes = await Promise.all(tasks.map((task) => head.outcome(task)));
    const failed = outcomes.flatMap((outcome) => (outcome.type === "failure" ? [outcome.failure] : []));
    expect(failed).toMatchObject([{ kind: FailureKind.DIED, exitCode: 5, task: tasks[21] }]);
  });

  it("is found among several that were with a process that was killed", async () => {
    const { head } = start(poolOf(1));
    const spec = head.define("killAt");
    for (let i = 0; i < 10; i++) await head.call(spec, i, -1);
    const calls = Array.from({ length: 50 }, (_, i) => [i, 20]);
    const tasks = [...head.assign(spec, [[50, 20]], true), ...head.assign(spec, calls, false)];
    const outcomes = await Promise.all(tasks.map((task) => head.outcome(task)));
    const failed = outcomes.flatMap((outcome) => (outcome.type === "failure" ? [outcome.failure] : []));
    expect(failed).toMatchObject([{ kind: FailureKind.DIED, signal: "SIGKILL", task: tasks[21] }]);
  });

  it("because its result cannot be sent", async () => {
    const { head } = start();
    const failure = failureIn(await head.call(head.define("unsendable")));
    expect(failure.kind).toBe(FailureKind.VALUE_FAILED);
    expect(failure.message).toMatch(/^result\.callback\b/);
  });
});

describe("what a task prints", () => {
  it("arrives in order, before its end", async () => {
    const { head } = start();
    const spec = head.define("printing");
    const tasks = head.assign(spec, [["a"], ["b"]], true);
    for (const task of tasks) await head.outcome(task);
    expect(head.printed(tasks[0]!)).toBe("a one\na two\na three\na four\n");
    expect(head.printed(tasks[1]!)).toBe("b one\nb two\nb three\nb four\n");
    expect(head.printed(0)).toBe("");
    const last = head.said.findLastIndex((body) => body.$case === "output" && body.output.task === tasks[0]);
    const end = head.said.findIndex(
      (body) => body.$case === "finished" && body.finished.tasks.includes(tasks[0]!),
    );
    expect(last).toBeLessThan(end);
  });

  it("is its own also when it goes past JavaScript", async () => {
    const { head } = start();
    const [task] = head.assign(head.define("printingRaw"), [[]], true);
    await head.until(() => /raw out\n/.test(head.printed(task!)) && /raw err\n/.test(head.printed(task!)));
    await head.outcome(task!);
  });
});

describe("large values", () => {
  it("travel as blobs both ways", async () => {
    const { head } = start();
    const result = await head.call(head.define("large"), 3_000_000);
    const expected = Buffer.alloc(3_000_000, 7);
    expect(expected.equals(valueIn(result) as Uint8Array)).toBe(true);
    expect(result.type === "value" && result.blob?.byteLength).toBeGreaterThan(3_000_000);
    expect(valueIn(await head.call(head.define("lengthOf"), new Uint8Array(2_500_000)))).toBe(2_500_000);
  });
});

describe("a large result among short tasks", () => {
  it("is reported, and so is everything behind it", async () => {
    const { head } = start(poolOf(1));
    const spec = head.define("largeAt");
    for (let i = 0; i < 10; i++) await head.call(spec, i, -1);
    const calls = Array.from({ length: 300 }, (_, i) => [i, i % 20 === 0 ? i : -1]);
    const tasks = [...head.assign(spec, [[300, -1]], true), ...head.assign(spec, calls, false)];
    const outcomes = await Promise.all(tasks.map((task) => head.outcome(task)));
    const sizes = outcomes.map((outcome) => (valueIn(outcome) as Uint8Array).byteLength);
    expect(sizes).toEqual([1, ...calls.map(([i, at]) => (i === at ? 100_000 : 1))]);
  });
});

describe("modules", () => {
  it("are loaded up to where the program would start", async () => {
    const { head } = start();
    expect(valueIn(await head.call(head.define("before", { module: "main.mjs" })))).toBe("before");
    expect(valueIn(await head.call(head.define("beside", { module: "main.mjs" })))).toBe("beside");
    const failure = failureIn(await head.call(head.define("after", { module: "main.mjs" })));
    expect(failure.kind).toBe(FailureKind.LOAD_FAILED);
    expect(failure.message).toMatch(
      /^module "main.mjs" does not create a delayed function named "after".*top level/,
    );
  });

  it("that are broken say so, and what they had created works", async () => {
    const { head } = start();
    expect(valueIn(await head.call(head.define("early", { module: "broken.mjs" })))).toBe("early");
    const failure = failureIn(await head.call(head.define("late", { module: "broken.mjs" })));
    expect(failure.kind).toBe(FailureKind.LOAD_FAILED);
    expect(failure.message).toContain("this module is broken");
    expect(reviveError(failure.error)).toMatchObject({ message: "this module is broken" });
  });

  it("must be known to the worker, or shipped", async () => {
    const { head } = start();
    const unknown = failureIn(await head.call(head.define("echo", { module: "other.mjs" })));
    expect(unknown.kind).toBe(FailureKind.LOAD_FAILED);
    expect(unknown.message).toContain('no module "other.mjs"');
    const missing = failureIn(await head.call(head.define("echo", { module: `sha256-${"a".repeat(64)}` })));
    expect(missing.kind).toBe(FailureKind.LOAD_FAILED);
  });

  it("that are shipped show the user's own file and line", async () => {
    const { head } = start();
    const sources = {
      version: 3,
      sources: ["/home/user/energy.ts"],
      names: [],
      mappings: "AAAA;AACA;AACA;AACA",
    };
    const map = Buffer.from(JSON.stringify(sources)).toString("base64");
    const bundle = Buffer.from(
      [
        'const { delayed } = globalThis[Symbol.for("grain-scheduler")]["."];',
        "delayed(function energy() {",
        'throw new Error("no convergence");',
        "});",
        `//# sourceMappingURL=data:application/json;base64,${map}`,
      ].join("\n"),
    );
    const { hash } = refOf([bundle]);
    head.blobs.set(hash, bundle);
    const failure = failureIn(await head.call(head.define("energy", { module: hash })));
    expect((reviveError(failure.error) as Error).stack).toContain("/home/user/energy.ts:3");
  });
});

describe("programs of a task", () => {
  it("find what it was granted in their environment", async () => {
    const { head } = start();
    expect(valueIn(await head.call(head.define("program", { demand: demandOf(2) })))).toBe("1.1 0,1 2");
  });
});

describe("leaving", () => {
  it("gives back what waits, lets the rest end, then ends", async () => {
    const { head, agent } = start(poolOf(1));
    const [running] = head.assign(head.define("untilAborted"), [[]], true);
    const [waiting] = head.assign(head.define("echo"), [[1]], false);
    await head.until(() => head.printed(running!) !== "");
    agent.leave("test");
    expect(await head.outcome(waiting!)).toEqual({ type: "returned" });
    expect(head.said.at(-2)).toMatchObject({ $case: "leaving", leaving: { reason: "test" } });
    head.send({ $case: "cancel", cancel: { session: 1, tasks: [running!] } });
    expect(await agent.ended).toEqual({ type: "left" });
    await head.outcome(running!);
  });

  it("kills everything when the head says goodbye, and tells why", async () => {
    const { head, agent } = start();
    const [running] = head.assign(head.define("spin"), [[]], true);
    await head.until(() => head.printed(running!) !== "");
    const pids = agent.status().executors;
    head.send({ $case: "leave", leave: { kill: true, reason: "the head is shutting down" } });
    expect(await agent.ended).toEqual({ type: "dismissed", reason: "the head is shutting down" });
    expect(pids.filter(lives)).toEqual([]);
  });

  it("kills everything when the connection is lost", async () => {
    const { head, agent } = start();
    const [running] = head.assign(head.define("spin"), [[]], true);
    await head.until(() => head.printed(running!) !== "");
    const pids = agent.status().executors;
    head.lose();
    expect(await agent.ended).toMatchObject({ type: "lost" });
    expect(pids.filter(lives)).toEqual([]);
  });
});
