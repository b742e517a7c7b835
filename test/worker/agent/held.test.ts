import { describe, expect, it } from "vitest";
import { heldBy } from "../../../worker/agent/held.js";
import { demandOf, poolOf, World } from "./world.js";

describe("what a worker says that it has when it comes back", () => {
  it("names the workers of a gang, and says what owns resources", () => {
    const world = new World(poolOf(1), [demandOf(1), { ...demandOf(0), nodes: 2 }]);
    const nodes = [
      { worker: "w1", host: "n1", cores: 1 },
      { worker: "w2", host: "n2", cores: 1 },
    ];
    world.assign(0, false);
    world.assign(1, false);
    const [alone, gang] = world.toAgent.splice(0);
    world.take(alone!);
    if (gang?.type === "assigned") world.take({ ...gang, granted: true, gangs: new Map([[0, nodes]]) });
    expect(heldBy(world.state).executions).toEqual([
      {
        session: 1,
        tasks: [1, 2],
        attempts: [1, 1],
        alternatives: [0, 0],
        started: [false, true],
        gangs: [{ index: 1, nodes }],
      },
    ]);
  });
});
