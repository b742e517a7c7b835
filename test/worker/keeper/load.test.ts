import { describe, expect, it } from "vitest";
import { encodeShared, exportsOf, holdingOf, MOST_VALUE_BYTES } from "../../../worker/keeper/load.js";

const disposable = (more: object) => ({ ...more, async [Symbol.asyncDispose]() {} });

describe("what a module exports", () => {
  it.each([
    ["context", {}, /no default export; write: export default/],
    ["context", { setUp() {} }, /no default export.*\(it exports setUp\)/],
    ["context", { default: 7 }, /default export is a number; it must be a function/],
    ["context", { default: { value: 1 } }, /default export is an object; it must be/],
    ["context", { default() {}, executor: [] }, /"executor" is an array; it must be a function/],
    ["service", { default() {} }, /neither "start".*nor "connect".*\(it exports default\)/],
    ["service", { start: "node" }, /"start" is a string/],
  ] as const)("of a %s %j is refused", (kind, module, message) => {
    expect(() => exportsOf(kind, module)).toThrow(message);
  });

  it("of a context may be an async disposable", async () => {
    const made = disposable({ value: 3 });
    expect(await exportsOf("context", { default: made }).once?.()).toBe(made);
  });

  it("of a CommonJS module is found in what it is wrapped in", () => {
    const setUp = () => {};
    expect(exportsOf("context", { default: { __esModule: true, default: setUp } }).once).toBe(setUp);
    expect(exportsOf("context", { default: { default: setUp } }).once).toBe(setUp);
  });

  it("of a service may be the client's side only", () => {
    const connect = () => {};
    expect(exportsOf("service", { connect })).toEqual({ once: undefined, each: connect });
  });
});

describe("what a module's function returns", () => {
  it.each([
    [undefined, "value", /it returned undefined, which cannot be torn down; return \{ value: …/],
    [{ value: 1 }, "value", /it returned an object, which cannot be torn down/],
    [disposable({ scratch: "/tmp" }), "value", /has no "value": put what .* \(it has scratch\)/],
    [disposable({ connection: 1, ended: true }), "connection", /"ended" of what it returned is a boolean/],
  ] as const)("%j is refused", (made, field, message) => {
    expect(() => holdingOf(made, "it", field)).toThrow(message);
  });

  it("is torn down once, as a method", async () => {
    const made = {
      value: 1,
      downs: 0,
      async [Symbol.asyncDispose]() {
        this.downs += 1;
      },
    };
    await holdingOf(made, "it", "value").dispose();
    expect(made.downs).toBe(1);
  });
});

describe("a value that is sent to executors", () => {
  it("is refused with the place of what cannot be sent", () => {
    expect(() => encodeShared({ pools: [{ close() {} }] }, "context")).toThrow(/context\.pools\[0\]\.close/);
  });

  it("is refused with the place of what is too large", () => {
    const tables = [[1], new Uint8Array(MOST_VALUE_BYTES + 1)];
    expect(() => encodeShared({ scratch: "/tmp", tables }, "context")).toThrow(
      /^context\.tables\[1\] takes 16M, and context at most 16M: write it to a file/,
    );
  });
});
