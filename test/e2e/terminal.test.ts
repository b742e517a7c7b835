/** What a person at a terminal sees of a program's progress. Needs `script` (util-linux) for a terminal. */

import { spawnSync } from "node:child_process";
import { afterAll, describe, expect, it } from "vitest";
import { Stage } from "../kit/daemons.js";

const stage = new Stage();
afterAll(() => stage.close());

const hasScript = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux");
const COLUMNS = 100;
const STATUS = /\d+\/\d+ done · \d+ running · \d+ queued/;

/** Runs a program in a terminal. */
async function inTerminal(name: string, source: string, env: Record<string, string> = {}): Promise<string> {
  const file = stage.program(name, source);
  const command = `stty cols ${COLUMNS}; '${process.execPath}' --import tsx '${file}'`;
  const inside = `
import { spawnSync } from "node:child_process";
spawnSync("script", ["-qec", ${JSON.stringify(command)}, "/dev/null"], { stdio: "inherit" });
`;
  const { stdout } = await stage.play(stage.program(`in-terminal-${name}.mjs`, inside), {
    TERM: "xterm",
    NO_COLOR: "1",
    ...env,
  });
  // So that it can be named in patterns.
  return stdout.replaceAll("\u001b", "␛");
}

/** The lines that are left on the screen. Fails at a control sequence that is not known, and at a line too long. */
function screen(written: string): string[] {
  const lines = [""];
  let column = 0;
  for (const [token] of written.matchAll(/\r|\n|␛\[[\d;]*[A-Za-z]|[^\r\n␛]+/g)) {
    const line = lines.at(-1)!;
    if (token === "\r") column = 0;
    else if (token === "\n") lines.push("");
    else if (token === "␛[2K") lines[lines.length - 1] = "";
    else if (token.startsWith("␛")) throw new Error(`unknown control sequence ${JSON.stringify(token)}`);
    else {
      lines[lines.length - 1] =
        line.slice(0, column).padEnd(column) + token + line.slice(column + token.length);
      column += token.length;
      if (column >= COLUMNS) throw new Error(`a line of ${column} columns wraps: ${lines.at(-1)}`);
    }
  }
  return lines;
}

const HEADER = `
import { cores, delayed, each, run } from "grain-scheduler";
const nap = delayed(async function nap(n: number) {
  if (n % 40 === 0) console.log("line", n);
  await new Promise((resolve) => setTimeout(resolve, 20));
  return n;
}).with(cores(1));
const numbers = Array.from({ length: 200 }, (_, n) => n);
`;

describe.skipIf(!hasScript)("progress in a terminal", () => {
  it("is one line below what is printed, and leaves nothing behind", async () => {
    const written = await inTerminal(
      "naps.ts",
      `${HEADER}
const sum = await run(async () => {
  let sum = 0;
  // One line in each round: none comes together with the next.
  for (let from = 0; from < 200; from += 40)
    for (const n of await each(nap.map(numbers.slice(from, from + 40)))) sum += n;
  return sum;
}, { local: cores(2) });
console.log("sum " + sum);
`,
    );
    expect(written).toMatch(STATUS);
    // Drawn again right below each line, however soon the next one comes.
    const below = written.match(/line \d+\r\n(?:\[nap[^\r]*\r\n)*\r␛\[2K\d+\/\d+ done/g);
    expect(below?.length).toBeGreaterThanOrEqual(3);
    const lines = screen(written);
    expect(lines.slice(0, -2).sort()).toEqual(
      [0, 40, 80, 120, 160].map((n) => `[nap#${n + 1} local] line ${n}`).sort(),
    );
    expect(lines.slice(-2)).toEqual(["sum 19900", ""]);
  });

  it.each([
    ["process.exit", "process.exit(0);"],
    ["an error that nobody catches", 'throw new Error("uncaught");'],
  ])("leaves nothing behind after %s", async (_name, end) => {
    const written = await inTerminal(
      "ends.ts",
      `${HEADER}
const { write } = process.stderr;
process.stderr.write = (...args) => {
  // Once the line is there.
  if (/ done · /.test(String(args[0]))) setTimeout(() => { ${end} });
  return write.apply(process.stderr, args);
};
await run(() => each(nap.map([...numbers, ...numbers, ...numbers, ...numbers])), { local: cores(1), logs: false });
`,
    );
    expect(written).toMatch(STATUS);
    const lines = screen(written.replaceAll(/␛\[\d+m/g, ""));
    expect(lines.join("\n")).not.toMatch(STATUS);
    expect(lines.at(-1)).toBe("");
  });

  it("is not there on a terminal that cannot erase", async () => {
    const written = await inTerminal(
      "dumb.ts",
      `${HEADER}
console.log(await run(async () => (await each(nap.map(numbers.slice(1, 30)))).length, { local: cores(1) }));
`,
      { TERM: "dumb" },
    );
    expect(screen(written)).toEqual(["29", ""]);
  });
});
