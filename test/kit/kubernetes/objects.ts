/** What the API server of a test keeps, and how it speaks of it. */

/** A pod, as far as tests look into it. */
export interface Pod {
  apiVersion: "v1";
  kind: "Pod";
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    labels?: Record<string, string>;
    creationTimestamp: string;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
  };
  spec: PodSpec;
  status: PodStatus;
}

export interface PodSpec {
  containers: Container[];
  volumes?: Volume[];
  terminationGracePeriodSeconds?: number;
  restartPolicy?: string;
  nodeName?: string;
}

export interface Volume {
  readonly name: string;
  readonly secret?: {
    readonly secretName?: string;
    readonly items?: readonly { readonly key: string; readonly path: string }[];
  };
  readonly emptyDir?: object;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly resources?: Readonly<Record<"limits" | "requests", Readonly<Record<string, string>>>>;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly resourceFieldRef?: { readonly resource: string };
  };
}

export interface PodStatus {
  phase: string;
  reason?: string;
  message?: string;
  conditions?: object[];
  containerStatuses?: object[];
}

/** An answer that refuses. */
export interface Status {
  readonly apiVersion: "v1";
  readonly kind: "Status";
  readonly metadata: object;
  readonly status: "Failure" | "Success";
  readonly message?: string;
  readonly reason?: string;
  readonly details?: object;
  readonly code: number;
}

/** An answer that refuses, as the API server writes it. */
export function refusal(code: number, reason: string, message: string, details: object = {}): Status {
  return {
    apiVersion: "v1",
    kind: "Status",
    metadata: {},
    status: "Failure",
    message,
    reason,
    details,
    code,
  };
}

/**
 * Whether labels are selected.
 *
 * @param selector `a=b`, `a in (b,c)`, `a`, several by commas
 */
export function selects(selector: string, labels: Readonly<Record<string, string>> = {}): boolean {
  const terms = selector.split(/,(?![^()]*\))/).filter((term) => term !== "");
  return terms.every((term) => {
    const among = /^(\S+) in \(([^()]*)\)$/.exec(term);
    if (among !== null) return among[2]!.split(",").includes(labels[among[1]!] ?? "\0");
    const [key = "", value] = term.split(/==?/);
    return value === undefined ? Object.hasOwn(labels, key) : labels[key] === value;
  });
}
