import { inspect } from "node:util";
import { expectTypeOf } from "expect-type";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResourceError } from "../../../proto/errors.js";
import type * as wire from "../../../proto/grain.js";
import type { Demand, Request } from "../../../proto/resource/demand.js";
import { formatRequest, requestKey } from "../../../proto/resource/demand.js";
import type { PlainResource } from "../../../proto/resource/plain.js";
import type { Pool } from "../../../proto/resource/pool.js";
import {
  anyOf,
  capacity,
  combine,
  cores,
  gpus,
  limit,
  memory,
  node,
  nodes,
  type Resource,
  type ResourceLike,
  resource,
  token,
  toRequest,
  wtime,
} from "../../../proto/resource/resource.js";
import { request } from "./arbitrary.js";

const G = 1024 ** 3;

describe("types", () => {
  it("are those of the wire", () => {
    expectTypeOf<Demand>().toEqualTypeOf<wire.Demand>();
    expectTypeOf<Request>().toEqualTypeOf<wire.Request>();
    expectTypeOf<Pool>().toEqualTypeOf<wire.Pool>();
  });
});

describe("builders", () => {
  it.each<[string, Resource, string]>([
    ["cores", cores(4), "4 cores"],
    ["a fraction of a core", cores(0.5), "0.5 cores"],
    ["all cores", cores("all"), "all cores"],
    ["no cores", cores(0), "nothing"],
    ["memory in text", memory("16G"), "16G memory"],
    ["memory in gigabytes", memory(0.5), "512M memory"],
    ["node", node(4, 8), "4 cores, 8G memory"],
    ["all of a node", node("all", "8G"), "all cores, 8G memory"],
    ["gpus", gpus(0.25), "0.25 gpus"],
    ["walltime", wtime("1:30:00"), "walltime 1:30:00"],
    ["walltime in seconds", wtime(90), "walltime 0:01:30"],
    ["soft walltime", wtime(90, { soft: "60s", group: "md" }), "walltime 0:01:30 soft 0:01:00 group md"],
    ["token", token("has-gpu"), "token has-gpu"],
    ["token of several words", token("a b"), 'token "a b"'],
    ["capacity", capacity(2), "2 capacity"],
    ["one slot", capacity(), "1 capacity"],
    ["nodes", nodes(2), "2 nodes"],
    ["limit", limit("license:matlab", 4), "limit license:matlab 4"],
    ["user-defined", resource("licenses", 2), "2 licenses"],
    ["alternatives", anyOf(gpus(1), cores(8)), "1 gpu or 8 cores"],
    ["nested alternatives", anyOf(anyOf(gpus(1), cores(8)), { cores: 2 }), "1 gpu or 8 cores or 2 cores"],
    ["alternatives that repeat", anyOf(cores(2), { cores: 2 }), "2 cores"],
    ["combined", memory("8G").and(cores(4)).and({ token: "x" }), "4 cores, 8G memory, token x"],
    ["different tokens", token("b").and(token("a")), "token a, token b"],
    ["different limits", limit("b", 1).and(limit("a", 2)), "limit a 2, limit b 1"],
    ["different kinds of one's own", resource("b", 1).and(resource("a", 2)), "2 a, 1 b"],
    ["a gang", nodes(2).and(cores(4)).and(gpus(1)), "2 nodes, 4 cores, 1 gpu"],
    ["a gang of all cores", nodes(2).and(cores("all")), "2 nodes, all cores"],
  ])("%s", (_name, built, text) => {
    expect(built.toString()).toBe(text);
    expect(inspect(built)).toBe(`Resource(${text})`);
  });

  it("give the wire's form, sorted and without zeros", () => {
    const built = cores(1.5).and(memory("1G")).and(gpus(0)).and(wtime(60)).and(limit("l", 2)).and(token("t"));
    expect(built.request).toEqual({
      alternatives: [
        {
          amounts: [
            { kind: "cores", amount: 15_000 },
            { kind: "memory", amount: G },
          ],
          tokens: ["t"],
          walltime: { hardMs: 60_000, softMs: 60_000, group: "" },
          allCores: false,
          nodes: 0,
          coreLayout: "",
          limits: [{ name: "l", count: 2 }],
        },
      ],
    });
  });

  it("multiply alternatives out, the first preference counting most", () => {
    const built = anyOf(gpus(1), cores(8)).and(anyOf(memory(4), token("big")));
    expect(String(built)).toBe(
      "4G memory, 1 gpu or 1 gpu, token big or 8 cores, 4G memory or 8 cores, token big",
    );
  });

  it("change nothing they are called on", () => {
    const two = cores(2);
    two.and(memory(1));
    expect(String(two)).toBe("2 cores");
  });
});

