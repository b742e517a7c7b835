/** The lines of the daemons' logs. Where they go is each daemon's affair. */

/** The levels of pino, which both daemons log with. */
const LABELS: Readonly<Record<number, string>> = {
  10: "TRACE",
  20: "DEBUG",
  30: "INFO",
  40: "WARN",
  50: "ERROR",
  60: "FATAL",
};

/**
 * One record of pino as a line for people.
 *
 * @param json with `time` (milliseconds since 1970), `level` and `msg`
 * @returns time in UTC, level and text; further lines of the text, if any, are indented
 * @example
 * logLine('{"level":30,"time":0,"msg":"ended"}') // "1970-01-01T00:00:00.000Z INFO ended\n"
 */
export function logLine(json: string): string {
  const { time, level, msg } = JSON.parse(json) as { time: number; level: number; msg: string };
  const text = msg.trimEnd().replace(/\r?\n/g, "\n  ");
  return `${new Date(time).toISOString()} ${LABELS[level] ?? "INFO"} ${text}\n`;
}
