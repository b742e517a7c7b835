/** Where the head says what happens: a line when something joins, leaves or goes wrong, never one per task. */

/** A log; pino's loggers are ones. */
export interface HeadLog {
  info(line: string): void;
  warn(line: string): void;
}

/** Says nothing: the embedded head's log. */
export const silentLog: HeadLog = { info() {}, warn() {} };
