/**
 * The official client library of Kubernetes. It is large (70 MB with what it needs), so it is not installed with
 * this package, and it is loaded only where pods are wanted.
 */

import { createRequire } from "node:module";
import { ConfigError, messageOf } from "../../proto/errors.js";

/** What the library exports. */
export type Library = typeof import("@kubernetes/client-node");

const INSTALL = "npm install @kubernetes/client-node@1";

/**
 * Loads the library.
 *
 * @throws ConfigError that says how to install it
 * @example
 * const { KubeConfig } = await loadLibrary();
 */
export async function loadLibrary(
  load: () => Promise<Library> = () => import("@kubernetes/client-node"),
): Promise<Library> {
  try {
    return await load();
  } catch (error) {
    const isMissing =
      (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND" &&
      messageOf(error).includes("@kubernetes/client-node");
    throw new ConfigError(
      isMissing
        ? `system = "kubernetes" needs the official client library of Kubernetes, which is not installed here: ${INSTALL}`
        : `The client library of Kubernetes cannot be loaded by Node.js ${process.versions.node}: ${messageOf(error)} Install the version that this package is tested with: ${INSTALL}`,
      { cause: error },
    );
  }
}

/**
 * Reads YAML, by the parser that the library brings: its own function leaves out what it does not know of a pod.
 *
 * @throws Error that says where it is wrong
 */
export function parseYaml(text: string): unknown {
  const here = createRequire(import.meta.url);
  const { load } = createRequire(here.resolve("@kubernetes/client-node"))("js-yaml") as {
    load(text: string): unknown;
  };
  return load(text);
}
