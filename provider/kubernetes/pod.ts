/** The pod of a worker: what the configuration says, on top of a template. */

import type {
  V1Container,
  V1EnvVar,
  V1Pod,
  V1PodSpec,
  V1ResourceRequirements,
  V1Toleration,
  V1Volume,
} from "@kubernetes/client-node";
import type { Taint } from "../../proto/config/kind.js";
import { ConfigError } from "../../proto/errors.js";
import type { JobRequest } from "../provider.js";
import { jobScript } from "../script.js";
import type { KubernetesSettings, ProviderSettings, ScriptSettings } from "../settings.js";

/** Every pod of ours has it… */
export const MANAGED_BY = { label: "app.kubernetes.io/managed-by", value: "grain-scheduler" };
/** …and its own name, so that several can be named in one call. */
export const JOB_LABEL = "grain-scheduler/job";
/** The container that runs the worker. A template without one of this name: the first. */
export const CONTAINER = "worker";

const SECRET_DIRECTORY = "/run/secrets/grain";
const SECRET_KEY = "worker.pem";
const GRACE_MS = 5 * 60_000;
/** A pod's time begins before its image is fetched, the worker's when it starts. */
const FETCH_S = 600;
/** Of the grace period, to leave and to clean up. */
const LEAVE_MS = 10_000;

/**
 * The pod that runs a job.
 *
 * @param name of the pod; undefined: to be made up by the server
 * @throws ConfigError when no image is named, or something has no meaning for pods
 * @example
 * const pod = podOf(job, settings, { spec: { containers: [] } }, "w142305-x7k2p");
 */
export function podOf(
  job: JobRequest,
  settings: ProviderSettings,
  template: V1Pod,
  name: string | undefined,
): V1Pod {
  const { script } = settings;
  const own = settings.kubernetes!;
  refuseMeaningless(job, script);
  const { metadata: { name: _, generateName: __, ...metadata } = {}, spec } = template;
  const namespace = own.namespace ?? metadata.namespace;
  const containers = spec?.containers ?? [];
  const at = Math.max(
    0,
    containers.findIndex((each) => each.name === CONTAINER),
  );
  const graceMs = own.graceMs ?? secondsToMs(spec?.terminationGracePeriodSeconds) ?? GRACE_MS;
  const worker = workerOf(job, settings, containers[at] ?? { name: CONTAINER }, graceMs);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...metadata,
      ...(name === undefined ? { generateName: prefixOf(job.name) } : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        "app.kubernetes.io/name": "grain-worker",
        ...metadata.labels,
        ...own.labels,
        [MANAGED_BY.label]: MANAGED_BY.value,
        ...(name === undefined ? {} : { [JOB_LABEL]: name }),
      },
    },
    spec: specOf(spec, own, script, graceMs, [
      ...containers.slice(0, at),
      worker,
      ...containers.slice(at + 1),
    ]),
  };
}

/** The beginning of a pod's name: what Kubernetes takes, of the job's. */
export function prefixOf(jobName: string): string {
  const word = jobName
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 50)
    .replace(/-+$/, "");
  return `${word}-`;
}

function refuseMeaningless({ extraArgs }: JobRequest, { queue }: ScriptSettings): void {
  if (extraArgs.length > 0)
    throw new ConfigError(
      `Pods have no submit command that could take ${extraArgs.join(" ")}; put it into a template ([kubernetes] template).`,
    );
  if (queue !== undefined)
    throw new ConfigError(
      `Pods have no queue ${JSON.stringify(queue)}: leave \`queue\` in [script] out. For Kueue, set its label in [kubernetes] labels; for a priority class or a scheduler, use a template.`,
    );
}

function specOf(
  base: V1PodSpec | undefined,
  own: KubernetesSettings,
  { walltimeMs }: ScriptSettings,
  graceMs: number,
  containers: V1Container[],
): V1PodSpec {
  const { serviceAccount, nodeSelector, tolerations } = own;
  const hasAccount = (serviceAccount ?? base?.serviceAccountName) !== undefined;
  const volumes = named("name", base?.volumes, volumesOf(own, containers));
  return {
    // What tasks leave behind is waited for by the first process, which is then not the worker.
    shareProcessNamespace: true,
    // Tasks run what programs send: they need no access to the cluster.
    ...(hasAccount ? {} : { automountServiceAccountToken: false }),
    ...(walltimeMs === undefined ? {} : { activeDeadlineSeconds: Math.ceil(walltimeMs / 1_000) + FETCH_S }),
    ...base,
    ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
    ...(Object.keys(nodeSelector).length === 0
      ? {}
      : { nodeSelector: { ...base?.nodeSelector, ...nodeSelector } }),
    ...(tolerations.length === 0
      ? {}
      : { tolerations: [...(base?.tolerations ?? []), ...tolerations.map(toleration)] }),
    ...(volumes.length === 0 ? {} : { volumes }),
    restartPolicy: "Never",
    terminationGracePeriodSeconds: Math.ceil(graceMs / 1_000),
    containers,
  };
}

function toleration({ key, value, effect }: Taint): V1Toleration {
  return {
    key,
    ...(value === undefined ? { operator: "Exists" } : { operator: "Equal", value }),
    ...(effect === undefined ? {} : { effect }),
  };
}

const SHARED_VOLUME = "grain-shared";
const ACCESS_VOLUME = "grain-access";

