/** What goes wrong with the API of Kubernetes: one sentence each that says what to do. */

import { messageOf } from "../../proto/errors.js";
import { tidy } from "../command.js";
import { ProviderError } from "../error.js";

/** Who was asked, for messages. */
export interface Fault {
  readonly namespace: string;
  readonly context: string;
  readonly server: string;
  readonly timeoutMs: number;
}

/** What the API says, as far as it matters; of the library's own error. */
interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

const MOST_ATTEMPTS = 5;
const FIRST_WAIT_MS = 200;
const LEAST_STATUS = 100;

/** Whether there is something of that name already. */
export function isTaken(error: unknown): boolean {
  const refusal = refusalIn(error);
  return refusal?.code === 409 && refusal.reason === "AlreadyExists";
}

/**
 * How long to wait before asking again: for what passes by itself, such as a server that is busy.
 *
 * @param attempt from 0
 * @returns undefined: it is not to be asked again
 */
export function waitOf(error: unknown, attempt: number): number | undefined {
  const refusal = refusalIn(error);
  if (attempt >= MOST_ATTEMPTS) return undefined;
  if (refusal === undefined) {
    const isCut = ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"].includes(rootOf(error).code);
    return isCut ? FIRST_WAIT_MS * 2 ** attempt : undefined;
  }
  const { code, message, retryAfterMs } = refusal;
  // Pods that are counted at the same time get in each other's way at the quota.
  const isPassing = [429, 500, 503, 504].includes(code) || (code === 409 && /resourcequotas/.test(message));
  if (!isPassing) return undefined;
  return retryAfterMs ?? FIRST_WAIT_MS * 2 ** attempt;
}

/** The sentence for what went wrong. */
export function faultOf(error: unknown, fault: Fault): ProviderError {
  const refusal = refusalIn(error);
  const text = refusal === undefined ? unreached(error, fault) : refused(refusal, fault);
  return new ProviderError(text, { cause: error });
}

function refused({ code, reason, message }: Refusal, fault: Fault): string {
  const { namespace, context, server } = fault;
  const said = ended(tidy(message, "the API"));
  switch (code) {
    case 401:
      return `Kubernetes does not accept the credentials of the context ${context}: they are wrong, or have expired. Log in again; "kubectl get pods" has to work.`;
    case 403:
      return forbidden(said, namespace);
    case 404:
      return /namespaces? "/.test(message)
        ? `There is no namespace ${namespace} in the cluster of the context ${context}: create it (kubectl create namespace ${namespace}), or set another one in [kubernetes].`
        : `${server} knows no pods: ${said} Is it the API of a Kubernetes cluster?`;
    case 409:
      return `Kubernetes refuses because something else is under way: ${said} Try again.`;
    case 400:
    case 422:
      return `Kubernetes refuses the pod: ${said} Correct [kubernetes] and [script] in grain.toml, or the template; "grain up --dry" shows the pod.`;
    case 429:
      return `Kubernetes is asked too much at the moment: ${said} Try again later.`;
    default:
      return `Kubernetes failed with ${code}${reason === "" ? "" : ` (${reason})`}: ${said} Try again; if it stays so, its administrators can say more.`;
  }
}

function forbidden(said: string, namespace: string): string {
  if (/exceeded quota|must specify (limits|requests)/.test(said))
    return `The quota of the namespace ${namespace} does not allow it: ${said} Set what it needs in [script] (cores, memory), wait until other pods have ended, or have it raised.`;
  if (/PodSecurity/.test(said))
    return `The namespace ${namespace} admits no such pods: ${said} Set what it asks for in a template ([kubernetes] template); deploy/kubernetes/worker-pod.yaml of this package has it.`;
  if (/being terminated/.test(said))
    return `The namespace ${namespace} is being deleted: ${said} Set another one in [kubernetes].`;
  return `Kubernetes does not allow this: ${said} Have that user bound to a Role that may create, list, delete and deletecollection pods, as in deploy/kubernetes/rbac.yaml of this package.`;
}

const CERTIFICATES = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

function unreached(error: unknown, { context, server, timeoutMs }: Fault): string {
  const { code, message } = rootOf(error);
  const { name } = error as { name?: string };
  const said = ended(tidy(message, "the connection"));
  if (name === "AbortError" || name === "TimeoutError")
    return `${server} did not answer within ${timeoutMs / 1_000} s; is it reached from here (a VPN, a proxy)?`;
  if (/^(ECONN|EHOST|ENET|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE)/.test(code))
    return `${server}, the API of the context ${context}, cannot be reached (${code}): start the cluster, or correct the context; "kubectl get pods" has to work.`;
  if (CERTIFICATES.test(code))
    return `${server} shows a certificate that is not trusted (${code}): correct certificate-authority in kubectl's configuration.`;
  return `The cluster of the context ${context} cannot be asked: ${said} "kubectl get pods" has to work.`;
}

/** The first error with a code, of those that are each other's cause; version 2 of the library wraps them. */
function rootOf(error: unknown): { readonly code: string; readonly message: string } {
  let last: unknown = error;
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    const { code } = each as NodeJS.ErrnoException;
    if (typeof code === "string") return { code, message: messageOf(each) };
    last = each;
  }
  return { code: "", message: messageOf(last) };
}

function refusalIn(error: unknown): Refusal | undefined {
  const { code, body, headers } = (error ?? {}) as { code?: unknown; body?: unknown; headers?: unknown };
  // Errors of the runtime have small numbers: that of a time limit is 23.
  if (typeof code !== "number" || code < LEAST_STATUS) return undefined;
  const status = statusIn(body);
  const seconds = Number((headers as Record<string, string> | undefined)?.["retry-after"] ?? Number.NaN);
  return {
    code,
    reason: status.reason ?? "",
    message: status.message ?? "it does not say why",
    retryAfterMs: seconds >= 0 ? seconds * 1_000 : undefined,
  };
}

/** The library gives it as text, or as an object. */
function statusIn(body: unknown): { reason?: string; message?: string } {
  if (typeof body === "object" && body !== null) return body;
  if (typeof body !== "string" || body === "") return {};
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // A proxy's page, for example.
  }
  return { message: body };
}

function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
