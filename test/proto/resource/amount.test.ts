import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResourceError } from "../../../proto/errors.js";
import {
  formatAmount,
  formatMemory,
  formatMemoryShort,
  SCALE,
  toAmount,
  toBytes,
} from "../../../proto/resource/amount.js";

const K = 1024;
const M = 1024 ** 2;
const G = 1024 ** 3;
const T = 1024 ** 4;

describe("toAmount", () => {
  it.each<[number, number]>([
    [0, 0],
    [1, 10_000],
    [1.5, 15_000],
    [0.25, 2_500],
    [0.0001, 1],
    [0.3333, 3_333],
    [0.1 + 0.2, 3_000],
    [100_000_000.1, 1_000_000_001_000],
  ])("counts %d as %d ten-thousandths", (value, amount) => {
    expect(toAmount("cores", value)).toBe(amount);
  });

  it.each<[unknown, string]>([
    [1 / 3, "cores: 0.3333333333333333 is finer than 1/10000; round it, e.g. to 0.3333."],
    [0.00005, "cores: 0.00005 is finer than 1/10000; round it, e.g. to 0.0001."],
    [0.00001, "cores: 0.00001 is finer than 1/10000; round it, e.g. to 0.0001."],
    [-1, "cores: -1 is negative; give 0 or more."],
    [Number.NaN, "cores: NaN is not a number; give one such as 2 or 0.5."],
    [Number.POSITIVE_INFINITY, "cores: Infinity is too large; give less."],
    [1e15, "cores: 1000000000000000 is too large; give less."],
    ["4", 'cores: "4" is not a number; give one such as 2 or 0.5.'],
    [true, "cores: true is not a number; give one such as 2 or 0.5."],
    [undefined, "cores: undefined is not a number; give one such as 2 or 0.5."],
    [4n, "cores: 4n is not a number; give one such as 2 or 0.5."],
  ])("refuses %s", (value, message) => {
    expect(() => toAmount("cores", value)).toThrow(new ResourceError(message));
  });

  it("names another field when told to", () => {
    expect(() => toAmount("licenses", -1, "resources.licenses")).toThrow(/^resources\.licenses: /);
  });

  it("keeps every number of ten-thousandths", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (n) => {
        expect(toAmount("x", n / SCALE)).toBe(n);
      }),
    );
  });
});

describe("toBytes", () => {
  it.each<[number | string, number]>([
    [16, 16 * G],
    [0.5, G / 2],
    [0, 0],
    [0.1, 107_374_182],
    ["16", 16 * G],
    ["16G", 16 * G],
    ["16GB", 16 * G],
    ["16GiB", 16 * G],
    ["16 g", 16 * G],
    ["512M", 512 * M],
    ["1.5T", 1.5 * T],
    [".5G", G / 2],
    ["100K", 100 * K],
    ["2P", 2048 * T],
    ["1024B", 1024],
    [" 1G ", G],
  ])("reads %j as %d bytes", (value, bytes) => {
    expect(toBytes(value)).toBe(bytes);
  });

  it.each<[unknown, RegExp]>([
    ["", /^memory: "" is not a size of memory; give gigabytes, e\.g\. 16, or a text such as "16G"/],
    ["much", /^memory: "much" is not a size/],
    ["16X", /^memory: "16X" is not a size/],
    ["-1G", /^memory: "-1G" is not a size/],
    ["16iB", /^memory: "16iB" is not a size/],
    ["1e3M", /^memory: "1e3M" is not a size/],
    [-1, /^memory: -1 is negative/],
    [Number.NaN, /^memory: NaN is not a size/],
    [Number.POSITIVE_INFINITY, /^memory: Infinity is too large/],
    ["99999P", /^memory: "99999P" is too large/],
    [1e-12, /^memory: 1e-12 is less than a byte/],
    [null, /^memory: null is not a size/],
    [{}, /^memory: \{\} is not a size/],
  ])("refuses %j", (value, message) => {
    expect(() => toBytes(value)).toThrow(message);
    expect(() => toBytes(value)).toThrow(ResourceError);
  });
});

describe("formatMemory", () => {
  it.each<[number, string]>([
    [0, "0B"],
    [1, "1B"],
    [8 * G, "8G"],
    [1.5 * G, "1.5G"],
    [512 * M, "512M"],
    [1024 * G, "1T"],
    [107_374_182, "102.4M"],
    [G + 1, "1073741825B"],
  ])("writes %d bytes as %s", (bytes, text) => {
    expect(formatMemory(bytes)).toBe(text);
  });

  it("is read back exactly", () => {
    const sizes = fc.oneof(
      fc.maxSafeNat(),
      fc.integer({ min: 0, max: 1e6 }).map((n) => n * M),
      fc.nat(),
    );
    fc.assert(
      fc.property(sizes, (bytes) => {
        expect(toBytes(formatMemory(bytes))).toBe(bytes);
      }),
    );
  });
});

describe("formatMemoryShort", () => {
  it("uses one unit and never shows more than there is", () => {
    expect(formatMemoryShort(16_624_480_256)).toBe("15.48G");
    expect(formatMemoryShort(512 * M, 8 * G)).toBe("0.5/8G");
    expect(formatMemoryShort(0, 8 * G)).toBe("0/8G");
    expect(formatMemoryShort(0)).toBe("0B");
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(toBytes(formatMemoryShort(bytes))).toBeLessThanOrEqual(bytes);
      }),
    );
  });
});

describe("formatAmount", () => {
  it.each<[string, number, string]>([
    ["cores", 40_000, "4 cores"],
    ["cores", 10_000, "1 core"],
    ["cores", 1, "0.0001 cores"],
    ["gpus", 10_000, "1 gpu"],
    ["gpus", 2_500, "0.25 gpus"],
    ["memory", 8 * G, "8G memory"],
    ["licenses", 10_000, "1 licenses"],
    ["capacity", 80_000, "8 capacity"],
  ])("%s %d: %s", (kind, amount, text) => {
    expect(formatAmount(kind, amount)).toBe(text);
  });
});