function volumesOf({ accessSecret }: KubernetesSettings, containers: readonly V1Container[]): V1Volume[] {
  const isMounted = (volume: string) =>
    containers.some(({ volumeMounts = [] }) => volumeMounts.some(({ name }) => name === volume));
  return [
    ...(isMounted(SHARED_VOLUME) ? [{ name: SHARED_VOLUME, emptyDir: { medium: "Memory" } }] : []),
    ...(accessSecret === undefined
      ? []
      : [
          {
            name: ACCESS_VOLUME,
            // Until the key is there, the pod waits.
            secret: { secretName: accessSecret, items: [{ key: SECRET_KEY, path: SECRET_KEY }] },
          },
        ]),
  ];
}

function workerOf(
  job: JobRequest,
  { script, kubernetes }: ProviderSettings,
  base: V1Container,
  graceMs: number,
): V1Container {
  const { image, accessSecret, taskGraceMs } = kubernetes!;
  const chosen = image ?? base.image;
  if (chosen === undefined)
    throw new ConfigError(
      "No image is named for the workers' pods; set `image` in [kubernetes], such as one built of deploy/container of this package.",
    );
  const resources = resourcesOf(base.resources, script);
  const text = jobScript(job, script, {
    system: "kubernetes",
    directives: [],
    id: "$GRAIN_JOB_ID",
    before: accessSecret === undefined ? [] : COPY_CREDENTIAL,
  });
  const { args: _, ...rest } = base;
  const hasShared = base.volumeMounts?.some(({ mountPath }) => mountPath === "/dev/shm") === true;
  const volumeMounts = named("mountPath", base.volumeMounts, [
    // Containers have 64 MiB, and larger values would be copied.
    ...(hasShared ? [] : [{ name: SHARED_VOLUME, mountPath: "/dev/shm" }]),
    ...(accessSecret === undefined
      ? []
      : [{ name: ACCESS_VOLUME, mountPath: SECRET_DIRECTORY, readOnly: true }]),
  ]);
  return {
    // The end of its log is in the pod's status then.
    terminationMessagePolicy: "FallbackToLogsOnError",
    ...rest,
    image: chosen,
    command: [...script.shebang.replace(/^#!\s*/, "").split(/\s+/), "-c", text].map(literal),
    env: named("name", base.env, variablesOf(resources, graceMs, taskGraceMs)),
    ...(resources === undefined ? {} : { resources }),
    ...(volumeMounts.length === 0 ? {} : { volumeMounts }),
  };
}

/** Files of Secrets belong to root, and are links: credentials that others could change are refused. */
const COPY_CREDENTIAL = [
  `export GRAIN_ACCESS_DIR="$(mktemp -d)/${SECRET_KEY}" || exit`,
  `(umask 077 && cat ${SECRET_DIRECTORY}/${SECRET_KEY} > "$GRAIN_ACCESS_DIR") || exit`,
];

/** Kubernetes replaces $(NAME), and takes $$ for a dollar. */
function literal(word: string): string {
  return word.replaceAll(/\$(?=[$(])/g, "$$$$");
}

/** As much is asked for as is allowed: such pods are the last to be evicted, and may get cores of their own. */
function resourcesOf(
  base: V1ResourceRequirements | undefined,
  { cores, memoryBytes }: ScriptSettings,
): V1ResourceRequirements | undefined {
  const own = {
    ...(cores === undefined ? {} : { cpu: String(cores) }),
    ...(memoryBytes === undefined ? {} : { memory: quantity(memoryBytes) }),
  };
  if (Object.keys(own).length === 0) return base;
  return { ...base, requests: { ...base?.requests, ...own }, limits: { ...base?.limits, ...own } };
}

const UNITS = [
  ["Gi", 2 ** 30],
  ["Mi", 2 ** 20],
  ["Ki", 2 ** 10],
] as const;

function quantity(bytes: number): string {
  const unit = UNITS.find(([, each]) => bytes % each === 0);
  return unit === undefined ? String(Math.floor(bytes)) : `${bytes / unit[1]}${unit[0]}`;
}

/** What the worker is told of its pod, see worker/job.ts. */
function variablesOf(
  resources: V1ResourceRequirements | undefined,
  graceMs: number,
  taskGraceMs: number,
): V1EnvVar[] {
  // A short grace period is half for the tasks.
  const noticeMs = graceMs - Math.min(taskGraceMs + LEAVE_MS, graceMs / 2);
  const amount = (name: string, kind: "cpu" | "memory"): V1EnvVar[] => {
    const from = (["limits", "requests"] as const).find((each) => resources?.[each]?.[kind] !== undefined);
    return from === undefined
      ? []
      : [{ name, valueFrom: { resourceFieldRef: { resource: `${from}.${kind}`, divisor: "1" } } }];
  };
  return [
    { name: "GRAIN_JOB_ID", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "GRAIN_JOB_NOTICE_SECONDS", value: String(Math.floor(noticeMs / 1_000)) },
    ...amount("GRAIN_JOB_CORES", "cpu"),
    ...amount("GRAIN_JOB_BYTES", "memory"),
  ];
}

/** Ours in the place of those of the same name. */
function named<K extends string, T extends { [P in K]: string }>(
  key: K,
  base: readonly T[] | undefined,
  own: readonly T[],
): T[] {
  const names = new Set(own.map((each) => each[key]));
  return [...(base ?? []).filter((each) => !names.has(each[key])), ...own];
}

function secondsToMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}
