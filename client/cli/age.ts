/** Ages and run times for tables: short, the two largest units. */

const UNITS = [
  ["d", 24 * 3_600_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/**
 * A time that is read, not measured.
 *
 * @param ms milliseconds; undefined: not known
 * @example
 * formatAge(3_725_000) // "1h02m"
 */
export function formatAge(ms: number | undefined): string {
  if (ms === undefined) return "-";
  const whole = Math.max(0, ms);
  const at = UNITS.findIndex(([, unit]) => whole >= unit);
  if (at === -1) return "0s";
  const [name, unit] = UNITS[at]!;
  const first = Math.floor(whole / unit);
  const next = UNITS[at + 1];
  if (next === undefined) return `${first}${name}`;
  const rest = Math.floor((whole % unit) / next[1]);
  return `${first}${name}${String(rest).padStart(2, "0")}${next[0]}`;
}

/** How long something takes, with three digits: "1.23ms", "45.6s", "1h02m". */
export function formatRunTime(ms: number | undefined): string {
  if (ms === undefined) return "-";
  if (ms < 1) return `${Math.round(ms * 1_000)}us`;
  if (ms < 1_000) return `${digits(ms)}ms`;
  return ms < 60_000 ? `${digits(ms / 1_000)}s` : formatAge(ms);
}

function digits(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}
