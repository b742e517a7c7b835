import { describe, expect, it } from "vitest";
import { endLocalPrograms, lazyPrograms } from "../../client/local-programs.js";
import type { RunProgram } from "../../proto/task.js";

describe("programs of local functions", () => {
  it("are started by code that is loaded on first use", async () => {
    const { signal } = new AbortController();
    const $ = lazyPrograms({ signal, print: () => {} });
    try {
      const program = $`printf ${"a b\nc"}`;
      const lines: string[] = [];
      for await (const line of program) lines.push(line);
      expect(lines).toEqual(["a b", "c"]);
      expect((await program).exitCode).toBe(0);
      expect(await program.pid).toBeGreaterThan(0);
      expect(await $({ input: "text", reject: false })`cat`).toMatchObject({ stdout: "text", exitCode: 0 });
      await expect($`false`).rejects.toThrow(/false/);
      const sleeping = $`sleep 100`;
      await sleeping.pid;
      sleeping.kill();
      await expect(sleeping).rejects.toThrow();
    } finally {
      await endLocalPrograms();
    }
  });

  it.each<[string, ($: RunProgram) => Promise<unknown>, RegExp]>([
    ["that fails", ($) => $`false`, /^ProgramError: The program false ended with exit code 1/],
    ["that is not there", ($) => $({ cwd: "/" })`no-such-program`, /^ProgramError: .*directories of PATH/],
    ["that is none", ($) => $``, /^TypeError: \$`…` names no program/],
    ["asked for its process", ($) => $`no-such-program`.pid.then(() => $`false`), /^ProgramError: /],
    [
      "read line by line",
      async ($) => {
        for await (const line of $`false`) void line;
      },
      /^ProgramError: /,
    ],
  ])("that go wrong show who called them: one %s", async (_, act, start) => {
    const $ = lazyPrograms({ signal: new AbortController().signal, print: () => {} });
    try {
      const error = (await act($).catch((reason: unknown) => reason)) as Error;
      expect(error.stack).toMatch(start);
      const frames = error.stack?.split("\n").filter((line) => line.startsWith("    at "));
      expect(frames?.[0]).toContain("local-programs.test.ts");
    } finally {
      await endLocalPrograms();
    }
  });
});
