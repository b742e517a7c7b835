import { describe, expect, it } from "vitest";
import { FailureKind } from "../../../proto/grain.js";
import type { Demand } from "../../../proto/resource/demand.js";
import type { AgentEffect } from "../../../worker/agent/core/effect.js";
import { demandOf, poolOf, World } from "./world.js";

const types = (effects: readonly AgentEffect[]) => effects.map((effect) => effect.type);

/** A world whose agent knows that the first spec is short. */
function learned(cores = 1, runUs?: number): World {
  const world = new World(poolOf(cores), [demandOf(1), demandOf(0.5)]);
  if (runUs !== undefined) world.runUs = runUs;
  for (let i = 0; i < 10; i++) {
    world.assign(0, true);
    world.settle();
  }
  return world;
}

function deliver(world: World): AgentEffect[][] {
  const batches: AgentEffect[][] = [];
  while (world.toAgent.length > 0) batches.push(world.take(world.toAgent.shift()!));
  return batches;
}

describe("starting", () => {
  it("runs what is granted, and lets the rest wait", () => {
    const world = new World(poolOf(2), [demandOf(1)]);
    world.assign(0, true);
    world.assign(0, false);
    expect(deliver(world).map(types)).toEqual([["startExecutor", "run"], []]);
  });

  it("hands the resources of a task that ends to the first that waits, in one batch", () => {
    const world = new World(poolOf(1), [demandOf(1)]);
    world.assign(0, true);
    world.assign(0, false);
    deliver(world);
    const [executor] = world.executors.values();
    world.hearAgent(executor!);
    world.endTask(executor!, "finished");
    world.flush(executor!);
    expect(world.toHead.map(types)).toEqual([["finished", "started"]]);
  });

  it("hands them to a smaller task too, never to a larger one", () => {
    const world = new World(poolOf(2), [demandOf(1), demandOf(2), demandOf(0.5)]);
    world.assign(0, true);
    const larger = world.assign(1, false);
    const smaller = world.assign(2, false);
    deliver(world);
    const [executor] = world.executors.values();
    world.hearAgent(executor!);
    world.endTask(executor!, "finished");
    world.flush(executor!);
    const started = world.toHead.flat().filter((effect) => effect.type === "started");
    expect(started.map((effect) => "task" in effect && effect.task.task)).toEqual([smaller]);
    expect(world.tasks[larger - 1]!.state).toBe("ahead");
  });

  it("never uses free room by itself", () => {
    const world = new World(poolOf(4), [demandOf(1)]);
    world.assign(0, false);
    expect(deliver(world).map(types)).toEqual([[]]);
  });

  it("lets a granted task whose ids do not fit wait first in line", () => {
    const world = new World(poolOf(2), [demandOf(0.7), demandOf(0.6), demandOf(0.3)]);
    world.assign(0, true);
    world.assign(0, true);
    const granted = world.assign(1, true);
    expect(granted).toBe(3);
    const waiting = world.assign(2, false);
    expect(deliver(world).map(types).at(2)).toEqual([]);
    const [executor] = world.executors.values();
    world.hearAgent(executor!);
    world.endTask(executor!, "finished");
    world.flush(executor!);
    expect(world.state.byKey.size).toBe(3);
    const phases = [...world.state.byKey.values()].map(({ task, phase }) => [task, phase.type]);
    expect(phases).toContainEqual([granted, "running"]);
    expect(phases).toContainEqual([waiting, "waiting"]);
  });
});

