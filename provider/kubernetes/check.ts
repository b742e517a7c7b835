/** Looks at what pods of workers need, before any is asked for. */

import { ConfigError, messageOf } from "../../proto/errors.js";
import { ProviderError } from "../error.js";
import type { ProviderSettings } from "../settings.js";
import { openCluster, type Surroundings } from "./cluster.js";
import { loadLibrary } from "./library.js";
import { podOf } from "./pod.js";
import { readTemplate } from "./template.js";

/** What was found. */
export interface Finding {
  readonly isOk: boolean;
  readonly message: string;
  /** What to do, where the message does not say it. */
  readonly advice?: string;
}

/** What starting workers, seeing them and ending them takes. */
const VERBS = ["create", "list", "delete", "deletecollection"];

/**
 * Whether pods can be made: library, template, cluster, credentials, rights.
 *
 * @example
 * (await checkKubernetes(settings)).message // "Workers are pods in namespace grain of the context prod."
 */
export async function checkKubernetes(
  settings: ProviderSettings,
  around: Surroundings = {},
): Promise<Finding> {
  try {
    const library = await loadLibrary();
    const { template: file, context, namespace: named } = settings.kubernetes!;
    const template = file === undefined ? {} : readTemplate(file, library);
    const job = { name: "w", logFile: "", command: [], environment: {}, extraArgs: [] };
    podOf(job, settings, template, undefined);
    const namespace = named ?? template.metadata?.namespace;
    const cluster = openCluster(library, { context, namespace }, settings.commandTimeoutMs, around);
    const where = `in namespace ${cluster.namespace} of the context ${cluster.context}`;
    const allowed = await Promise.all(VERBS.map(cluster.may));
    const missing = VERBS.filter((_, i) => !allowed[i]);
    if (missing.length === 0) return { isOk: true, message: `Workers are pods ${where}.` };
    return {
      isOk: false,
      message: `You may not ${missing.join(", ")} pods ${where}.`,
      advice: "Have yourself bound to a Role as in deploy/kubernetes/rbac.yaml of this package.",
    };
  } catch (error) {
    if (error instanceof ConfigError || error instanceof ProviderError)
      return { isOk: false, message: messageOf(error) };
    throw error;
  }
}
