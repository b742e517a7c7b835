/**
 * A trace in a file: lines are gathered and written beside the head's work, never waited for.
 *
 * When the disk is slower than the head for long, lines are dropped, and the trace says how many;
 * when writing fails, the trace ends there and the head goes on.
 */

import { type FileHandle, open } from "node:fs/promises";
import { ConfigError, messageOf } from "../../proto/errors.js";
import { VERSION } from "../../proto/version.js";
import type { TraceLine } from "./line.js";
import { Recorder, type TraceSink } from "./recorder.js";

/** Gathered at most; beyond, lines are dropped. */
const LIMIT_CHARS = 16 * 1024 * 1024;
/** So long lines wait for more. */
const GATHER_MS = 100;

/** A trace that is being written. */
export interface TraceFile {
  readonly sink: TraceSink;
  /** Writes what is left and closes the file. Never fails. */
  close(): Promise<void>;
}

/**
 * Begins a trace. A file that is there is replaced.
 *
 * @param path where
 * @param warn told, once, when writing has failed
 * @throws ConfigError when the file cannot be written
 * @example
 * const trace = await openTrace("head.trace", (text) => log.warn(text));
 */
export async function openTrace(path: string, warn: (text: string) => void): Promise<TraceFile> {
  let handle: FileHandle;
  try {
    handle = await open(path, "w");
  } catch (error) {
    throw new ConfigError(
      `The trace cannot be written to ${path} (${messageOf(error)}); name a file in a directory that is there and writable.`,
      { cause: error },
    );
  }
  const lines = new Lines(handle, (error) =>
    warn(`the trace ${path} ends here: writing it failed (${messageOf(error)})`),
  );
  const sink = new Recorder((line) => lines.write(line), { head: VERSION, startedAt: new Date() });
  return { sink, close: () => lines.close() };
}

/** Lines on their way to a file. */
export class Lines {
  readonly #handle: Pick<FileHandle, "write" | "close">;
  readonly #failed: (error: unknown) => void;
  readonly #limitChars: number;
  #gathered: string[] = [];
  #chars = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #broken = false;

  constructor(
    handle: Pick<FileHandle, "write" | "close">,
    failed: (error: unknown) => void,
    limitChars: number = LIMIT_CHARS,
  ) {
    this.#handle = handle;
    this.#failed = failed;
    this.#limitChars = limitChars;
  }

  write(line: TraceLine): void {
    if (this.#broken) return;
    if (this.#chars > this.#limitChars) {
      this.#dropped += 1;
      return;
    }
    this.#sayDropped();
    this.#add(line);
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    // What is being written may be followed by what came meanwhile.
    await this.#writing;
    this.#sayDropped();
    this.#flush();
    await this.#writing;
    this.#broken = true;
    await this.#handle.close().catch(() => {});
  }

  #add(line: TraceLine): void {
    const text = `${JSON.stringify(line)}\n`;
    this.#gathered.push(text);
    this.#chars += text.length;
  }

  #sayDropped(): void {
    if (this.#dropped === 0) return;
    const lines = this.#dropped;
    this.#dropped = 0;
    this.#add({ type: "dropped", lines });
  }

  #flush(): void {
    this.#timer = undefined;
    if (this.#writing !== undefined || this.#gathered.length === 0 || this.#broken) return;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#gathered.length > 0) {
        const bytes = Buffer.from(this.#gathered.join(""));
        this.#gathered = [];
        // Still counted while it is being written: it is in memory.
        const chars = this.#chars;
        let written = 0;
        while (written < bytes.length) {
          written += (await this.#handle.write(bytes, written, bytes.length - written)).bytesWritten;
        }
        this.#chars -= chars;
      }
    } catch (error) {
      this.#broken = true;
      this.#gathered = [];
      this.#failed(error);
    }
  }
}
