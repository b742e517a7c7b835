/** Values and code on their way to real workers and back. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Stage } from "../kit/daemons.js";

let stage: Stage;
let address: string;
beforeEach(async () => {
  stage = new Stage();
  ({ address } = await stage.head());
  await stage.worker(address, ["--name", "w1", "--cpus", "2"]);
});
afterEach(() => stage.close());

async function play(source: string, name = "program.ts"): Promise<string> {
  const { stdout, stderr, code } = await stage.play(stage.program(name, source), { GRAIN_ADDRESS: address });
  expect(code, stderr).toBe(0);
  return stdout;
}

describe("values", () => {
  it("pass both ways as structured clone takes them", async () => {
    const stdout = await play(`
import { isDeepStrictEqual } from "node:util";
import { cores, delayed, run } from "grain-scheduler";
const echo = delayed(function echo(value: unknown) { return value; });
const cycle: Record<string, unknown> = { name: "cycle" };
cycle.self = cycle;
const values = [undefined, null, NaN, -0, 0, 2n ** 200n, "text", new Date(0), /x+/gi, [1, , 3],
  new Map([[{ a: 1 }, new Set([1, "2"])]]), new Float64Array([1.5, NaN, -0]), new Uint8Array([1, 2, 3]).buffer,
  new BigInt64Array([-1n]), cycle, new TypeError("as a value"), { nested: { deep: [new Map()] } }];
await run(async () => {
  for (const value of values) {
    const back = await echo.with(cores(1))(value);
    if (!isDeepStrictEqual(back, structuredClone(value)) || !Object.is(typeof back, typeof value)) console.log("changed:", value, back);
  }
  console.log("done");
});
`);
    expect(stdout).toBe("done\n");
  });

  it("of 256 MiB pass while small tasks go on", async () => {
    const stdout = await play(`
import { createHash } from "node:crypto";
import { cores, delayed, run } from "grain-scheduler";
const echo = delayed(function echo(value: Uint8Array) { return value; });
const small = delayed(function small(n: number) { return n; });
const digest = (bytes: Uint8Array) => createHash("sha1").update(bytes).digest("hex");
await run(async () => {
  const large = new Uint8Array(256 * 1024 * 1024);
  for (let i = 0; i < large.length; i += 4096) large[i] = i >> 12;
  let back: Uint8Array | undefined;
  const echoed = echo.with(cores(1))(large).then((value: Uint8Array) => { back = value; });
  let during = 0;
  while (back === undefined) {
    await small.with(cores(1))(during);
    during += 1;
  }
  await echoed;
  console.log(digest(large) === digest(back), during > 20);
});
`);
    expect(stdout).toBe("true true\n");
  });

  it("that cannot be sent fail at the call, with the path", async () => {
    const stdout = await play(`
import { cores, delayed, run, SerializationError } from "grain-scheduler";
const take = delayed(function take(..._args: unknown[]) {});
const give = delayed(function give() { return { inner: { callback: () => 1 } }; });
await run(async () => {
  for (const args of [[{ callback() {} }], [1, [Symbol("s")]], [new ReadableStream()]]) {
    try { take.with(cores(1))(...args); console.log("accepted"); }
    catch (error) { console.log(error instanceof SerializationError, (error as SerializationError).path); }
  }
  await give.with(cores(1))().catch((error: Error) => console.log(error.message));
});
`);
    expect(stdout.split("\n").slice(0, 3)).toEqual([
      "true args[0].callback",
      "true args[1][0]",
      "true args[0]",
    ]);
    expect(stdout).toMatch(/give.*result\.inner\.callback/);
  });
});

describe("code", () => {
  it("takes its dependencies from node_modules along", async () => {
    const dependency = join(stage.project, "node_modules/tiny-dependency");
    mkdirSync(dependency, { recursive: true });
    writeFileSync(
      join(dependency, "package.json"),
      JSON.stringify({ name: "tiny-dependency", version: "1.0.0", main: "index.cjs" }),
    );
    writeFileSync(
      join(dependency, "index.cjs"),
      "const { join } = require('node:path'); exports.shout = (text) => join('', text.toUpperCase());",
    );
    writeFileSync(join(stage.project, "local.ts"), "export const suffix: string = '!';");
    const stdout = await play(`
import { cores, delayed, run } from "grain-scheduler";
import { shout } from "tiny-dependency";
import { suffix } from "./local.js";
const say = delayed(async function say(text: string) { return shout(text) + suffix; });
await run(async () => console.log(await say.with(cores(1))("hello")));
`);
    expect(stdout).toBe("HELLO!\n");
  });

  it("names a native add-on that cannot be shipped", async () => {
    const addon = join(stage.project, "node_modules/native-thing");
    mkdirSync(join(addon, "build"), { recursive: true });
    writeFileSync(
      join(addon, "package.json"),
      JSON.stringify({ name: "native-thing", version: "1.0.0", main: "index.js" }),
    );
    writeFileSync(
      join(addon, "index.js"),
      "module.exports = process.env.GRAIN_TASK_ID || !process.env.PLAIN ? require('./build/thing.node') : {};",
    );
    writeFileSync(join(addon, "build/thing.node"), "not really");
    const program = stage.program(
      "native.ts",
      `
import { cores, delayed, run } from "grain-scheduler";
import thing from "native-thing";
const use = delayed(async function use() { return typeof thing; });
await run(async () => { await use.with(cores(1))().catch((error: Error) => console.log(error.message, (error.cause as Error)?.message)); });
`,
    );
    const { stdout, stderr } = await stage.play(program, { GRAIN_ADDRESS: address, PLAIN: "1" });
    expect(stdout, stderr).toMatch(/native-thing/);
    expect(stdout).toMatch(/--import|install/);
  });

  it("says where to put a function that is not at the top level", async () => {
    const stdout = await play(`
import { cores, delayed, run } from "grain-scheduler";
await run(async () => {
  const late = delayed(async function late() { return 1; });
  console.log(await late());
  try { late.with(cores(1))(); } catch (error) { console.log(error instanceof TypeError, (error as Error).message); }
});
`);
    expect(stdout).toMatch(/^1\ntrue .*late.*top level/);
  });

  it("runs functions of a module baked into the worker", async () => {
    const tasks = stage.program(
      "tasks.mjs",
      `import { delayed } from "grain-scheduler";
export const where = delayed(function where() { return import.meta.url; });
`,
    );
    await stage.worker(address, [
      "--name",
      "baked",
      "--cpus",
      "1",
      "--import",
      tasks,
      "--res",
      '{"tokens":["baked"]}',
    ]);
    const stdout = await play(`
import { cores, delayed, run, token } from "grain-scheduler";
const where = delayed(function where(): string { return "the client's"; }, { module: "tasks.mjs" });
await run(async () => console.log(await where.with(cores(1), token("baked"))()));
`);
    expect(stdout).toContain(tasks);
  });
});
