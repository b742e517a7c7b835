import { describe, expect, it } from "vitest";
import { Keys } from "../../../client/session/key.js";
import { SerializationError } from "../../../proto/errors.js";
import { encodeArgs } from "../../../proto/values/value.js";
import { coresRequest, definitionOf } from "../../kit/fake-head.js";

type CacheKey = true | ((...args: never[]) => unknown) | undefined;

function keyOf(keys: Keys, args: readonly unknown[], cacheKey: CacheKey, name = "energy"): string {
  const definition = definitionOf(name);
  const call = {
    definition: { ...definition, options: { ...definition.options, cacheKey } },
    request: coresRequest(1),
    args,
  };
  return Buffer.from(keys.of(call, encodeArgs(args))).toString("hex");
}

describe("a key", () => {
  it("is of all arguments, or of what is made of them", () => {
    const keys = new Keys(false);
    const all = [keyOf(keys, [1, 2], true), keyOf(keys, [1, 3], true), keyOf(keys, [1], true)];
    expect(new Set(all).size).toBe(3);
    expect(keyOf(keys, [1, 2], true)).toBe(all[0]);
    const first = (n: number) => ({ n });
    expect(keyOf(keys, [1, 2], first)).toBe(keyOf(keys, [1, 3], first));
    expect(keyOf(keys, [1, 2], first)).not.toBe(keyOf(keys, [2, 2], first));
    // What is given as a key is none of arguments.
    expect(keyOf(keys, [1], (n: number) => n)).not.toBe(keyOf(keys, [1], true));
  });

  it("of a detached program's calls counts equal ones, in each run from the first", () => {
    const round = () => {
      const keys = new Keys(true);
      return [1, 1, 2, 1].map((n) => keyOf(keys, [n], undefined));
    };
    expect(new Set(round()).size).toBe(4);
    expect(round()).toEqual(round());
  });

  const bad: [string, CacheKey, typeof TypeError | typeof SerializationError, string][] = [
    ["a promise", async () => 1, TypeError, "energy: cacheKey must give a value, not a promise"],
    ["nothing", () => {}, TypeError, "energy: cacheKey gave undefined"],
    [
      "a function",
      () => () => 1,
      SerializationError,
      "energy: what cacheKey gave cannot be a key: key is a function",
    ],
    ["an object with one", () => ({ a: [() => 1] }), SerializationError, "key.a[0] is a function"],
  ];

  it.each(bad)("cannot be %s", (_what, cacheKey, kind, message) => {
    const make = (): string => keyOf(new Keys(false), [1], cacheKey);
    expect(make).toThrow(kind);
    expect(make).toThrow(message);
  });
});
