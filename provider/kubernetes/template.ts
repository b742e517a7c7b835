/** The pod that a user describes, to build the workers' on: a file in YAML or JSON. */

import { readFileSync } from "node:fs";
import type { V1Pod } from "@kubernetes/client-node";
import { ConfigError, messageOf } from "../../proto/errors.js";
import { type Library, parseYaml } from "./library.js";

type Tree = Readonly<Record<string, unknown>>;

/**
 * Reads a template.
 *
 * @throws ConfigError when it is no pod, or has what pods do not have
 * @example
 * const template = readTemplate("/site/worker-pod.yaml", await loadLibrary());
 */
export function readTemplate(file: string, library: Library): V1Pod {
  const given = contentOf(file);
  if (!isTree(given)) throw wrong(file, "it holds no pod");
  const { apiVersion = "v1", kind = "Pod" } = given;
  if (apiVersion !== "v1" || kind !== "Pod")
    throw wrong(file, `it describes ${String(apiVersion)} ${String(kind)}, and must be v1 Pod`);
  const pod = { ...given, apiVersion, kind };
  // The library leaves out what it does not know without a word, and so would the worker's pod.
  const unknown = unknownIn(pod, written(pod, file, library), "");
  if (unknown !== undefined) throw wrong(file, `pods have no ${unknown}`);
  return pod as V1Pod;
}

function contentOf(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(
      `The pod template ${file} cannot be read: ${messageOf(error)}. Correct \`template\` in [kubernetes].`,
      { cause: error },
    );
  }
  try {
    return parseYaml(text);
  } catch (error) {
    throw wrong(file, messageOf(error).split("\n")[0]!);
  }
}

function written(pod: object, file: string, { dumpYaml }: Library): unknown {
  try {
    return parseYaml(dumpYaml(pod));
  } catch (error) {
    // A text where it looks for a list, for example.
    throw wrong(file, messageOf(error));
  }
}

/** Where something was left out. */
function unknownIn(given: unknown, kept: unknown, path: string): string | undefined {
  if (Array.isArray(given)) {
    for (const [i, each] of given.entries()) {
      const found = unknownIn(each, Array.isArray(kept) ? kept[i] : undefined, `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isTree(given)) return kept === undefined ? path : undefined;
  if (!isTree(kept)) return path;
  for (const [key, value] of Object.entries(given)) {
    if (value === null || value === undefined) continue;
    const at = path === "" ? key : `${path}.${key}`;
    if (!Object.hasOwn(kept, key)) return at;
    const found = unknownIn(value, kept[key], at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function wrong(file: string, why: string): ConfigError {
  return new ConfigError(`The pod template ${file} is wrong: ${why.replace(/\.$/, "")}.`, { file });
}
