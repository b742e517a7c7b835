/**
 * A module as workers get it: one self-contained text, named by its hash.
 *
 * Its job is to build each module once per process and again when one of its
 * sources has changed. How it is built is build.ts; sending it is not done here.
 */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { BlobRef } from "../../proto/grain.js";
import { refOf } from "../../proto/hash.js";
import { type Built, build, stopService } from "./build.js";

/** A module with everything it imports. */
export interface Bundle {
  readonly ref: BlobRef;
  /** UTF-8 text of an ECMAScript module. */
  readonly bytes: Uint8Array;
  /** 32 bytes that stand for the code of one of its functions, and all that it uses; remembered. */
  code(name: string): Promise<Uint8Array>;
}

/** A source as it was when it was read; undefined: it may have changed while it was read. */
interface Snapshot {
  readonly path: string;
  readonly state: string | undefined;
}

interface CachedBundle {
  readonly bundle: Bundle;
  readonly sources: readonly Snapshot[];
}

const cached = new Map<string, CachedBundle>();
const building = new Map<string, Promise<Bundle>>();

/** A text that changes with the file; "gone" when there is none. */
async function stateOf(path: string): Promise<{ readonly text: string; readonly modifiedMs: number }> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return { text: `${mtimeMs} ${size} ${ino}`, modifiedMs: mtimeMs };
  } catch {
    return { text: "gone", modifiedMs: 0 };
  }
}

async function isCurrent(entry: CachedBundle): Promise<boolean> {
  const states = await Promise.all(entry.sources.map(({ path }) => stateOf(path)));
  return entry.sources.every(({ state }, index) => state === states[index]?.text);
}

async function snapshot(path: string, startedAt: number): Promise<Snapshot> {
  const { text, modifiedMs } = await stateOf(path);
  // File times are coarse: what was written just before the build may be written again with the same time.
  return { path, state: modifiedMs > startedAt - 20 ? undefined : text };
}

/** Bundles are read anew only for functions whose results are stored. */
function codesOf(text: string): Bundle["code"] {
  const known = new Map<string, Uint8Array>();
  return async (name) => {
    let code = known.get(name);
    if (code === undefined) {
      const { codeHash } = await import("./code-hash.js");
      code = codeHash(text, name);
      known.set(name, code);
    }
    return code;
  };
}

async function bundleFresh(file: string): Promise<Bundle> {
  const known = cached.get(file);
  if (known !== undefined && (await isCurrent(known))) return known.bundle;
  const startedAt = Date.now();
  const built: Built = await build(file);
  const bytes = new TextEncoder().encode(built.text);
  const bundle = { ref: refOf([bytes]), bytes, code: codesOf(built.text) };
  const sources = await Promise.all(built.sources.map((path) => snapshot(path, startedAt)));
  cached.set(file, { bundle, sources });
  return bundle;
}

/**
 * Bundles a module with everything it imports, so that a worker can load it by itself.
 *
 * Same sources at the same place give the same bytes. The result is kept for the life of the process
 * and built again when a source has changed; concurrent calls share one build.
 *
 * @param file path (or file: URL) of the module, JavaScript or TypeScript
 * @throws GrainError naming file, line and column when the module cannot be bundled
 * @example
 * const { ref, bytes } = await bundleModule("/home/me/tasks.ts");
 */
export function bundleModule(file: string): Promise<Bundle> {
  const path = resolve(file.startsWith("file:") ? fileURLToPath(file) : file);
  const running = building.get(path);
  if (running !== undefined) return running;
  const promise = bundleFresh(path).finally(() => building.delete(path));
  building.set(path, promise);
  return promise;
}

/**
 * Ends the bundler's process, if one was started; waits for bundles under way. It starts again when needed.
 *
 * @example
 * await stopBundler(); // no child process is left
 */
export async function stopBundler(): Promise<void> {
  await Promise.allSettled(building.values());
  await stopService();
}