describe("toRequest", () => {
  it("asks for nothing when given nothing", () => {
    expect(formatRequest(toRequest())).toBe("nothing");
    expect(formatRequest(toRequest({}))).toBe("nothing");
  });

  it("combines builders and the plain form", () => {
    expect(toRequest(cores(2), { memory: "4G" })).toEqual(cores(2).and(memory(4)).request);
  });

  it("takes a resource made by another copy of the module", () => {
    const foreign = { request: cores(2).request } as unknown as ResourceLike;
    expect(toRequest(foreign, memory(1))).toEqual(node(2, 1).request);
  });
});

describe("the plain form", () => {
  it.each<[PlainResource, Resource]>([
    [{ cores: 4, memory: "8G" }, cores(4).and(memory("8G"))],
    [{ cores: "all" }, cores("all")],
    [{ memory: 8, gpus: 1 }, memory(8).and(gpus(1))],
    [{ wtime: "1:00:00" }, wtime(3600)],
    [{ wtime: 3600 }, wtime(3600)],
    [{ wtime: { hard: "1:00:00", soft: 60, group: "g" } }, wtime(3600, { soft: 60, group: "g" })],
    [{ wtime: { hard: 60, soft: undefined } }, wtime(60)],
    [{ token: "x" }, token("x")],
    [{ token: ["y", "x"] }, token("x").and(token("y"))],
    [{ token: [] }, cores(0)],
    [{ capacity: 1, nodes: 2 }, capacity(1).and(nodes(2))],
    [{ limits: { "license:matlab": 4, b: 1 } }, limit("license:matlab", 4).and(limit("b", 1))],
    [{ resources: { licenses: 2, tape: 0.5 } }, resource("licenses", 2).and(resource("tape", 0.5))],
    [{ cores: 2, gpus: undefined, limits: undefined }, cores(2)],
  ])("%j", (plain, built) => {
    expect(toRequest(plain)).toEqual(built.request);
  });
});

