import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleModule, stopBundler } from "../../../client/bundle/bundle.js";

const run = promisify(execFile);

let root: string;
let count = 0;

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "grain-bundle-")));
});

afterAll(async () => {
  await stopBundler();
  await rm(root, { recursive: true, force: true });
});

/** Writes a project of its own and gives its directory. */
async function project(files: Record<string, string>): Promise<string> {
  const directory = join(root, `p${++count}`);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

/** Loads a bundle as an executor does, in a process and a directory of its own, and runs code with its exports `m`. */
async function load(file: string, code: string): Promise<{ stdout: string; stderr: string }> {
  const { bytes } = await bundleModule(file);
  const place = await mkdtemp(join(root, "cache-"));
  await writeFile(join(place, "bundle.mjs"), bytes);
  await writeFile(
    join(place, "main.mjs"),
    `const defined = [];
let stopHere;
const stopped = new Promise((resolve) => { stopHere = () => { resolve({}); return new Promise(() => {}); }; });
globalThis[Symbol.for("grain-scheduler")] = { ".": {
  delayed: (fn) => (defined.push(fn.name), fn), run: stopHere, cores: (n) => n, currentTask: () => "task",
}, "./worker": { where: "worker" }, "./head": { where: "head" } };
const m = await Promise.race([import("./bundle.mjs"), stopped]);
${code}
`,
  );
  return run(process.execPath, ["--enable-source-maps", join(place, "main.mjs")], { cwd: place });
}

async function value(file: string, expression: string): Promise<unknown> {
  const { stdout } = await load(file, `console.log(JSON.stringify(await (async () => (${expression}))()));`);
  return JSON.parse(stdout);
}

describe("a bundle", () => {
  it("holds TypeScript, JSON and CommonJS dependencies, and is a module by itself", async () => {
    const p = await project({
      "tasks.ts": `import { delayed, cores } from "grain-scheduler";
import { where } from "grain-scheduler/worker";
import half from "half";
import data from "./data.json";
import { twice } from "./twice.js";
export const f = delayed(async function f(x: number): Promise<number> { return half(twice(x)) + data.one; });
export const place = where; export const three = cores(3);`,
      "twice.ts": "export const twice = (x: number): number => x * 2;",
      "data.json": '{ "one": 1 }',
      "node_modules/half/package.json": '{ "name": "half", "main": "index.js" }',
      "node_modules/half/index.js":
        'const { sep } = require("node:path"); const os = require("os"); module.exports = (x) => (sep && os ? x / 2 : 0);',
    });
    expect(await value(join(p, "tasks.ts"), "[await m.f(4), m.place, m.three, defined]")).toEqual([
      5,
      "worker",
      3,
      ["f"],
    ]);
  });

  it("maps stacks to the user's own file and line", async () => {
    const p = await project({
      "tasks.ts": `import { delayed } from "grain-scheduler";
import half from "half";
interface Point { readonly x: number }

export const f = delayed(async function f(p: Point) {
  half();
  throw new Error(\`no \${p.x}\`);
});`,
      "node_modules/half/index.js": "module.exports = () => __filename + typeof require;",
    });
    const file = join(p, "tasks.ts");
    const { stdout } = await load(file, "await m.f({ x: 1 }).catch((error) => console.log(error.stack));");
    expect(stdout).toContain("Error: no 1");
    expect(stdout).toContain(`${file}:7:9`);
  });

  it("waits where a program would start", async () => {
    const p = await project({
      "main.ts": `import { delayed, run } from "grain-scheduler";
const f = delayed(function f() { return 1; });
await run(async () => { await f(); });
throw new Error("not reached");`,
    });
    expect(await value(join(p, "main.ts"), "defined")).toEqual(["f"]);
  });

  it("keeps names of functions and classes", async () => {
    const p = await project({
      "a.ts":
        'import { g } from "./b.js"; export const f = function f() {}; export class C {}; export { g };',
      "b.ts": "function f() {} export const g = f; export class C {}",
    });
    expect(await value(join(p, "a.ts"), "[m.f.name, m.g.name, m.C.name]")).toEqual(["f", "f", "C"]);
  });

  it("lets each file know where it is", async () => {
    const p = await project({
      "a.ts": `import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import b from "./lib/b.mjs"; import c from "./lib/c.cjs";
const require = createRequire(import.meta.url);
const __filename = fileURLToPath(import.meta.url);
export const places = [__filename, b, c, require("./data.json")];`,
      "data.json": "7",
      "lib/b.mjs": 'export default new URL("./x", import.meta.url).pathname;',
      "lib/c.cjs": "module.exports = __dirname;",
    });
    expect(await value(join(p, "a.ts"), "m.places")).toEqual([
      join(p, "a.ts"),
      join(p, "lib/x"),
      join(p, "lib"),
      7,
    ]);
  });

  it("may begin with #!", async () => {
    const p = await project({
      "a.js": "#!/usr/bin/env node\nexport const f = () => { throw new Error(import.meta.url); };",
    });
    const file = join(p, "a.js");
    const { stdout } = await load(file, "try { m.f(); } catch (error) { console.log(error.stack); }");
    expect(stdout).toContain(`${file}:2:32`);
  });

  it("says where it belongs when loaded elsewhere", async () => {
    const p = await project({ "a.ts": 'import { delayed } from "grain-scheduler"; delayed(() => 1);' });
    await expect(load(join(p, "a.ts"), "")).resolves.toBeDefined();
    const { bytes } = await bundleModule(join(p, "a.ts"));
    await writeFile(join(p, "bundle.mjs"), bytes);
    await expect(run(process.execPath, [join(p, "bundle.mjs")])).rejects.toThrow(
      /provided by Grain's workers/,
    );
  });
});

describe("what is left out", () => {
  it("never holds this package, however it is reached", async () => {
    const here = dirname(dirname(dirname(dirname(new URL(import.meta.url).pathname))));
    const p = await project({
      "tsconfig.json": JSON.stringify({
        compilerOptions: { paths: { grain: [join(here, "client/index.ts")] } },
      }),
      "a.ts": `import { delayed } from "grain"; import { where } from "grain-scheduler/head";
export const f = delayed(function f() { return where; });`,
    });
    expect(await value(join(p, "a.ts"), "[m.f(), defined]")).toEqual(["head", ["f"]]);
  });

  it.each([
    ['import { describe, expect, it, vi } from "vitest";', "vitest"],
    [
      'import test, { describe, it, mock as vi } from "node:test"; test("t", () => { throw 1; });',
      "node:test",
    ],
    ['import { describe, it, jest as vi } from "@jest/globals";', "@jest/globals"],
    ['import * as mocha from "mocha"; const { describe, it } = mocha; const vi = mocha;', "mocha"],
  ])("puts nothing in the place of a test framework: %s", async (line) => {
    const p = await project({
      "a.test.ts": `import { delayed } from "grain-scheduler"; ${line}
export const f = delayed(function f() { return 5; });
vi.fn().mockReturnValue(3);
const fixture = await it.extend({});
describe.each([1, 2])("of %i", (n) => { it("works", async () => { throw new Error("not run"); }); });
export const kinds = [typeof describe, String(fixture), [...fixture].length];`,
    });
    expect(await value(join(p, "a.test.ts"), "[m.f(), m.kinds]")).toEqual([5, ["function", "", 0]]);
  });

  const addon = {
    "node_modules/fastlib/package.json": '{ "name": "fastlib", "main": "index.js" }',
    "node_modules/fastlib/build/fast.node": "\x7fELF",
    "node_modules/slow/index.js":
      'try { module.exports = require("fastlib"); } catch { module.exports = "slow"; }',
  };

  it.each([
    [
      "the file itself",
      'module.exports = require("./build/fast.node");',
      /build\/fast\.node of the package "fastlib"/,
    ],
    [
      "a missing file",
      'module.exports = require("./build/other.node");',
      /build\/other\.node of the package "fastlib"/,
    ],
    [
      "bindings",
      'module.exports = require("bindings")("fast");',
      /"fastlib" loads a native add-on \(with "bindings"/,
    ],
    [
      "node-gyp-build",
      'module.exports = require("node-gyp-build")(__dirname);',
      /with "node-gyp-build", in index\.js/,
    ],
  ])("stops at a native add-on when it is required: %s", async (_, source, message) => {
    const p = await project({
      ...addon,
      "node_modules/fastlib/index.js": source,
      "a.ts": 'export const f = () => require("fastlib");',
      "b.ts": 'import slow from "slow"; export { slow };',
    });
    const { stdout } = await load(join(p, "a.ts"), "try { m.f(); } catch (e) { console.log(e.message); }");
    expect(stdout).toMatch(message);
    expect(stdout).toContain("--import");
    expect(await value(join(p, "b.ts"), "m.slow")).toBe("slow");
  });

  it("refuses a native add-on that is imported by name of file", async () => {
    const p = await project({
      ...addon,
      "a.ts": 'import fast from "./node_modules/fastlib/build/fast.node"; export { fast };',
    });
    await expect(bundleModule(join(p, "a.ts"))).rejects.toThrow(
      /a\.ts:1:18: The native add-on build\/fast\.node of the package "fastlib" cannot be sent/,
    );
  });

  it("does not mistake a module whose name ends in .node", async () => {
    const p = await project({
      "a.ts": 'import { x } from "./runtime.node"; export { x };',
      "runtime.node.ts": "export const x = 4;",
    });
    expect(await value(join(p, "a.ts"), "m.x")).toBe(4);
  });
});

describe("bundling again", () => {
  it("gives the same bytes for the same sources, and others when any source has changed", async () => {
    const p = await project({ "a.ts": 'export { b } from "./b.js";', "b.ts": "export const b = 1;" });
    const file = join(p, "a.ts");
    const long = new Date(Date.now() - 60_000);
    await utimes(file, long, long);
    await utimes(join(p, "b.ts"), long, long);
    const [first, same] = await Promise.all([bundleModule(file), bundleModule(`file://${file}`)]);
    expect(same).toBe(first);
    expect(await bundleModule(file)).toBe(first);
    await writeFile(join(p, "b.ts"), "export const b = 2;");
    const second = await bundleModule(file);
    expect(second.ref.hash).not.toBe(first.ref.hash);
    await writeFile(join(p, "b.ts"), "export const b = 1;");
    const third = await bundleModule(file);
    expect(third).not.toBe(first);
    expect(third.ref).toEqual(first.ref);
    expect(third.ref.byteLength).toBe(third.bytes.byteLength);
  });

  it("works again after the bundler's process has ended", async () => {
    const p = await project({ "a.ts": "export const a = 1;" });
    await bundleModule(join(p, "a.ts"));
    await stopBundler();
    await stopBundler();
    await writeFile(join(p, "a.ts"), "export const a = 2;");
    expect(await value(join(p, "a.ts"), "m.a")).toBe(2);
  });
});

describe("an error", () => {
  it.each([
    [
      "a package that is not there",
      'import x from "no-such"; x();',
      /a\.ts:1:15: Could not resolve "no-such"\. Install it \(npm install no-such\)/,
    ],
    [
      "a file that is not there",
      '\nimport "./gone.js";',
      /a\.ts:2:8: Could not resolve "\.\/gone\.js"\. Correct the path/,
    ],
    ["syntax", "export const = 3;", /a\.ts:1:14: Expected identifier but found "="\. Correct it/],
  ])("names the place and what to do: %s", async (_, source, message) => {
    const p = await project({ "a.ts": source });
    const error: Error = await bundleModule(join(p, "a.ts")).then(
      () => expect.unreachable(),
      (reason) => reason,
    );
    expect(error.name).toBe("GrainError");
    expect(error.message).toMatch(message);
    expect(error.message).toContain(join(p, "a.ts"));
    await writeFile(join(p, "a.ts"), "export const fixed = true;");
    expect(await value(join(p, "a.ts"), "m.fixed")).toBe(true);
  });

  it("says when there is no such file", async () => {
    await expect(bundleModule(join(root, "none.ts"))).rejects.toThrow(/none\.ts .*there is no such file/);
  });

  it("is not made of an optional package that is missing", async () => {
    const p = await project({
      "a.cjs": 'let x; try { x = require("no-such"); } catch { x = "without"; } exports.x = x;',
    });
    expect(await value(join(p, "a.cjs"), "m.default.x")).toBe("without");
  });
});