describe("sending ahead", () => {
  it("gives an executor more of a short function, and reports only what has come to run", () => {
    const world = learned();
    world.assign(0, true);
    for (let i = 0; i < 6; i++) world.assign(0, false);
    deliver(world);
    const [executor] = world.executors.values();
    while (world.hearAgent(executor!)) {
      // All of it.
    }
    expect(executor!.queue).toHaveLength(6);
    world.toHead.length = 0;
    for (let i = 0; i < 3; i++) world.endTask(executor!, "finished");
    world.flush(executor!);
    expect(world.toHead.map(types)).toEqual([["finished", "finished", "finished", "started"]]);
  });

  it("does not when a run was slow lately", () => {
    const world = learned();
    world.runUs = 50_000;
    world.assign(0, true);
    world.settle();
    world.runUs = 10;
    for (let i = 0; i < 50; i++) {
      world.assign(0, true);
      world.settle();
    }
    world.assign(0, true);
    for (let i = 0; i < 6; i++) world.assign(0, false);
    expect(
      deliver(world)
        .flat()
        .filter(({ type }) => type === "run"),
    ).toHaveLength(1);
  });

  it.each([
    ["of 2 ms each, a few", 2_000, 9],
    ["of 6 ms each, none", 6_000, 0],
  ])("gives an executor of a function's runs %s", (_, runUs, ahead) => {
    const world = learned(1, runUs);
    world.assign(0, true);
    for (let i = 0; i < 20; i++) world.assign(0, false);
    deliver(world);
    const [executor] = world.executors.values();
    while (world.hearAgent(executor!)) {
      // All of it.
    }
    expect(executor!.queue).toHaveLength(ahead);
  });

  it.each([
    ["a little", 10_000, 20],
    ["much", 1_000_000, 1_000],
  ])("resumes, after a run that was %s too slow, when as much time has been paid", (_, runUs, runs) => {
    const world = learned();
    world.runUs = runUs;
    world.assign(0, true);
    world.settle();
    world.runUs = 10;
    const runsAhead = (): boolean => {
      world.assign(0, true);
      world.assign(0, false);
      const run = deliver(world)
        .flat()
        .filter((effect) => effect.type === "run");
      world.settle();
      return run.length > 1;
    };
    for (let i = 0; i + 2 < runs; i += 2) expect(runsAhead()).toBe(false);
    runsAhead();
    runsAhead();
    expect(runsAhead()).toBe(true);
  });

  it("shares among executors", () => {
    const world = learned(2);
    world.assign(0, true);
    world.assign(0, true);
    for (let i = 0; i < 6; i++) world.assign(0, false);
    deliver(world);
    for (const executor of world.executors.values()) {
      while (world.hearAgent(executor)) {
        // All of it.
      }
    }
    const queued = [...world.executors.values()].map(({ queue }) => queue.length);
    expect(Math.min(...queued)).toBeGreaterThan(0);
  });

  it("takes back what is cancelled before its turn", () => {
    const world = learned();
    world.assign(0, true);
    const behind = world.assign(0, false);
    deliver(world);
    world.order("cancelRequested", behind);
    expect(deliver(world).map(types)).toEqual([["drop"]]);
    world.settle();
    expect(world.tasks[behind - 1]!.end).toBe("CANCELLED");
  });

  it("aborts what was being cancelled when its turn came", () => {
    const world = learned();
    world.assign(0, true);
    const behind = world.assign(0, false);
    deliver(world);
    const [executor] = world.executors.values();
    while (world.hearAgent(executor!)) {
      // All of it.
    }
    world.endTask(executor!, "finished");
    world.order("cancelRequested", behind);
    deliver(world);
    world.flush(executor!);
    const inbox = executor!.inbox.map(({ type }) => type);
    expect(inbox).toEqual(["drop", "abort"]);
    world.settle();
    expect(world.tasks[behind - 1]!.end).toBe("CANCELLED");
  });
});

describe("limits of the run time", () => {
  const walltime = { hardMs: 60_000, softMs: 60_000, group: "opt" };
  const own = { ...demandOf(1), walltime };
  const limitOf = (effects: readonly AgentEffect[]) => {
    const timers = effects.filter((effect) => effect.type === "setTimer");
    return timers.map(({ ms }) => ms);
  };
  const LOADING_MS = 60_000;

  it.each<[string, Demand, number, number, number[]]>([
    ["none", demandOf(1), 0, 0, []],
    ["the timeout", demandOf(1), 5_000, 0, [5_000]],
    ["the walltime", own, 0, 0, [60_000]],
    ["the lesser of both", own, 70_000, 0, [60_000]],
    ["the learnt walltime instead of a longer one", own, 0, 20_000, [20_000]],
    ["the learnt walltime instead of a shorter one", own, 0, 90_000, [90_000]],
    ["the timeout before a longer learnt walltime", own, 10_000, 20_000, [10_000]],
    ["the learnt walltime where there is no other", demandOf(1), 0, 20_000, [20_000]],
  ])("%s", (_, demand, timeoutMs, hardMs, expected) => {
    const world = new World(poolOf(1), [demand], [timeoutMs]);
    world.assign(0, true, true, hardMs);
    expect(limitOf(deliver(world).flat()).map((ms) => ms - LOADING_MS)).toEqual(expected);
    const [executor] = world.executors.values();
    world.hearAgent(executor!);
    const ref = [...world.state.byRef.values()][0]?.ref;
    const loaded = world.take({
      type: "reported",
      executor: executor!.id,
      reports: [{ type: "loaded", ref: ref! }],
    });
    expect(limitOf(loaded)).toEqual(expected);
    world.settle();
  });

  it("keep a task from being sent ahead, where nobody would watch it", () => {
    const world = learned();
    world.assign(0, true);
    world.assign(0, false);
    world.assign(0, false, true, 20_000);
    world.assign(0, false);
    deliver(world);
    const [executor] = world.executors.values();
    while (world.hearAgent(executor!)) {
      // All of it.
    }
    expect(executor!.queue).toHaveLength(1);
    world.settle();
    expect(world.tasks.every(({ state }) => state === "ended")).toBe(true);
  });
});

