import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Hostfiles, hostfileText } from "../../../worker/agent/hostfiles.js";

const hostfiles = new Hostfiles();
afterEach(() => hostfiles.clear());

const node = (host: string, cores: number) => ({ worker: `on-${host}`, host, cores });

describe("hostfiles", () => {
  it.each([
    [[node("n1", 16)], "n1 slots=16\n"],
    [[node("n2", 16), node("n1", 8)], "n2 slots=16\nn1 slots=8\n"],
    [[node("n1", 1), node("n2", 2), node("n1", 4)], "n1 slots=5\nn2 slots=2\n"],
  ])("of %j", (nodes, text) => {
    expect(hostfileText(nodes)).toBe(text);
  });

  it("are there until they are removed", () => {
    const first = hostfiles.write(1, [node("n1", 1)]);
    const second = hostfiles.write(2, [node("n2", 2)]);
    expect(first).not.toBe(second);
    expect(hostfiles.write(1, [node("n1", 1)])).toBe(first);
    hostfiles.remove(1);
    hostfiles.remove(1);
    expect(existsSync(dirname(first))).toBe(false);
    expect(readFileSync(second, "utf8")).toBe("n2 slots=2\n");
    hostfiles.clear();
    expect(existsSync(dirname(second))).toBe(false);
  });
});
