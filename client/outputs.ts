/**
 * Prints at the client what tasks print: line by line, each with the task and the
 * worker it comes from. Where lines go is the caller's choice.
 */

import { StringDecoder } from "node:string_decoder";
import type { Notice, Output } from "../proto/grain.js";

/** Takes whole lines, with their line ends. */
export interface LineSink {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** Lines go to this process's own streams. */
export const processSink: LineSink = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
};

/** A longer line is printed in pieces, so that a task that never ends one costs no memory. */
const MAX_LINE_LENGTH = 64 * 1024;

/** One stream of one task. */
class Stream {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  /** The lines that are complete now. */
  push(bytes: Uint8Array): string[] {
    this.#rest += this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const lines = this.#rest.split("\n");
    this.#rest = lines.pop()!;
    if (this.#rest.length > MAX_LINE_LENGTH) {
      lines.push(this.#rest);
      this.#rest = "";
    }
    return lines;
  }

  /** What is left without a line end. */
  end(): string {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = "";
    return rest;
  }
}

interface TaskStreams {
  prefix: string;
  stdout: Stream | undefined;
  stderr: Stream | undefined;
}

/** What the tasks of a session print. */
export class Outputs {
  readonly #sink: LineSink;
  /** By task number; only tasks that have printed. */
  readonly #tasks = new Map<number, TaskStreams>();

  constructor(sink: LineSink = processSink) {
    this.#sink = sink;
  }

  /** Prints the lines that a chunk completes. A task that has ended (no function name) leaves nothing behind. */
  write(output: Output, functionName: string | undefined): void {
    const streams = this.#streamsOf(output, functionName);
    const name = output.stderr ? "stderr" : "stdout";
    streams[name] ??= new Stream();
    this.#print(name, streams.prefix, streams[name].push(output.text));
    if (functionName === undefined && output.task !== 0) this.ended(output.task);
  }

  /** Prints what a task has left without a line end, and forgets the task. */
  ended(task: number): void {
    if (this.#tasks.size === 0) return;
    const streams = this.#tasks.get(task);
    if (streams === undefined) return;
    this.#tasks.delete(task);
    for (const name of ["stdout", "stderr"] as const) {
      const rest = streams[name]?.end() ?? "";
      if (rest !== "") this.#print(name, streams.prefix, [rest]);
    }
  }

  /** Prints what all tasks have left. */
  flush(): void {
    for (const task of [...this.#tasks.keys()]) this.ended(task);
  }

  /** Prints what the head has to say. */
  notice(notice: Notice): void {
    this.#print("stderr", notice.warning ? "grain: warning: " : "grain: ", notice.text.split("\n"));
  }

  #streamsOf(output: Output, functionName: string | undefined): TaskStreams {
    const prefix = prefixOf(output, functionName);
    let streams = this.#tasks.get(output.task);
    if (streams === undefined) {
      streams = { prefix, stdout: undefined, stderr: undefined };
      this.#tasks.set(output.task, streams);
    } else if (streams.prefix !== prefix) {
      // Another worker runs it now: its predecessor's line will not be continued.
      this.ended(output.task);
      return this.#streamsOf(output, functionName);
    }
    return streams;
  }

  #print(name: "stdout" | "stderr", prefix: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#sink[name](
      lines.map((line) => `${prefix}${line.endsWith("\r") ? line.slice(0, -1) : line}\n`).join(""),
    );
  }
}

function prefixOf({ task, worker }: Output, functionName: string | undefined): string {
  return task === 0 ? `[${worker}] ` : `[${functionName ?? "task"}#${task} ${worker}] `;
}
