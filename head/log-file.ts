/** The daemon's log: a line for people each, on standard error or in a file. */

import { pino } from "pino";
import { ConfigError, messageOf } from "../proto/errors.js";
import { logLine } from "../proto/log-line.js";
import type { HeadLog } from "./shell/log.js";

/** A log with more for whoever looks closely. */
export interface DaemonLog extends HeadLog {
  debug(line: string): void;
  error(line: string): void;
}

/**
 * Opens the log.
 *
 * @param file appended to; undefined: standard error
 * @param verbose whether debugging lines are written too
 * @throws ConfigError when the file cannot be written
 */
export function openLog(file: string | undefined, verbose: boolean): DaemonLog {
  try {
    // Synchronous: the lines are few, and the last ones before a crash matter most.
    const sink = pino.destination({ dest: file ?? 2, sync: true, append: true });
    const lines = { write: (json: string) => sink.write(logLine(json)) };
    return pino({ level: verbose ? "debug" : "info", base: null }, lines);
  } catch (error) {
    throw new ConfigError(
      `The log file ${file} cannot be written: ${messageOf(error)}; name another with --log-file.`,
      {
        cause: error,
      },
    );
  }
}
