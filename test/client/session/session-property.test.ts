import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SpawnedCall } from "../../../client/call.js";
import { HeadSession } from "../../../client/session/session.js";
import { TaskCancelledError, TaskError } from "../../../proto/errors.js";
import { FailureKind } from "../../../proto/grain.js";
import { definitionOf, FakeHead, remoteCall, settingsFor } from "../../kit/fake-head.js";

type Step =
  | {
      readonly type: "submit";
      readonly owner: number;
      readonly spec: number;
      readonly count: number;
      readonly large: boolean;
    }
  | { readonly type: "finish"; readonly picks: readonly number[]; readonly large: boolean }
  | { readonly type: "fail"; readonly pick: number }
  | { readonly type: "repeat"; readonly pick: number }
  | { readonly type: "cancel"; readonly owner: number }
  | { readonly type: "turn" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant("submit" as const),
    owner: fc.nat(2),
    spec: fc.nat(2),
    count: fc.integer({ min: 1, max: 5 }),
    large: fc.boolean(),
  }),
  fc.record({
    type: fc.constant("finish" as const),
    picks: fc.array(fc.nat(50), { minLength: 1, maxLength: 4 }),
    large: fc.boolean(),
  }),
  fc.record({ type: fc.constant("fail" as const), pick: fc.nat(50) }),
  fc.record({ type: fc.constant("repeat" as const), pick: fc.nat(50) }),
  fc.record({ type: fc.constant("cancel" as const), owner: fc.nat(2) }),
  fc.record({ type: fc.constant("turn" as const) }),
);

class Owner {
  readonly ends = new Map<number, number>();
  ended(call: SpawnedCall): void {
    this.ends.set(call.number, (this.ends.get(call.number) ?? 0) + 1);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
/** Large enough to be a blob, told apart by its first bytes. */
const payload = (id: number, large: boolean): Uint8Array => new Uint8Array(large ? 70_000 : 8).fill(id % 251);

class World {
  readonly head = new FakeHead();
  readonly session = new HeadSession(settingsFor(this.head));
  readonly owners = [new Owner(), new Owner(), new Owner()];
  readonly definitions = ["a", "b", "c"].map((name, index) =>
    definitionOf(name, index === 2 ? { module: import.meta.filename } : {}),
  );
  readonly calls = new Map<number, { readonly call: SpawnedCall; readonly owner: Owner }>();

  async take(next: Step): Promise<void> {
    const waiting = [...this.head.tasks.keys()];
    switch (next.type) {
      case "submit":
        for (let i = 0; i < next.count; i++) {
          const owner = this.owners[next.owner]!;
          const args = payload(this.calls.size, next.large);
          const call = this.session.submit(remoteCall(this.definitions[next.spec]!, args), owner);
          this.calls.set(call.number, { call, owner });
        }
        return;
      case "finish": {
        const tasks = [...new Set(next.picks.map((pick) => waiting[pick % waiting.length]!))];
        if (waiting.length === 0) return;
        const results = tasks.map((task) => [task, this.firstByte(task)] as const);
        this.head.finishWithBlobs(results, next.large ? [0] : []);
        return;
      }
      case "fail":
        if (waiting.length > 0)
          this.head.fail(waiting[next.pick % waiting.length]!, { kind: FailureKind.THREW, message: "x" });
        return;
      case "repeat": {
        const done = [...this.head.delivered];
        if (done.length > 0) this.head.finish([done[next.pick % done.length]!, "again"]);
        return;
      }
      case "cancel":
        this.session.cancel(this.owners[next.owner]!);
        return;
      case "turn":
        await turn();
        return;
      default:
        next satisfies never;
    }
  }

  /** What a task's arguments tell it apart by. */
  firstByte(task: number): number {
    return (this.head.argsOf(this.head.tasks.get(task)!)[0] as Uint8Array)[0]!;
  }

  check(): void {
    for (const [number, { call, owner }] of this.calls) {
      const { state } = call.completion;
      expect(owner.ends.get(number)).toBe(1);
      if (state.type === "fulfilled") expect(state.value).toBe((number - 1) % 251);
      else if (state.type === "rejected")
        expect(state.error instanceof TaskError || state.error instanceof TaskCancelledError).toBe(true);
      else expect.fail(`task ${number} has not ended`);
    }
  }
}

describe("a session, whatever happens in whatever order", () => {
  it("ends every call exactly once, with its own result", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = new World();
        await world.session.open();
        for (const next of steps) await world.take(next);
        await world.session.close();
        world.check();
        // Whatever was delivered and not fetched late has been acknowledged; the fake head refuses the rest.
        for (const number of world.head.acked) expect(world.head.delivered.has(number)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
