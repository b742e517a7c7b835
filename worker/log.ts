/** The daemon's log: one line for a person each, to standard error or a file. */

import { type DestinationStream, destination, type Logger, pino } from "pino";
import type { LogLevel } from "./agent/agent.js";

/** Where the log goes and how much of it. */
export interface LogOptions {
  /** Appended to. Default: standard error. */
  readonly file: string | undefined;
  /** Also what only a search for a fault needs. */
  readonly verbose: boolean;
}

/** A log that can be ended. */
export interface Log {
  write(level: LogLevel, text: string): void;
  /** Writes what is left. */
  close(): void;
}

const STDERR_FD = 2;

/**
 * Opens a log.
 *
 * @throws Error when the file cannot be opened
 */
export function openLog({ file, verbose }: LogOptions): Log {
  // Synchronous: a daemon that is killed has said everything.
  const sink = destination({ dest: file ?? STDERR_FD, sync: true, append: true, mkdir: true });
  const logger: Logger = pino({ level: verbose ? "debug" : "info" }, asLines(sink));
  return {
    write: (level, text) => logger[level](text),
    close: () => sink.flushSync(),
  };
}

/** Pino's JSON as "2026-01-31 12:00:00 WARN text". */
function asLines(sink: { write(line: string): unknown }): DestinationStream {
  return {
    write(json) {
      const { time, level, msg } = JSON.parse(json) as { time: number; level: number; msg: string };
      const label = (pino.levels.labels[level] ?? "info").toUpperCase();
      sink.write(`${timestamp(time)} ${label} ${msg}\n`);
    },
  };
}

/** Local time, in seconds. */
function timestamp(time: number): string {
  const date = new Date(time);
  const local = new Date(time - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}
