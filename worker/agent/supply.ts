/** Gets what tasks need before they can start: their modules' files, and arguments that are blobs. */

import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { messageOf } from "../../proto/errors.js";
import { FailureKind, type Spec } from "../../proto/grain.js";
import { isHash } from "../../proto/hash.js";
import type { BlobTransport } from "../../proto/link/link.js";
import { BundleCache } from "../modules.js";
import { isBytes, type Value } from "./core/task.js";

/** A module's file, or why there is none. */
export type ModuleFile =
  | { readonly type: "here"; readonly path: string }
  | { readonly type: "coming"; readonly path: Promise<string> }
  | { readonly type: "unknown"; readonly message: string };

/** Why something cannot be had. */
export interface Lack {
  readonly kind: FailureKind;
  readonly message: string;
}

/** The supplies of one agent. */
export class Supply {
  readonly #blobs: BlobTransport;
  readonly #bundles: BundleCache;
  /** Modules baked into this machine: path by name. */
  readonly #imports = new Map<string, string>();

  constructor(blobs: BlobTransport, cacheDir: string, imports: readonly string[]) {
    this.#blobs = blobs;
    this.#bundles = new BundleCache(cacheDir, (hash) => blobs.get({ hash, byteLength: 0 }));
    for (const name of imports) {
      const path = resolve(name);
      for (const alias of [basename(name), path, name]) this.#imports.set(alias, path);
    }
  }

  /** The file of a spec's module. */
  moduleOf(spec: Spec): ModuleFile {
    if (isHash(spec.module)) return { type: "coming", path: this.#bundles.path(spec.module) };
    const path = this.#imports.get(spec.module);
    if (path !== undefined) return { type: "here", path };
    const message = `this worker has no module "${spec.module}": start it with --import, or let the client ship the module`;
    return { type: "unknown", message };
  }

  /** A task's arguments as bytes, or as they are if they are in a file of this machine. Throws a `Lack`. */
  async argumentsOf(value: Value): Promise<Value> {
    if (isBytes(value)) return value;
    try {
      const { files } = this.#blobs;
      if (files !== undefined && existsSync(files.pathOf(value.hash))) return value;
      return await this.#blobs.get(value);
    } catch (error) {
      const message = `its arguments could not be fetched: ${messageOf(error)}`;
      throw { kind: FailureKind.LOAD_FAILED, message } satisfies Lack;
    }
  }
}
