import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { CallOptions } from "../../../client/call.js";
import { delayed } from "../../../client/delayed/function.js";
import { NO_RETRIES } from "../../../proto/retries.js";
import { FakeScope } from "../../kit/scope.js";

const named = () => delayed(async () => 1, { name: "named" });

function resolved(options: object): CallOptions {
  const scope = new FakeScope({ byHand: true });
  scope.run(() => delayed(async () => 1, { name: "f", ...options })());
  return scope.call(1).call.definition.options;
}

describe("options of delayed", () => {
  it.each<[object, Partial<CallOptions>]>([
    [{}, { retries: NO_RETRIES, timeoutMs: 0, priority: 0, pin: false, failInfeasible: false }],
    [{ retries: 3 }, { retries: { max: 3, backoffMs: 0, on: [] } }],
    [
      { retries: { max: 2, backoff: "10s", on: ["TimeoutError", "exit 3"] } },
      { retries: { max: 2, backoffMs: 10_000, on: ["TimeoutError", "exit 3"] } },
    ],
    [{ retries: { max: 2, backoff: 0.5 } }, { retries: { max: 2, backoffMs: 500, on: [] } }],
    [{ timeout: 1.5 }, { timeoutMs: 1500 }],
    [{ timeout: "1h30m" }, { timeoutMs: 5_400_000 }],
    [{ timeout: "1:30:00" }, { timeoutMs: 5_400_000 }],
    [{ priority: -5 }, { priority: -5 }],
    [
      { pin: true, failInfeasible: true },
      { pin: true, failInfeasible: true },
    ],
    [{ cacheKey: false }, {}],
    [
      { retries: undefined, timeout: undefined },
      { retries: NO_RETRIES, timeoutMs: 0 },
    ],
  ])("%j", (options, expected) => {
    expect(resolved(options)).toMatchObject(expected);
  });

  const bad: [string, unknown, RegExp][] = [
    ["retries", "3", /retries must be a whole number of 0 or more, or \{ max/],
    ["retries", { backoff: 1 }, /retries\.max must be a whole number/],
    ["retries", { max: 1, backoff: "soon" }, /retries\.backoff must be seconds or a text/],
    ["retries", { max: 1, on: "TypeError" }, /retries\.on must be a list/],
    ["retries", { max: 1, backOff: 1 }, /retries\.backOff must be absent/],
    ["name", "", /name must be a text that is not empty/],
    ["name", 5, /name must be a text/],
    ["nout", -1, /nout must be a whole number of 0 or more, not -1/],
    ["nout", "2", /nout must be/],
    ["nout", 1.5, /nout must be/],
    ["copyOnSetItem", 1, /copyOnSetItem must be true or false/],
    ["retries", -1, /retries must be a whole number of 0 or more/],
    ["retries", Number.POSITIVE_INFINITY, /retries must be/],
    ["timeout", 0, /timeout must be seconds above 0 or a text such as/],
    ["timeout", -1, /timeout must be/],
    ["timeout", "soon", /timeout must be.*not 'soon'/],
    ["timeout", Number.NaN, /timeout must be/],
    ["timeout", null, /timeout must be/],
    ["priority", 0.5, /priority must be a whole number/],
    ["pin", "yes", /pin must be true or false/],
    ["failInfeasible", null, /failInfeasible must be true or false/],
    ["cacheKey", "key", /cacheKey must be true, false or a function/],
    ["module", "", /module must be import\.meta\.url, a file URL, a path, or the name/],
    ["module", 5, /module must be/],
    ["retry", 1, /there is no option "retry"; there are nout, copyOnSetItem, retries/],
  ];
  it.each(bad.map((row) => ({ title: `${row[0]}: ${inspect(row[1])}`, row })))(
    "refuses $title",
    ({ row }) => {
      const [name, value, message] = row;
      const make = () => delayed(async () => 1, { ...(name === "name" ? {} : { name: "f" }), [name]: value });
      expect(make).toThrow(TypeError);
      expect(make).toThrow(message);
      if (name === "name" || name === "module") return;
      expect(() => named().options({ [name]: value })).toThrow(/^named\.options: /);
      expect(() => named().options({ [name]: value })).toThrow(message);
    },
  );

  it("refuses what is no object", () => {
    for (const options of [null, 5, "x", []])
      expect(() => delayed(async () => 1, options as never)).toThrow(/options must be an object/);
  });

  it("keeps name and module with the function", () => {
    expect(() => named().options({ name: "other" } as never)).toThrow(
      /name belongs to the function; give it to delayed/,
    );
  });
});