describe("refused", () => {
  const refused: [string, () => unknown, RegExp][] = [
    ["NaN", () => cores(Number.NaN), /^cores: NaN is not a number/],
    ["negative", () => cores(-1), /^cores: -1 is negative/],
    ["too fine", () => gpus(1 / 3), /^gpus: 0\.33\d* is finer than 1\/10000/],
    ["other text", () => cores("some" as "all"), /^cores: "some" is neither a number nor "all"/],
    ["memory", () => memory("lots"), /^memory: "lots" is not a size/],
    ["node's cores", () => node(-1, 4), /^cores: -1 is negative/],
    ["node's memory", () => node(1, Number.NaN), /^memory: NaN/],
    ["walltime zero", () => wtime(0), /^wtime: 0 leaves no time to run/],
    ["walltime text", () => wtime("soon"), /^wtime: "soon" is not a duration; write "1:30:00"/],
    ["walltime negative", () => wtime(-1), /^wtime: -1 is a negative duration/],
    ["walltime missing", () => wtime(undefined as never), /^wtime: undefined is not a duration/],
    [
      "walltime group alone",
      () => wtime({ group: "x" } as never),
      /^wtime: \{"group":"x"\} is not a duration/,
    ],
    [
      "soft > hard",
      () => wtime(60, { soft: 61 }),
      /^wtime\.soft: 0:01:01 is longer than the hard limit, 0:01:00/,
    ],
    ["soft zero", () => wtime(60, { soft: 0 }), /^wtime\.soft: 0 leaves no time/],
    ["soft text", () => wtime(60, { soft: "x" }), /^wtime\.soft: "x" is not a duration/],
    ["group empty", () => wtime(60, { group: "" }), /^wtime\.group: "" is not a name/],
    [
      "walltime option",
      () => wtime(60, { sotf: 1 } as never),
      /^wtime\.sotf: there is no such option \(did you mean "soft"\?\)/,
    ],
    ["walltime options", () => wtime(60, null as never), /^wtime: null is not a set of options/],
    ["token empty", () => token(""), /^token: "" is not a name/],
    ["token number", () => token(5 as never), /^token: 5 is not a name/],
    ["token unprintable", () => token("a\nb"), /^token: "a\\nb" is not a name/],
    ["capacity zero", () => capacity(0), /^capacity: 0 is not a whole number of 1 or more/],
    ["capacity fraction", () => capacity(0.5), /^capacity: 0\.5 is not a whole number/],
    ["capacity too large", () => capacity(2 ** 50), /^capacity: .* is not an amount/],
    ["nodes zero", () => nodes(0), /^nodes: 0 is not a whole number of 1 or more/],
    ["nodes fraction", () => nodes(1.5), /^nodes: 1\.5 is not a whole number/],
    ["nodes too many", () => nodes(2 ** 40), /^nodes: 1099511627776 is not a count/],
    ["limit zero", () => limit("l", 0), /^limit l: 0 is not a whole number of 1 or more/],
    ["limit name", () => limit("", 1), /^limit: "" is not a name/],
    ["own kind negative", () => resource("licenses", -1), /^resource licenses: -1 is negative/],
    [
      "own kind's name",
      () => resource("2 x", 1),
      /^resource: "2 x" cannot name a resource; a kind is a letter/,
    ],
    [
      "own kind no text",
      () => resource(undefined as never, 1),
      /^resource: undefined cannot name a resource/,
    ],
    ["built-in kind", () => resource("cores", 2), /^resource: "cores" is built in; use cores\(2\) for it/],
    [
      "built-in kind, capital",
      () => resource("Memory", 2),
      /^resource: "Memory" is built in; use memory\("8G"\)/,
    ],
    ["built-in kind, synonym", () => resource("cpus", 2), /^resource: "cpus" is built in; use cores\(2\)/],
    ["built-in kind, singular", () => resource("gpu", 2), /^resource: "gpu" is built in; use gpus\(1\)/],
    ["anyOf nothing", () => anyOf(), /^anyOf: there is no alternative/],
    [
      "cores twice",
      () => cores(2).and(cores(4)),
      /^cores: asked for twice \(2 cores and 4 cores\); name each kind once/,
    ],
    ["cores twice the same", () => cores(2).and(cores(2)), /^cores: asked for twice \(2 cores\)/],
    ["cores twice with zero", () => cores(0).and(cores(2)), /^cores: asked for twice/],
    ["node and cores", () => node(2, 4).and(cores(1)), /^cores: asked for twice/],
    [
      "memory twice",
      () => memory(1).and({ memory: 2 }),
      /^memory: asked for twice \(1G memory and 2G memory\)/,
    ],
    [
      "all and some cores",
      () => cores("all").and(cores(2)),
      /^cores: asked for twice \(all cores and 2 cores\)/,
    ],
    [
      "some and all cores",
      () => cores(2).and(cores("all")),
      /^cores: asked for twice \(all cores and 2 cores\)/,
    ],
    ["all cores twice", () => cores("all").and(cores("all")), /^cores: asked for twice \(all cores\)/],
    ["gpus twice", () => gpus(1).and(gpus(1)), /^gpus: asked for twice/],
    ["walltime twice", () => wtime(1).and(wtime(2)), /^wtime: asked for twice \(0:00:01 and 0:00:02\)/],
    ["one token twice", () => token("x").and(token("x")), /^token: asked for twice \(x\)/],
    ["one token twice, plain", () => toRequest({ token: ["x", "x"] }), /^token: asked for twice \(x\)/],
    ["capacity twice", () => capacity(1).and(capacity(2)), /^capacity: asked for twice/],
    ["nodes twice", () => nodes(1).and(nodes(2)), /^nodes: asked for twice \(1 and 2\)/],
    ["one limit twice", () => limit("l", 1).and(limit("l", 2)), /^limit l: asked for twice \(1 and 2\)/],
    ["own kind twice", () => resource("a", 1).and({ resources: { a: 1 } }), /^a: asked for twice \(1 a\)/],
    ["twice in one alternative", () => anyOf(gpus(1), cores(2)).and(cores(1)), /^cores: asked for twice/],
    ["gang of fractions", () => nodes(2).and(cores(0.5)), /^cores: 0\.5 cannot be combined with nodes\(2\)/],
    [
      "gang of fractional gpus",
      () => gpus(1.5).and(nodes(2)),
      /^gpus: 1\.5 cannot be combined with nodes\(2\)/,
    ],
    [
      "unknown key",
      () => toRequest({ core: 2 } as never),
      /^core: there is no such resource \(did you mean "cores"\?\); use cores, coreLayout, memory/,
    ],
    [
      "other word",
      () => toRequest({ mem: 2 } as never),
      /^mem: there is no such resource \(did you mean "memory"\?\)/,
    ],
    [
      "misspelt key",
      () => toRequest({ memroy: 2 } as never),
      /^memroy: there is no such resource \(did you mean "memory"\?\)/,
    ],
    [
      "key like nothing",
      () => toRequest({ bananas: 2 } as never),
      /^bananas: there is no such resource; use cores/,
    ],
    ["inherited key", () => toRequest({ toString: 2 } as never), /^toString: there is no such resource/],
    ["plain null", () => toRequest({ cores: null } as never), /^cores: null is not a number/],
    ["plain walltime", () => toRequest({ wtime: {} } as never), /^wtime\.hard: it is missing/],
    [
      "plain walltime option",
      () => toRequest({ wtime: { hard: 1, x: 1 } } as never),
      /^wtime\.x: there is no such option/,
    ],
    ["plain token", () => toRequest({ token: 1 } as never), /^token: 1 is not a name/],
    [
      "plain limits",
      () => toRequest({ limits: 4 } as never),
      /^limits: 4 is not an object of names and numbers/,
    ],
    ["plain limit", () => toRequest({ limits: { l: 0 } }), /^limits\.l: 0 is not a whole number/],
    ["plain limit name", () => toRequest({ limits: { "": 1 } }), /^limits\.: "" is not a name/],
    ["plain own kind", () => toRequest({ resources: { l: -1 } }), /^resources\.l: -1 is negative/],
    [
      "plain own kind built in",
      () => toRequest({ resources: { cores: 1 } }),
      /^resources\.cores: "cores" is built in/,
    ],
    [
      "no resource",
      () => toRequest(undefined as never),
      /^resource: undefined is not a resource; give e\.g\. cores\(2\)/,
    ],
    ["a number", () => toRequest(4 as never), /^resource: 4 is not a resource/],
    ["an array", () => toRequest([cores(1)] as never), /^resource: .* is not a resource/],
    [
      "an uncalled builder",
      () => toRequest(cores as never),
      /^resource: the function cores is not a resource; call it/,
    ],
    [
      "alternatives without end",
      () => {
        const either = (n: number) => anyOf(resource(`a${n}`, 1), resource(`b${n}`, 1));
        return combine(...Array.from({ length: 7 }, (_, n) => either(n)));
      },
      /^anyOf: 128 alternatives are more than 64/,
    ],
  ];

  it.each(refused)("%s", (_name, build, message) => {
    expect(build).toThrow(message);
    expect(build).toThrow(ResourceError);
  });

  it.each(refused)("%s: in one sentence", (_name, build) => {
    expect(build).toThrow(/^[^\n]+\.$/);
  });
});

