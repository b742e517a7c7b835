/** The daemon's log: one line for a person each, to standard error or a file. */

import { destination, type Logger, pino } from "pino";
import { ConfigError, messageOf } from "../proto/errors.js";
import { logLine } from "../proto/log-line.js";
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
 * @throws ConfigError when the file cannot be written
 */
export function openLog({ file, verbose }: LogOptions): Log {
  const sink = openSink(file);
  const lines = { write: (json: string) => sink.write(logLine(json)) };
  const logger: Logger = pino({ level: verbose ? "debug" : "info" }, lines);
  return {
    write: (level, text) => logger[level](text),
    close: () => sink.flushSync(),
  };
}

function openSink(file: string | undefined): ReturnType<typeof destination> {
  try {
    // Synchronous: a daemon that is killed has said everything.
    return destination({ dest: file ?? STDERR_FD, sync: true, append: true });
  } catch (cause) {
    const reason = messageOf(cause);
    throw new ConfigError(
      `The log file ${file} cannot be written: ${reason}; name another with --log-file.`,
      {
        cause,
      },
    );
  }
}
