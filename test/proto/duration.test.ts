import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../proto/duration.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("parseDuration", () => {
  it.each<[string | number, number]>([
    [90, 90 * SECOND],
    [0, 0],
    [0.25, 250],
    ["90", 90 * SECOND],
    ["1.5", 1500],
    ["30:00", 30 * MINUTE],
    ["100:00", 100 * MINUTE],
    ["1:30:00", 90 * MINUTE],
    ["01:30:00", 90 * MINUTE],
    ["100:00:00", 100 * HOUR],
    ["1-02", DAY + 2 * HOUR],
    ["1-02:30", DAY + 2.5 * HOUR],
    ["1-02:00:00", DAY + 2 * HOUR],
    ["0:00:01.25", 1250],
    ["1-00:00:00.001", DAY + 1],
    ["30m", 30 * MINUTE],
    ["30min", 30 * MINUTE],
    ["90s", 90 * SECOND],
    ["250ms", 250],
    ["1h30m", 90 * MINUTE],
    ["1h 30m", 90 * MINUTE],
    ["1.5h", 90 * MINUTE],
    ["2d", 2 * DAY],
    ["1w2d3h4m5s6ms", 7 * DAY + 2 * DAY + 3 * HOUR + 4 * MINUTE + 5 * SECOND + 6],
    ["2H", 2 * HOUR],
    ["  1h  ", HOUR],
  ])("reads %j as %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each<[unknown, RegExp]>([
    ["", /^"" is not a duration; write "1:30:00"/],
    ["  ", /is not a duration/],
    ["abc", /"abc" is not a duration/],
    ["1:60:00", /is not a duration/],
    ["1:30:60", /is not a duration/],
    ["30:60", /is not a duration/],
    ["1-24:00:00", /is not a duration/],
    ["1-02.5", /is not a duration/],
    ["1:2:3:4", /is not a duration/],
    ["30m1h", /is not a duration/],
    ["1h1h", /is not a duration/],
    ["-5", /is not a duration/],
    ["5x", /is not a duration/],
    ["1e3", /is not a duration/],
    [-5, /-5 is a negative duration/],
    [Number.NaN, /NaN is not a duration/],
    [Number.POSITIVE_INFINITY, /Infinity is too long/],
    [1e300, /too long/],
    [undefined, /undefined is not a duration/],
    [null, /null is not a duration/],
  ])("refuses %j", (value, message) => {
    expect(() => parseDuration(value as string)).toThrow(message);
    expect(() => parseDuration(value as string)).toThrow(RangeError);
  });
});

describe("formatDuration", () => {
  it.each<[number, string]>([
    [0, "0:00:00"],
    [250, "0:00:00.25"],
    [90 * SECOND, "0:01:30"],
    [90 * MINUTE, "1:30:00"],
    [DAY + 2 * HOUR, "1-02:00:00"],
    [-5, "0:00:00"],
    [0.4, "0:00:00"],
    [Number.POSITIVE_INFINITY, "unlimited"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("is read back exactly", () => {
    const days = fc.integer({ min: 0, max: 100 * DAY });
    fc.assert(
      fc.property(fc.oneof(days, fc.maxSafeNat()), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});
