/**
 * The two messages that come once for each task, or for many, as numbers one behind the other: no names of fields
 * are written or read. The others, and those of these that have something unusual, are MessagePack; see frames.ts.
 */

import type { ByteReader, ByteWriter } from "./bytes.js";
import type { Finished, Granted, Run, RunMode } from "./message.js";

const MODES: readonly RunMode[] = ["beside", "next", "ahead"];

/** Whether tasks are given arguments in the message, and nothing but cores, devices and memory. */
export function isUsual({ files, granted }: Run): boolean {
  const { tokens, others, hardMs, gang, memoryBytes } = granted;
  if (files.length > 0 || tokens.length > 0 || others.length > 0) return false;
  return hardMs === 0 && gang === undefined && Number.isSafeInteger(memoryBytes);
}

/** Writes tasks that are usual. */
export function packRun(
  writer: ByteWriter,
  { plan, mode, refs, tasks, attempts, sizes, args, granted }: Run,
): void {
  writer.number(plan);
  writer.number(MODES.indexOf(mode));
  writer.numbers(refs);
  writer.numbers(tasks);
  writer.numbers(attempts);
  writer.numbers(sizes);
  writer.bytes(args);
  writer.numbers(granted.cores);
  writer.numbers(granted.gpus);
  writer.number(granted.memoryBytes);
}

export function unpackRun(reader: ByteReader): Run {
  const plan = reader.number();
  const mode = MODES[reader.number()];
  if (mode === undefined) throw new Error("There is no such mode: this is no stream of frames.");
  const refs = reader.numbers();
  const tasks = reader.numbers();
  const attempts = reader.numbers();
  const sizes = reader.numbers();
  const args = reader.bytes();
  return {
    type: "run",
    plan,
    mode,
    refs,
    tasks,
    attempts,
    sizes,
    args,
    files: [],
    granted: grantedOf(reader),
  };
}

function grantedOf(reader: ByteReader): Granted {
  const cores = reader.numbers();
  const gpus = reader.numbers();
  const memoryBytes = reader.number();
  return { cores, gpus, memoryBytes, tokens: [], others: [], hardMs: 0, gang: undefined };
}

/** Writes ends. */
export function packFinished(writer: ByteWriter, { refs, sizes, runUs, values }: Finished): void {
  writer.numbers(refs);
  writer.numbers(sizes);
  writer.numbers(runUs);
  writer.bytes(values);
}

export function unpackFinished(reader: ByteReader): Finished {
  const refs = reader.numbers();
  const sizes = reader.numbers();
  const runUs = reader.numbers();
  return { type: "finished", refs, sizes, runUs, values: reader.bytes() };
}
