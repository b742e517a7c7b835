import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeOfCall, toPath } from "../../../client/delayed/place.js";

const url = (path: string) => new URL(`../../../${path}`, import.meta.url).href;
const IMPORTS = `
import { delayed } from ${JSON.stringify(url("client/delayed/function.ts"))};
import { scopes } from ${JSON.stringify(url("client/call.ts"))};
const spawned = [];
const scope = { spawn(call) { spawned.push(call.definition); return { number: 1, completion: { state: { type: "pending" } } }; } };
const show = (...fns) => { scopes.run(scope, () => fns.forEach((fn) => fn())); console.log(JSON.stringify(spawned)); };
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "grain-place-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface Shown {
  readonly name: string;
  readonly module: string;
  readonly place: string;
  readonly topLevel: boolean;
}

/** Runs a program in a process of its own, as users do. */
async function run(name: string, source: string): Promise<Shown[]> {
  const file = join(folder, name);
  await writeFile(file, source);
  const args = ["--import", import.meta.resolve("tsx"), file];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Shown[];
}

describe("the place of a call", () => {
  it.each(["program.mts", "program.mjs"])(
    "is found in %s, before and after a top-level await, and in factories",
    async (name) => {
      const shown = await run(
        name,
        `${IMPORTS}
const make = (name) => delayed(async () => 1, { name });
const a = delayed(async function a() {});
const b = make("b");
await null;
const c = delayed(async function c() {});
const d = make("d");
show(a, b, c, d);`,
      );
      expect(shown.map(({ name, topLevel }) => [name, topLevel])).toEqual([
        ["a", true],
        ["b", true],
        ["c", true],
        ["d", true],
      ]);
      for (const { module } of shown) expect(module).toBe(join(folder, name));
      expect(shown[0]!.place).toBe(`${join(folder, name)}:9:${shown[0]!.place.split(":").at(-1)}`);
    },
  );

  it("is not the top level in callbacks, timers or a run, even one that the top level waits for", async () => {
    const shown = await run(
      "later.mts",
      `${IMPORTS}
import { setImmediate } from "node:timers/promises";
const made = [];
await setImmediate().then(() => made.push(delayed(async function inThen() {})));
await new Promise((resolve) => setTimeout(() => { made.push(delayed(async function inTimer() {})); resolve(); }));
await scopes.run(scope, async () => {
  made.push(delayed(async function inRun() {}));
  await null;
  made.push(delayed(async function inRunLater() {}));
});
show(...made);`,
    );
    expect(shown.map(({ name, topLevel }) => [name, topLevel])).toEqual([
      ["inThen", false],
      ["inTimer", false],
      ["inRun", false],
      ["inRunLater", false],
    ]);
  });

  it("is the top level of a module that is imported inside a run", async () => {
    await writeFile(
      join(folder, "tasks.mts"),
      `import { delayed } from ${JSON.stringify(url("client/delayed/function.ts"))};
export const task = delayed(async function task() {});`,
    );
    const shown = await run(
      "importing.mts",
      `${IMPORTS}
const { task } = await scopes.run(scope, () => import("./tasks.mts?query=1"));
show(task);`,
    );
    expect(shown).toMatchObject([{ name: "task", topLevel: true, module: join(folder, "tasks.mts") }]);
  });

  it("is that of the helper, not of its caller, when a helper calls delayed", async () => {
    await writeFile(
      join(folder, "helper.mts"),
      `import { delayed } from ${JSON.stringify(url("client/delayed/function.ts"))};
export const task = (name) => delayed(async () => 1, { name });`,
    );
    const shown = await run(
      "calling.mts",
      `${IMPORTS}
import { task } from "./helper.mts";
show(task("x"));`,
    );
    expect(shown).toMatchObject([{ name: "x", topLevel: false, module: join(folder, "helper.mts") }]);
  });

  it("tells two functions of a loop apart from a module loaded twice", async () => {
    const twice = `for (let i = 0; i < 2; i++) delayed(async () => i, { name: "loop" });`;
    await expect(run("loop.mts", `${IMPORTS}${twice}`)).rejects.toThrow(
      /two functions "loop".*loop\.mts:\d+:\d+ and .*loop\.mts:\d+:\d+/,
    );
    await writeFile(
      join(folder, "reloaded.mts"),
      `import { delayed } from ${JSON.stringify(url("client/delayed/function.ts"))};
export const again = delayed(async function again() {});`,
    );
    const shown = await run(
      "loading.mts",
      `${IMPORTS}
show((await import("./reloaded.mts?1")).again, (await import("./reloaded.mts?2")).again);`,
    );
    expect(shown).toHaveLength(2);
  });

  it("counts the code of a test file as the top level, and a test as none", () => {
    expect(atTop.topLevel).toBe(true);
    expect(atTop.file).toBe(import.meta.filename);
    expect(here().topLevel).toBe(false);
  });

  it.each([
    ["file:///a/b%20c.ts?tsx=1#x", "/a/b c.ts"],
    ["/a/b.ts?v=2", "/a/b.ts"],
    ["/a/#b.ts", "/a/#b.ts"],
    ["node:internal/x", undefined],
    ["[eval]", undefined],
    ["tasks.ts", undefined],
  ])("normalises %s", (name, path) => {
    expect(toPath(name)).toBe(path);
    if (path !== undefined) expect(toPath(pathToFileURL(path).href)).toBe(path);
  });
});

function here() {
  return placeOfCall(here, false);
}
const atTop = here();
