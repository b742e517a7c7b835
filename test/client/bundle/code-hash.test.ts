import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleModule, stopBundler } from "../../../client/bundle/bundle.js";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "grain-code-"));
});
afterAll(async () => {
  await stopBundler();
  rmSync(directory, { recursive: true, force: true });
});

let files = 0;
/** The hash of `energy` in a program. */
async function codeOf(source: string, helper = "export const unit = 2;", name = "energy"): Promise<string> {
  files += 1;
  const file = join(directory, `program-${files}.ts`);
  writeFileSync(join(directory, `helper-${files}.ts`), helper);
  writeFileSync(file, source.replaceAll("./helper", `./helper-${files}`));
  const { code } = await bundleModule(file);
  return Buffer.from(await code(name)).toString("hex");
}

const program = ({ factor = "3", body = "return scale(n) * unit;", rest = "", main = "energy(1)" } = {}) => `
import { delayed, run, cores } from "grain-scheduler";
import { unit } from "./helper";
const factor = ${factor};
const table = new Map<number, number>();
function scale(n: number) { return factor * n + (table.get(n) ?? 0); }
const energy = delayed(async function energy(n: number) { ${body} }, { cacheKey: true });
${rest}
await run(async () => { console.log(await ${main}); });
`;

describe("the hash of a function's code", () => {
  it("stays when other parts of the program change", async () => {
    const before = await codeOf(program());
    for (const same of [
      program(),
      program({ main: "energy.with(cores(2))(17)" }),
      program({ rest: "const other = delayed(function other() { return factor; }); let grid = [1, 2];" }),
      program({ rest: 'console.log("starting");' }),
      `// A comment.\n\n${program()}`,
    ])
      expect(await codeOf(same)).toBe(before);
  });

  it("is another when the function changes, or anything that it uses", async () => {
    const all = [
      await codeOf(program()),
      await codeOf(program({ body: "return scale(n) + unit;" })),
      await codeOf(program({ factor: "4" })),
      await codeOf(program(), "export const unit = 5;"),
      await codeOf(program({ rest: "table.set(1, 2);" })),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it("is each function's own", async () => {
    const rest = 'const other = delayed(async (n: number) => n, { name: "other" });';
    const source = program({ rest });
    expect(await codeOf(source, undefined, "other")).not.toBe(await codeOf(source));
    expect(await codeOf(source, undefined, "other")).toBe(
      await codeOf(program({ rest, factor: "9" }), undefined, "other"),
    );
  });
});