describe("a gang", () => {
  it("has a process of its own, as it has the whole worker", () => {
    const world = new World(poolOf(2), [{ ...demandOf(0), nodes: 2 }]);
    world.assign(0, true);
    const run = deliver(world)
      .flat()
      .find((effect) => effect.type === "run");
    expect(run).toMatchObject({ mode: "next", allocation: { cores: [{ id: 0 }, { id: 1 }] } });
  });
});

describe("ending by force", () => {
  it("signals first, then SIGTERM, then SIGKILL; resources come back with the process's end", () => {
    const world = new World(poolOf(1), [demandOf(1)]);
    const task = world.assign(0, true);
    deliver(world);
    const [executor] = world.executors.values();
    world.order("cancelRequested", task);
    expect(deliver(world).map(types)).toEqual([["setTimer", "abort"]]);
    const fire = () => {
      const [timer] = world.timers;
      world.timers.delete(timer!);
      return world.take({ type: "timerFired", timer: timer! });
    };
    expect(fire()).toMatchObject([{ type: "kill", signal: "SIGTERM" }, { type: "setTimer" }]);
    expect(fire()).toMatchObject([{ type: "kill", signal: "SIGKILL" }]);
    expect(world.state.ledger.outstanding).toBe(1);
    world.die(executor!, false);
    expect(world.state.ledger.outstanding).toBe(0);
    expect(world.toHead.flat()).toMatchObject([{ type: "failed", kind: FailureKind.CANCELLED, message: "" }]);
  });

  it("waits for the others in a shared process", () => {
    const world = new World(poolOf(1, 2), [demandOf(0, 1)]);
    const doomed = world.assign(0, true);
    world.assign(0, true);
    deliver(world);
    world.order("cancelRequested", doomed);
    deliver(world);
    const [grace] = world.timers;
    world.timers.delete(grace!);
    expect(types(world.take({ type: "timerFired", timer: grace! }))).toEqual(["setTimer"]);
    const [executor] = world.executors.values();
    while (world.hearAgent(executor!)) {
      // All of it.
    }
    executor!.beside.delete([...executor!.beside][0]!);
    world.endTask(executor!, "finished");
    const reports = executor!.outbox;
    const effects = world.take({ type: "reported", executor: executor!.id, reports });
    expect(types(effects)).toContain("kill");
  });
});

describe("a task over its memory", () => {
  const demand = { ...demandOf(1), amounts: [...demandOf(1).amounts, { kind: "memory", amount: 2 ** 30 }] };

  it("is killed at once, says what it used and what to ask for, and leaves those behind it alone", () => {
    const world = new World({ ...poolOf(1), memoryBytes: 2 ** 31 }, [demand]);
    const task = world.assign(0, true);
    deliver(world);
    const [ref] = world.state.byRef.keys();
    const effects = world.take({ type: "memoryExceeded", ref: ref!, usedBytes: 1.2 * 2 ** 30 });
    expect(effects).toMatchObject([{ type: "kill", signal: "SIGKILL" }]);
    expect(world.state.ledger.outstanding).toBe(1);
    const [executor] = world.executors.values();
    world.die(executor!, false);
    expect(world.state.ledger.outstanding).toBe(0);
    expect(world.toHead.flat()).toMatchObject([
      {
        type: "failed",
        kind: FailureKind.OUT_OF_MEMORY,
        signal: "SIGKILL",
        message: 'used 1.2G of the 1G it asked for; let it use less, or ask for more, such as memory("1.5G")',
      },
    ]);
    expect(task).toBe(1);
  });

  it("has a process of its own even if it owns no core", () => {
    const own = { ...demand, amounts: demand.amounts.filter(({ kind }) => kind === "memory") };
    const world = new World({ ...poolOf(1), memoryBytes: 2 ** 31 }, [own]);
    world.assign(0, true);
    const effects = deliver(world).flat();
    expect(effects.find(({ type }) => type === "run")).toMatchObject({ mode: "next" });
  });
});

describe("idle executors", () => {
  it("are ended at the second sweep, but for those to keep", () => {
    const world = new World(poolOf(2), [demandOf(1)]);
    world.take({ type: "prewarmRequested", count: 2 });
    expect(world.take({ type: "swept", keep: 1 })).toEqual([]);
    expect(types(world.take({ type: "swept", keep: 1 }))).toEqual(["retire"]);
    expect(world.take({ type: "swept", keep: 1 })).toEqual([]);
  });
});
