import { describe, expect, it } from "vitest";
import { formatPoolSpec, parsePoolSpec } from "../../../head/simulation/pool-spec.js";
import { ResourceError } from "../../../proto/errors.js";

describe("parsePoolSpec", () => {
  it.each([
    ["20x64c,256G,4g", { count: 20, cores: 64, gpus: 4, memoryBytes: 256 * 1024 ** 3 }],
    ["64c", { count: 1, cores: 64, gpus: 0, memoryBytes: 0 }],
    [" 2 x 4c , 1.5T ", { count: 2, cores: 4, gpus: 0, memoryBytes: 1.5 * 1024 ** 4 }],
  ])("reads %s", (text, { count, cores, gpus, memoryBytes }) => {
    const spec = parsePoolSpec(text);
    expect(spec.count).toBe(count);
    expect(spec.pool.cores).toHaveLength(cores);
    expect(spec.pool.gpus).toHaveLength(gpus);
    expect(spec.pool.memoryBytes).toBe(memoryBytes);
  });

  it("reads other kinds and tokens", () => {
    const { pool } = parsePoolSpec("4c,licences=2.5,token=has-gpu");
    expect(pool.others).toEqual([{ kind: "licences", amount: 25_000 }]);
    expect(pool.tokens).toEqual(["has-gpu"]);
  });

  it.each(["", "4", "4x", "0x4c", "2y", "4C", "4c,", "4c,1c=x", "a=b", "4c,cores=3"])(
    "refuses %j",
    (text) => {
      expect(() => parsePoolSpec(text)).toThrow(ResourceError);
    },
  );

  it.each(["2x4c,8G", "1x64c,256G,4g,licences=2.5,token=fast"])("writes %s as it reads it", (text) => {
    expect(formatPoolSpec(parsePoolSpec(text))).toBe(text);
  });
});
