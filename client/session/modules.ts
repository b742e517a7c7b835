/**
 * Brings the modules of remote functions to the head: each once per session.
 *
 * A module that is a file is bundled and uploaded under its hash; any other name
 * is that of a module baked into the workers, and sent as it is.
 */

import { existsSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { BlobRef } from "../../proto/grain.js";
import type { FunctionDefinition } from "../call.js";
import type { Upload, Uploads } from "./uploads.js";

/** A module as it travels. */
export interface Bundle {
  readonly ref: BlobRef;
  readonly bytes: Uint8Array;
  /** 32 bytes that stand for the code of one of its functions. */
  code?(name: string): Promise<Uint8Array>;
}

/** Bundles the module in a file. */
export type BundleModule = (file: string) => Promise<Bundle>;

/** Where a function's module comes from. */
export type ModuleSource =
  | { readonly type: "file"; readonly file: string }
  /** Baked into the workers (`grain-worker --import`). */
  | { readonly type: "baked"; readonly name: string };

/**
 * Tells a file from the name of a baked-in module.
 *
 * @param module a path, a file: URL, a path relative to the file of `place` (it starts with "."), or a name
 * @param place "file:line:column" of the call of `delayed`; the file may be a URL
 * @example
 * moduleSource("tasks", "/home/me/main.ts:3:9") // { type: "baked", name: "tasks" }
 */
export function moduleSource(module: string, place: string): ModuleSource {
  const file = fileNamedBy(module, place);
  return file !== undefined && existsSync(file) ? { type: "file", file } : { type: "baked", name: module };
}

function fileNamedBy(module: string, place: string): string | undefined {
  if (module.startsWith("file:")) return pathOf(module);
  if (isAbsolute(module)) return module;
  if (!module.startsWith(".")) return undefined;
  const caller = pathOf(place.replace(/(:\d+){1,2}$/, ""));
  return caller === undefined ? undefined : resolve(dirname(caller), module);
}

function pathOf(fileOrUrl: string): string | undefined {
  if (!fileOrUrl.startsWith("file:")) return fileOrUrl;
  try {
    return fileURLToPath(fileOrUrl);
  } catch {
    return undefined;
  }
}

/** The modules that one session has brought to its head. */
export class Modules {
  readonly #bundle: BundleModule;
  readonly #uploads: Uploads;
  readonly #bundles = new WeakMap<Upload, Bundle>();
  /** By file, once the head holds it. */
  readonly #byFile = new Map<string, Promise<Upload>>();

  /** @param bundle makes a bundle of a file */
  constructor(bundle: BundleModule, uploads: Uploads) {
    this.#bundle = bundle;
    this.#uploads = uploads;
  }

  /** What workers find a function's module by: the name of a baked-in one, at once, or a bundle's hash, once the head holds that. */
  find(definition: FunctionDefinition): string | Promise<Upload> {
    const source = moduleSource(definition.module ?? "", definition.place);
    if (source.type === "baked") return source.name;
    let upload = this.#byFile.get(source.file);
    if (upload === undefined) {
      upload = this.#bring(source.file);
      this.#byFile.set(source.file, upload);
      // The next call tries again: the file may have been corrected, the head be back.
      upload.catch(() => this.#byFile.delete(source.file));
    }
    return upload;
  }

  /** A module with the hash of one of its functions' code. */
  async withCode(upload: Upload, name: string): Promise<{ upload: Upload; code?: Uint8Array | undefined }> {
    return { upload, code: await this.#bundles.get(upload)?.code?.(name) };
  }

  async #bring(file: string): Promise<Upload> {
    const bundle = await this.#bundle(file);
    const { ref, bytes } = bundle;
    const upload = await this.#uploads.bring(ref, { type: "memory", parts: [bytes] });
    this.#bundles.set(upload, bundle);
    return upload;
  }
}
