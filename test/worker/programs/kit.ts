/** What tests of programs share. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { ProgramError } from "../../../proto/errors.js";
import { sharedRoot } from "../../../proto/share/directory.js";
import type { Program, RunProgram } from "../../../proto/task.js";
import { createPrograms, disposePrograms, type ProgramsOptions } from "../../../worker/programs/index.js";

export const NODE = process.execPath;

/** A directory for this file's tests, which no launcher of another file uses; all programs end after each of them. */
export function programDirectory(): { readonly path: string } {
  const directory = { path: "" };
  beforeAll(async () => {
    directory.path = await realpath(await mkdtemp(join(tmpdir(), "grain-test-")));
    for (const [variable, name] of [
      ["GRAIN_SHARED_DIR", "shared"],
      ["TMPDIR", "tmp"],
    ] as const) {
      process.env[variable] = join(directory.path, name);
      await mkdir(join(directory.path, name), { mode: 0o700 });
    }
  });
  afterEach(disposePrograms);
  afterAll(() => rm(directory.path, { recursive: true, force: true }));
  return directory;
}

export function make(options: Partial<ProgramsOptions> = {}): RunProgram {
  return createPrograms({ env: {}, signal: new AbortController().signal, print: () => {}, ...options });
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has ended, though nobody has collected it yet.
    return !/^State:\tZ/m.test(readStatus(pid));
  } catch {
    return false;
  }
}

export function readStatus(pid: number): string {
  return existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, "utf8") : "";
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

export async function firstLine(program: Program): Promise<string> {
  for await (const line of program) return line;
  throw new Error("no line");
}

export async function failure(program: Promise<unknown>): Promise<ProgramError> {
  const error = await program.then(
    () => expect.unreachable(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProgramError);
  return error as ProgramError;
}

/** Where launchers keep their files. */
export function launcherFiles(): string[] {
  return [sharedRoot() ?? tmpdir(), tmpdir()].flatMap((place) =>
    existsSync(place) ? readdirSync(place).filter((name) => name.startsWith("grain-launcher-")) : [],
  );
}
