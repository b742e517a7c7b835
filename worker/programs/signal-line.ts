/** The line by which dash says that a signal has ended a program. */

/** As glibc describes signals, and musl where it differs. */
const DESCRIPTIONS: Readonly<Record<string, readonly string[]>> = {
  SIGHUP: ["Hangup"],
  SIGQUIT: ["Quit"],
  SIGILL: ["Illegal instruction"],
  SIGTRAP: ["Trace/breakpoint trap"],
  SIGABRT: ["Aborted"],
  SIGBUS: ["Bus error"],
  SIGFPE: ["Floating point exception", "Arithmetic exception"],
  SIGKILL: ["Killed"],
  SIGUSR1: ["User defined signal 1"],
  SIGSEGV: ["Segmentation fault"],
  SIGUSR2: ["User defined signal 2"],
  SIGALRM: ["Alarm clock"],
  SIGTERM: ["Terminated"],
  SIGSTKFLT: ["Stack fault"],
  SIGXCPU: ["CPU time limit exceeded"],
  SIGXFSZ: ["File size limit exceeded"],
  SIGVTALRM: ["Virtual timer expired"],
  SIGPROF: ["Profiling timer expired"],
  SIGIO: ["I/O possible"],
  SIGPWR: ["Power failure"],
  SIGSYS: ["Bad system call"],
};

/** Longer than any such line. */
const LINE_BYTES = 64;

/**
 * What a program has written to standard error, without that line at the end.
 *
 * @example
 * withoutSignalLine(Buffer.from("oh no\nSegmentation fault\n"), "SIGSEGV").toString() // "oh no\n"
 */
export function withoutSignalLine(stderr: Buffer, signal: string): Buffer {
  const end = stderr.toString("latin1", Math.max(0, stderr.byteLength - LINE_BYTES));
  for (const description of DESCRIPTIONS[signal] ?? []) {
    for (const line of [`${description}\n`, `${description} (core dumped)\n`]) {
      if (end.endsWith(line)) return stderr.subarray(0, stderr.byteLength - line.length);
    }
  }
  return stderr;
}
