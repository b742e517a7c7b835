/** Workers as pods of a Kubernetes cluster. */

import { randomInt } from "node:crypto";
import type { V1Pod } from "@kubernetes/client-node";
import { ProviderError } from "./error.js";
import { type Cluster, openCluster, type Surroundings } from "./kubernetes/cluster.js";
import { isTaken } from "./kubernetes/fault.js";
import { loadLibrary } from "./kubernetes/library.js";
import { JOB_LABEL, MANAGED_BY, podOf, prefixOf } from "./kubernetes/pod.js";
import { stateOf } from "./kubernetes/state.js";
import { readTemplate } from "./kubernetes/template.js";
import type { JobId, JobRequest, JobState, Provider } from "./provider.js";
import { shellWords } from "./quote.js";
import type { ProviderSettings } from "./settings.js";

/** Pods of one page of a list. */
const PAGE = 500;
/** Created at a time: there is no call for several. */
const AT_ONCE = 8;
/** Names in one selector: it is part of the address, and some proxies take no more than 8 KiB of that. */
const NAMES_AT_ONCE = 60;
/** Without those that are taken for others when read. */
const LETTERS = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
const MOST_NAMES = 5;

/**
 * Pods. An id is a pod's name.
 *
 * @throws ConfigError when the library, the cluster's configuration or the template is missing or wrong
 * @example
 * const ids = await (await kubernetes(settings)).submit(job, 2);
 */
export async function kubernetes(settings: ProviderSettings, around: Surroundings = {}): Promise<Provider> {
  const library = await loadLibrary();
  const { template: file, ...own } = settings.kubernetes!;
  const template: V1Pod = file === undefined ? {} : readTemplate(file, library);
  const namespace = own.namespace ?? template.metadata?.namespace;
  let opened: Cluster | undefined;
  // What would be submitted can be shown without any.
  const cluster = () => {
    opened ??= openCluster(library, { context: own.context, namespace }, settings.commandTimeoutMs, around);
    return opened;
  };
  return {
    title: "Kubernetes",
    script: (job) => library.dumpYaml(podOf(job, settings, template, undefined), { lineWidth: -1 }),
    commandLine: (_, count) =>
      `kubectl create -f -   (${count === 1 ? "once" : `${count} times`}, through the API)`,
    submit: async (job, count) =>
      submit(cluster(), (name) => podOf(job, settings, template, name), job, count),
    status: async (ids) => status(cluster(), ids),
    cancel: async (ids) => remove(cluster(), ids),
    forget: async (ids) => remove(cluster(), ids),
    logCommand: (id) => {
      const context = own.context === undefined ? [] : ["--context", own.context];
      return shellWords(["kubectl", "logs", ...context, "--namespace", cluster().namespace, id]);
    },
  };
}

async function submit(
  cluster: Cluster,
  podNamed: (name: string) => V1Pod,
  job: JobRequest,
  count: number,
): Promise<JobId[]> {
  const ids: JobId[] = [];
  const failures: unknown[] = [];
  let left = count;
  const createSome = async () => {
    while (left > 0 && failures.length === 0) {
      left -= 1;
      try {
        ids.push(await create(cluster, podNamed, prefixOf(job.name)));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, createSome));
  const [failure] = failures;
  if (failure === undefined) return ids;
  if (!(failure instanceof ProviderError)) throw failure;
  throw new ProviderError(failure.message, { cause: failure.cause, submitted: ids });
}

/** The name is made here, so that a request whose answer is lost can be made again. */
async function create(cluster: Cluster, podNamed: (name: string) => V1Pod, prefix: string): Promise<JobId> {
  for (let tries = 1; ; tries += 1) {
    const name =
      prefix + Array.from({ length: SUFFIX_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join("");
    const request = { namespace: cluster.namespace, body: podNamed(name), fieldValidation: "Strict" };
    let isAgain = false;
    try {
      await cluster.call(
        async (api, options) => {
          try {
            await api.createNamespacedPod(request, options);
          } catch (error) {
            if (!isAgain || !isTaken(error)) throw error;
          }
        },
        () => {
          isAgain = true;
        },
      );
      return name;
    } catch (error) {
      if (tries === MOST_NAMES || !isTaken((error as Error).cause)) throw error;
    }
  }
}

async function status({ call, namespace }: Cluster, ids: readonly JobId[]): Promise<Map<JobId, JobState>> {
  const states = new Map<JobId, JobState>(
    ids.map((id) => [id, { type: "ended", reason: "its pod is gone" }]),
  );
  const labelSelector = `${MANAGED_BY.label}=${MANAGED_BY.value}`;
  let next: string | undefined;
  do {
    const request = {
      namespace,
      labelSelector,
      limit: PAGE,
      ...(next === undefined ? {} : { _continue: next }),
    };
    const { items, metadata } = await call((api, options) => api.listNamespacedPod(request, options));
    for (const pod of items) {
      const name = pod.metadata?.name;
      if (name !== undefined && states.has(name)) states.set(name, stateOf(pod));
    }
    next = metadata?._continue || undefined;
  } while (next !== undefined);
  return states;
}

/** Pods get SIGTERM and their grace period, if they run; those that are gone are no error. */
async function remove({ call, namespace }: Cluster, ids: readonly JobId[]): Promise<void> {
  for (let i = 0; i < ids.length; i += NAMES_AT_ONCE) {
    const names = ids.slice(i, i + NAMES_AT_ONCE).join(",");
    const labelSelector = `${MANAGED_BY.label}=${MANAGED_BY.value},${JOB_LABEL} in (${names})`;
    await call((api, options) => api.deleteCollectionNamespacedPod({ namespace, labelSelector }, options));
  }
}