describe("combination", () => {
  /** The outcome up to the order of alternatives; refusals are all alike. */
  const outcome = (build: () => Resource): string[] => {
    try {
      return requestKey(build().request).split("\n").sort();
    } catch (error) {
      expect(error).toBeInstanceOf(ResourceError);
      return ["refused"];
    }
  };
  const one = fc.oneof(
    fc.integer({ min: 0, max: 3 }).map((n) => cores(n)),
    fc.constant(cores("all")),
    fc.integer({ min: 0, max: 3 }).map((n) => memory(n)),
    fc.constantFrom(0, 0.5, 1).map(gpus),
    fc.constantFrom("a", "b", "c").map(token),
    fc.constantFrom("a", "b", "c").map((name) => limit(name, 2)),
    fc.constantFrom("a", "b", "c").map((kind) => resource(kind, 1.5)),
    fc.constantFrom(60, 120).map((seconds) => wtime(seconds)),
    fc.constantFrom(1, 2).map(nodes),
    fc.constantFrom(1, 2).map(capacity),
  );
  const like = fc.array(one, { minLength: 1, maxLength: 2 }).map((items) => anyOf(...items));

  it("is commutative", () => {
    fc.assert(
      fc.property(like, like, (a, b) => {
        expect(outcome(() => a.and(b))).toEqual(outcome(() => b.and(a)));
      }),
    );
  });

  it("is associative, in the order of preference too", () => {
    const exact = (build: () => Resource) => {
      try {
        return String(build());
      } catch {
        return "refused";
      }
    };
    fc.assert(
      fc.property(like, like, like, (a, b, c) => {
        expect(exact(() => a.and(b).and(c))).toBe(exact(() => a.and(b.and(c))));
      }),
    );
  });

  it("with nothing changes nothing", () => {
    fc.assert(
      fc.property(like, (a) => {
        expect(a.and({}).request).toEqual(a.request);
        expect(combine({}, a).request).toEqual(a.request);
      }),
    );
  });

  it("distributes over alternatives", () => {
    fc.assert(
      fc.property(one, one, one, (a, b, c) => {
        expect(outcome(() => anyOf(a, b).and(c))).toEqual(outcome(() => anyOf(a.and(c), b.and(c))));
      }),
    );
  });

  it("keeps what a request of another copy asks for", () => {
    fc.assert(
      fc.property(request, (given) => {
        expect(combine({ request: given } as unknown as ResourceLike).request).toEqual(given);
      }),
    );
  });
});
