import { describe, expect, it } from "vitest";
import { endLocalPrograms, lazyPrograms } from "../../client/local-programs.js";

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
});
