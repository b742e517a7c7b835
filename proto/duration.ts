/**
 * Durations as people write them, and back. Milliseconds inside, always whole.
 *
 * Reading a clock is not done here, and neither is naming the option that held
 * a bad text: callers catch the RangeError and say which one it was.
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

const EXPECTED = 'write "1:30:00", "1-02:00:00", "30m", "1h30m" or a number of seconds';

/** "[days-]a[:b[:c]][.fraction]"; what a, b and c are depends on how many there are. */
const CLOCK = /^(?:(\d+)-)?(\d+(?::\d{1,2}){0,2})(\.\d+)?$/;

const NUMBER = String.raw`(\d+(?:\.\d+)?|\.\d+)\s*`;
/** Each unit at most once, the largest first. */
const UNITS = new RegExp(
  `^(?:${NUMBER}w)?\\s*(?:${NUMBER}d)?\\s*(?:${NUMBER}h)?\\s*(?:${NUMBER}(?:min|m))?\\s*(?:${NUMBER}(?:sec|s))?\\s*(?:${NUMBER}ms)?$`,
  "i",
);
const UNIT_MS = [WEEK_MS, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, 1] as const;

/**
 * Reads a duration.
 *
 * Accepted: `[days-]hours:minutes:seconds`, `minutes:seconds`, `days-hours[:minutes]`
 * (as batch systems write them; seconds may have decimals), numbers with units
 * (`w d h m s ms`, largest first: "1h30m", "1.5h", "90s"), and a bare number, in
 * text or not, of seconds.
 *
 * @param value the text, or seconds
 * @returns milliseconds, rounded to whole ones, 0 or more
 * @throws RangeError when it is not a duration, is negative, or does not fit
 * @example
 * parseDuration("1:30:00") // 5_400_000
 * parseDuration(90)        // 90_000
 */
export function parseDuration(value: string | number): number {
  const ms = typeof value === "number" ? value * SECOND_MS : parseText(value);
  if (ms === undefined || Number.isNaN(ms))
    throw new RangeError(`${show(value)} is not a duration; ${EXPECTED}.`);
  if (ms < 0) throw new RangeError(`${show(value)} is a negative duration; ${EXPECTED}.`);
  const wholeMs = Math.round(ms);
  if (!Number.isSafeInteger(wholeMs))
    throw new RangeError(`${show(value)} is too long a duration; ${EXPECTED}.`);
  return wholeMs;
}

/**
 * Writes a duration as `[days-]h:mm:ss[.mmm]`, which `parseDuration` reads back exactly.
 *
 * @param ms milliseconds; fractions are rounded, negative ones print as zero
 * @example
 * formatDuration(5_400_000)  // "1:30:00"
 * formatDuration(93_600_000) // "1-02:00:00"
 */
export function formatDuration(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return "unlimited";
  const total = Math.max(0, Math.round(ms));
  const days = Math.floor(total / DAY_MS);
  const hours = Math.floor((total % DAY_MS) / HOUR_MS);
  const minutes = Math.floor((total % HOUR_MS) / MINUTE_MS);
  const seconds = Math.floor((total % MINUTE_MS) / SECOND_MS);
  const fraction = total % SECOND_MS;
  const start = days > 0 ? `${days}-${two(hours)}` : String(hours);
  const end = fraction > 0 ? `.${String(fraction).padStart(3, "0").replace(/0+$/, "")}` : "";
  return `${start}:${two(minutes)}:${two(seconds)}${end}`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}

function show(value: string | number): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function parseText(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  if (text === "") return undefined;
  return parseClock(text) ?? parseUnits(text);
}

function parseClock(text: string): number | undefined {
  const match = CLOCK.exec(text);
  if (match === null) return undefined;
  const parts = (match[2] ?? "").split(":").map(Number);
  // Decimals apart from the whole seconds, so that long durations keep their milliseconds.
  const fractionMs = match[3] === undefined ? 0 : Number(match[3]) * SECOND_MS;
  if (match[1] === undefined) {
    const [seconds = 0, minutes = 0, hours = 0] = parts.reverse();
    if (parts.length > 1 && seconds >= 60) return undefined;
    if (parts.length > 2 && minutes >= 60) return undefined;
    return hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS + fractionMs;
  }
  const [hours = 0, minutes = 0, seconds = 0] = parts;
  if (hours >= 24 || minutes >= 60 || seconds >= 60) return undefined;
  if (fractionMs > 0 && parts.length < 3) return undefined;
  return Number(match[1]) * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS + fractionMs;
}

function parseUnits(text: string): number | undefined {
  const match = UNITS.exec(text);
  if (match === null) return undefined;
  let ms = 0;
  for (const [index, unitMs] of UNIT_MS.entries()) ms += Number(match[index + 1] ?? 0) * unitMs;
  return ms;
}
