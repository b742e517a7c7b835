import { describe, expect, it } from "vitest";
import { delayed } from "../../../client/delayed/function.js";
import { becomeExecutor, type HostedFunction } from "../../../proto/host.js";

const registered: HostedFunction[] = [];
becomeExecutor({
  register: (fn) => registered.push(fn),
  currentTask: () => undefined,
  stopHere: () => new Promise(() => {}),
});
const fn = async () => 1;
const task = delayed(fn, { name: "task" });
const other = delayed(async () => 2, { name: "task" });

describe("delayed in an executor", () => {
  it("registers what is made while the module loads, the last of a name last", () => {
    delayed(async function later() {});
    expect(registered.map(({ name }) => name)).toEqual(["task", "task"]);
    expect(registered[0]!.fn).toBe(fn);
    expect(other.name).toBe("task");
  });

  it("refuses calls, and says to return the value instead", () => {
    expect(() => task()).toThrow(
      /task was called inside a task on a worker.*by the client program, inside run.*return its value/,
    );
  });
});
