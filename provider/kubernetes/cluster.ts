/** Which cluster, as whom, and calls of its API that end in time. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type {
  ConfigurationOptions,
  CoreV1Api,
  KubeConfig,
  ObservableMiddleware,
} from "@kubernetes/client-node";
import { ConfigError, messageOf } from "../../proto/errors.js";
import { type Fault, faultOf, waitOf } from "./fault.js";
import type { Library } from "./library.js";

/** Of one call. */
export type CallOptions = ConfigurationOptions<ObservableMiddleware>;

/** What says which cluster it is; all of it is this process's by default. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  /** Where `/var/run/secrets/kubernetes.io` is. Default: "". */
  readonly root?: string;
}

/** A namespace of a cluster. */
export interface Cluster {
  readonly namespace: string;
  /** The context's name, for people. */
  readonly context: string;
  /** The API server's address. */
  readonly server: string;
  /**
   * Asks its API. What may pass is asked again for a while.
   *
   * @param ask may be called several times
   * @param again called before it is called again
   * @throws ProviderError
   */
  call<T>(ask: (api: CoreV1Api, options: CallOptions) => Promise<T>, again?: () => void): Promise<T>;
  /**
   * Whether we may do something with pods.
   *
   * @param verb such as "create"
   * @throws ProviderError
   */
  may(verb: string): Promise<boolean>;
}

const TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/**
 * Finds the cluster as kubectl does: KUBECONFIG, ~/.kube/config, or inside of a pod its service account.
 *
 * @throws ConfigError when none is configured, or the context is not there
 * @example
 * const cluster = openCluster(await loadLibrary(), { namespace: "grain" }, 60_000);
 */
export function openCluster(
  library: Library,
  wanted: { readonly context?: string | undefined; readonly namespace?: string | undefined },
  timeoutMs: number,
  around: Surroundings = {},
): Cluster {
  const config = configOf(library, around);
  const contexts = config.getContexts().map(({ name }) => name);
  const context = wanted.context ?? config.getCurrentContext() ?? "";
  if (!contexts.includes(context))
    throw new ConfigError(
      `${context === "" ? "No context of kubectl is chosen" : `kubectl's configuration has no context ${JSON.stringify(context)}`}; it has ${contexts.join(", ") || "none"}. Set \`context\` in [kubernetes], or choose one with "kubectl config use-context".`,
    );
  config.setCurrentContext(context);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined)
    throw new ConfigError(
      `The context ${JSON.stringify(context)} names a cluster that kubectl's configuration does not have.`,
    );
  const namespace = wanted.namespace ?? config.getContextObject(context)?.namespace ?? "default";
  const fault: Fault = { namespace, context, server, timeoutMs };
  const api = config.makeApiClient(library.CoreV1Api);
  return {
    namespace,
    context,
    server,
    call: (ask, again) => asking(library, (options) => ask(api, options), fault, again),
    async may(verb) {
      const reviews = config.makeApiClient(library.AuthorizationV1Api);
      const body = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: { namespace, verb, resource: "pods" } },
      };
      const { status } = await asking(
        library,
        (options) => reviews.createSelfSubjectAccessReview({ body }, options),
        fault,
      );
      return status?.allowed === true;
    },
  };
}

/** Calls until it succeeds, fails for good, or time is up. */
async function asking<T>(
  { Observable }: Library,
  ask: (options: CallOptions) => Promise<T>,
  fault: Fault,
  again = () => {},
): Promise<T> {
  const signal = AbortSignal.timeout(fault.timeoutMs);
  const options: CallOptions = {
    middleware: [
      {
        pre: (request) => {
          request.setSignal(signal);
          return new Observable(Promise.resolve(request));
        },
        post: (response) => new Observable(Promise.resolve(response)),
      },
    ],
    middlewareMergeStrategy: "append",
  };
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask(options);
    } catch (error) {
      const waitMs = waitOf(error, attempt);
      if (waitMs === undefined) throw faultOf(error, fault);
      await pause(waitMs, undefined, { signal }).catch(() => {
        throw faultOf(error, fault);
      });
      again();
    }
  }
}

function configOf(
  { KubeConfig }: Library,
  { env = process.env, home = homedir(), root = "" }: Surroundings,
): KubeConfig {
  const named = (env.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  const own = join(home, ".kube", "config");
  const files = (named.length > 0 ? named : [own]).filter((file) => existsSync(file));
  const config = new KubeConfig();
  if (files.length > 0) {
    for (const file of files) addFile(config, file, new KubeConfig());
    return config;
  }
  if (named.length > 0)
    throw new ConfigError(
      `KUBECONFIG names ${named.join(", ")}, where there is no file; correct it, or unset it to use ${own}.`,
    );
  if (env.KUBERNETES_SERVICE_HOST && existsSync(`${root}${TOKEN}`)) {
    config.loadFromCluster(root);
    return config;
  }
  throw new ConfigError(
    `No cluster is configured: there is no ${own}, KUBECONFIG is not set, and this is no pod with a service account. "kubectl get pods" has to work here.`,
  );
}

/** Of two entries of one name the first counts, as for kubectl. */
function addFile(config: KubeConfig, file: string, next: KubeConfig): void {
  try {
    next.loadFromFile(file);
  } catch (error) {
    const why = messageOf(error).split("\n")[0];
    throw new ConfigError(`${file} is no configuration of kubectl: ${why}`, { cause: error });
  }
  const isNew =
    (mine: readonly { readonly name: string }[]) =>
    ({ name }: { readonly name: string }) =>
      mine.every((each) => each.name !== name);
  config.clusters = [...config.clusters, ...next.clusters.filter(isNew(config.clusters))];
  config.users = [...config.users, ...next.users.filter(isNew(config.users))];
  config.contexts = [...config.contexts, ...next.contexts.filter(isNew(config.contexts))];
  config.currentContext ||= next.currentContext;
}
