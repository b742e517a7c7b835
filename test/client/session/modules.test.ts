import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { moduleSource } from "../../../client/session/modules.js";

const file = fileURLToPath(import.meta.url);
const here = dirname(file);

describe("the source of a module", () => {
  it.each([
    ["a path", file, "?:1:1", { type: "file", file }],
    ["a URL", import.meta.url, "?:1:1", { type: "file", file }],
    ["relative to a path", "./modules.test.ts", `${here}/main.ts:3:9`, { type: "file", file }],
    ["relative to a URL", "../session/modules.test.ts", `file://${here}/main.ts:3:9`, { type: "file", file }],
    ["a name", "tasks", `${here}/main.ts:3:9`, { type: "baked", name: "tasks" }],
    ["a package", "@me/tasks", `${here}/main.ts:3:9`, { type: "baked", name: "@me/tasks" }],
    ["no file", "./absent.js", `${here}/main.ts:3:9`, { type: "baked", name: "./absent.js" }],
    ["no URL", "file:%zz", `${here}/main.ts:3:9`, { type: "baked", name: "file:%zz" }],
  ])("%s", (_, module, place, source) => {
    expect(moduleSource(module, place)).toEqual(source);
  });
});
