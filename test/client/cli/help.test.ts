/** What commands say of themselves: each that there is. */

import { describe, expect, it } from "vitest";
import { COMMANDS, LEAVES } from "./leaves.js";
import { grain } from "./spoken.js";

describe("the help of", () => {
  it.each(COMMANDS.map(({ path }) => path))("%s", async (path) => {
    const { code, stdout, stderr } = await grain(...path.split(" ").slice(1), "--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchSnapshot();
    for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it.each(LEAVES)("$path has examples of it, and the flags that all have", async ({ name, flags }) => {
    const { stdout } = await grain(...name.split(" "), "--help");
    const [, examples = ""] = stdout.split("\nExamples:\n");
    expect(examples).toContain(`  grain ${name} `);
    const long = flags.map((flag) => flag.long);
    expect(long).toEqual(expect.arrayContaining(["--config", "--verbose"]));
    // One line of them each, with flags that there are.
    for (const line of examples.trim().split("\n")) {
      if (!line.startsWith(`  grain ${name} `)) continue;
      const own = line.split(" -- ")[0]!.split(/ {2,}|#|\|/)[1]!;
      for (const [flag] of own.matchAll(/--[a-z-]+/g)) expect(long, line).toContain(flag);
    }
  });
});
