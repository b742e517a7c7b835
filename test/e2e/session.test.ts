/** The README's terminal session is what commands print: `npm run session` writes it. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LEAVES } from "../client/cli/leaves.js";
import { Stage } from "../kit/daemons.js";
import { documents, read } from "../kit/markdown.js";
import { runSession, sessionIn, shapeOf, withSession } from "../session/session.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

describe("the README's session", () => {
  it("is what the commands print, but for numbers", async () => {
    const session = await runSession(stage);
    expect(shapeOf(sessionIn(read("README.md")))).toBe(shapeOf(session));
    for (const line of session.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it("can be replaced", () => {
    const readme = read("README.md");
    expect(sessionIn(withSession(readme, "$ grain ls\nnothing\n"))).toBe("$ grain ls\nnothing\n");
    expect(withSession(readme, sessionIn(readme))).toBe(readme);
  });
});

describe("sessions in documents", () => {
  it.each(documents())("%s: have commands that there are", (document) => {
    for (const [line, typed] of read(document).matchAll(/^\$ (?:npx )?grain ([a-z].*)$/gm))
      if (!typed!.startsWith("lss"))
        expect(
          LEAVES.some(({ name }) => `${typed} `.startsWith(`${name} `)),
          line,
        ).toBe(true);
  });
});
