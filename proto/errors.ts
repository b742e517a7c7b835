/**
 * The errors that users see. Messages are written by the callers: each says what
 * happened, to what, and what to do. Turning errors into bytes is values/error.ts.
 */

/** What every error can carry beside its message. */
export interface ErrorDetails {
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** Which task an error is about. */
export interface TaskDetails extends ErrorDetails {
  /** Name of the task's function. */
  readonly functionName?: string | undefined;
  /** "session.task". */
  readonly taskId?: string | undefined;
  /** Name of the worker it ran on; absent when it ran on none. */
  readonly worker?: string | undefined;
  /** 1 for the first execution. */
  readonly attempt?: number | undefined;
}

/** How a task failed. */
export interface TaskErrorDetails extends TaskDetails {
  /** Exit code of the task's process, when the process ended under it. */
  readonly exitCode?: number | undefined;
  /** Signal that ended the task's process, e.g. "SIGKILL". */
  readonly signal?: string | undefined;
  /** The end of what the task wrote to standard error, 64 KiB at most. */
  readonly stderrTail?: string | undefined;
  /** It used more memory than it asked for, or than there was. */
  readonly outOfMemory?: boolean | undefined;
  /** What its processes used when that was last measured, in bytes; absent: it ended before. */
  readonly memoryBytes?: number | undefined;
  /** The most that was measured, in bytes. */
  readonly peakBytes?: number | undefined;
  /** The memory it asked for, in bytes; absent: none. */
  readonly askedBytes?: number | undefined;
}

/** Where a configuration is wrong. */
export interface ConfigErrorDetails extends ErrorDetails {
  readonly file?: string | undefined;
  /** From 1. */
  readonly line?: number | undefined;
}

/** Which value cannot be sent. */
export interface SerializationErrorDetails extends ErrorDetails {
  /** Place inside the value, e.g. `args[0].callback`. */
  readonly path?: string | undefined;
}

/** How a program ended. */
export interface ProgramErrorDetails extends ErrorDetails {
  readonly command?: string | undefined;
  /** Absent when a signal ended it. */
  readonly exitCode?: number | undefined;
  /** e.g. "SIGKILL"; absent when it exited. */
  readonly signal?: string | undefined;
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
}

/**
 * Base of all errors of this package.
 *
 * @example
 * try { await run(main); } catch (error) { if (error instanceof GrainError) console.error(error.message); }
 */
export class GrainError extends Error {
  constructor(message: string, details: ErrorDetails = {}) {
    const { cause, ...fields } = details;
    super(message, cause === undefined ? undefined : { cause });
    // Absent details leave no field behind: an error is printed with what is known.
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined)
        Object.defineProperty(this, key, { value, enumerable: true, configurable: true });
    }
  }
}

/** Base of the errors that are about one task. */
abstract class ErrorOfTask extends GrainError {
  declare readonly functionName?: string;
  declare readonly taskId?: string;
  declare readonly worker?: string;
  declare readonly attempt?: number;

  constructor(message: string, details: TaskDetails = {}) {
    super(message, details);
  }
}

/** A task's function threw (`cause` is what it threw), or its process died under it. */
export class TaskError extends ErrorOfTask {
  declare readonly exitCode?: number;
  declare readonly signal?: string;
  declare readonly stderrTail?: string;
  declare readonly outOfMemory?: boolean;
  declare readonly memoryBytes?: number;
  declare readonly peakBytes?: number;
  declare readonly askedBytes?: number;

  constructor(message: string, details: TaskErrorDetails = {}) {
    super(message, details);
  }
}

/** A task ran longer than its `timeout` or hard walltime and was ended. */
export class TaskTimeoutError extends ErrorOfTask {}

/** A task was cancelled before it ended by itself. */
export class TaskCancelledError extends ErrorOfTask {}

/** A task was given up because too many workers were lost while it ran. */
export class WorkerLostError extends ErrorOfTask {}

/** No worker can ever run a task, and its function asked to hear so (`failInfeasible`). */
export class InfeasibleError extends ErrorOfTask {}

/** The head or a worker cannot be reached, or does not speak our protocol. */
export class ConnectionError extends GrainError {}

/** Credentials are missing, wrong, or do not allow what was asked. */
export class AuthError extends GrainError {}

/** A configuration file, variable or option is wrong. */
export class ConfigError extends GrainError {
  declare readonly file?: string;
  declare readonly line?: number;

  constructor(message: string, details: ConfigErrorDetails = {}) {
    super(message, details);
  }
}

/** A resource is malformed, or two of one kind are combined. */
export class ResourceError extends GrainError {}

/** An argument or a result cannot be sent, or received bytes are no value. */
export class SerializationError extends GrainError {
  declare readonly path?: string;

  constructor(message: string, details: SerializationErrorDetails = {}) {
    super(message, details);
  }
}

/** A program that a task started ended with a non-zero exit code or by a signal, or could not be started. */
export class ProgramError extends GrainError {
  declare readonly command?: string;
  declare readonly exitCode?: number;
  declare readonly signal?: string;
  declare readonly stdout?: string;
  declare readonly stderr?: string;

  constructor(message: string, details: ProgramErrorDetails = {}) {
    super(message, details);
  }
}

/**
 * The message of whatever was thrown.
 *
 * @param error anything; need not be an Error
 * @returns one text for people, never empty; never throws
 * @example
 * messageOf(new Error("no disk")) // "no disk"
 */
export function messageOf(error: unknown): string {
  try {
    if (typeof error !== "object" || error === null) return String(error) || "(empty text)";
    const { message, name } = error as { readonly message?: unknown; readonly name?: unknown };
    if (typeof message === "string" && message !== "") return message;
    if (error instanceof Error && typeof name === "string" && name !== "") return name;
    return JSON.stringify(error) ?? String(error);
  } catch {
    return "(an error that cannot be printed)";
  }
}

// On the prototype, so that it does not show among an error's own fields. Not in the classes: the build gives those
// that name themselves another name.
for (const [name, { prototype }] of Object.entries({
  GrainError,
  TaskError,
  TaskTimeoutError,
  TaskCancelledError,
  WorkerLostError,
  InfeasibleError,
  ConnectionError,
  AuthError,
  ConfigError,
  ResourceError,
  SerializationError,
  ProgramError,
}))
  Object.defineProperty(prototype, "name", { value: name, configurable: true, writable: true });
