/**
 * An API server of Kubernetes in this process, on loopback, with TLS: the calls for pods, checked against the
 * published schema, and answered as the real one does, also when it refuses.
 */

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { issueCertificate, makeAuthority } from "../../../head/access/x509.js";
import { HEAD_UNIT } from "../../../proto/access/role.js";
import { type Pod, refusal, type Status, selects } from "./objects.js";
import { problemsWith } from "./schema.js";

/** What a token's user may do with pods. */
export type Verb = "create" | "list" | "delete" | "deletecollection";
export const ALL_VERBS: readonly Verb[] = ["create", "list", "delete", "deletecollection"];

/** An answer that is given in the place of the right one. */
export interface Mishap {
  /** Of the requests whose "METHOD path?query" it matches. */
  readonly on: RegExp;
  readonly answer: Status | "cut" | "silence";
  readonly headers?: Readonly<Record<string, string>>;
  /** What was asked for is done all the same. */
  readonly isDone?: boolean;
}

interface Answer {
  readonly code: number;
  readonly body: object;
}

const PODS = /^\/api\/v1\/namespaces\/([^/]+)\/pods$/;
const REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL = /^(([A-Za-z0-9][-\w.]*)?[A-Za-z0-9])?$/;

/** The server. */
export class ApiServer {
  /** Namespaces with their pods, by name. */
  readonly namespaces = new Map<string, Map<string, Pod>>([["grain", new Map()]]);
  /** Users by their tokens. */
  readonly users = new Map<string, { readonly name: string; readonly verbs: readonly Verb[] }>([
    ["good", { name: "ada", verbs: ALL_VERBS }],
    ["weak", { name: "eve", verbs: ["list"] }],
  ]);
  /** "METHOD path?query" of every request. */
  readonly requests: string[] = [];
  /** Each is used up by the first request that it fits. */
  readonly mishaps: Mishap[] = [];
  /** Told of pods that were created, and of those that are to go. */
  onCreated: (pod: Pod) => void = () => {};
  onDeleted: (pod: Pod) => void = (pod) => this.remove(pod);
  port = 0;
  /** PEM of the authority that has issued its certificate. */
  authority = "";
  #server: Server | undefined;

  async open(): Promise<this> {
    const expiresAt = new Date(Date.now() + 3_600_000);
    const authority = await makeAuthority("test", expiresAt);
    const own = await issueCertificate(authority, { id: "localhost", unit: HEAD_UNIT, expiresAt });
    this.authority = authority.certificate;
    this.#server = createServer({ cert: own.certificate, key: own.key }, async (request, response) => {
      const url = new URL(request.url!, "https://localhost");
      const line = `${request.method} ${url.pathname}${url.search}`;
      this.requests.push(line);
      const body = await textOf(request);
      const at = this.mishaps.findIndex(({ on }) => on.test(line));
      const [mishap] = at === -1 ? [] : this.mishaps.splice(at, 1);
      const right =
        mishap === undefined || mishap.isDone ? await this.#answer(request, url, body) : undefined;
      if (mishap?.answer === "silence") return;
      if (mishap?.answer === "cut") return void request.socket.destroy();
      const { code, body: said } =
        mishap === undefined ? right! : { code: mishap.answer.code, body: mishap.answer };
      const text = JSON.stringify(said);
      response.writeHead(code, { "content-type": "application/json", ...mishap?.headers });
      response.end(text);
    }).listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    this.#server?.close();
    this.#server?.closeAllConnections();
    if (this.#server?.listening === true) await once(this.#server, "close");
  }

  /** What `kubectl` would be configured with. */
  kubeconfig(token = "good", more: { readonly namespace?: string; readonly port?: number } = {}): string {
    const { namespace = "grain", port = this.port } = more;
    const authority = Buffer.from(this.authority).toString("base64");
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "test",
          cluster: { server: `https://localhost:${port}`, "certificate-authority-data": authority },
        },
      ],
      users: [{ name: "me", user: { token } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "me", namespace } }],
      "current-context": "test",
    });
  }

  get pods(): Pod[] {
    return [...this.namespaces.values()].flatMap((pods) => [...pods.values()]);
  }

  /** The pod is no more. */
  remove({ metadata }: Pod): void {
    this.namespaces.get(metadata.namespace)?.delete(metadata.name);
  }

  async #answer(request: IncomingMessage, url: URL, body: string): Promise<Answer> {
    const answer = await this.#reply(request, url, body).catch((error: unknown) => {
      if (isStatus(error)) return { code: error.code, body: error };
      throw error;
    });
    // A stand-in that answers wrongly would prove nothing.
    const wrong = await problemsWith(answer.body);
    if (wrong.length > 0)
      throw new Error(`the test's API server answers against the schema: ${wrong.join("; ")}`);
    return answer;
  }

  async #reply(request: IncomingMessage, url: URL, body: string): Promise<Answer> {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const user = this.users.get(token);
    if (user === undefined) throw refusal(401, "Unauthorized", "Unauthorized");
    if (url.pathname === REVIEWS) return review(await read(body), user.verbs);
    const namespace = PODS.exec(url.pathname)?.[1];
    if (namespace === undefined)
      throw refusal(404, "NotFound", "the server could not find the requested resource");
    const verb = ({ POST: "create", GET: "list", DELETE: "deletecollection" } as const)[request.method ?? ""];
    if (verb === undefined || !user.verbs.includes(verb))
      throw refusal(
        403,
        "Forbidden",
        `pods is forbidden: User "${user.name}" cannot ${verb} resource "pods" in API group "" in the namespace "${namespace}"`,
        { kind: "pods" },
      );
    const selected = this.#selected(namespace, url.searchParams);
    if (verb === "create") return { code: 201, body: await this.#create(namespace, url, body) };
    if (verb === "list") return { code: 200, body: page(selected, url.searchParams) };
    if (body !== "") await read(body);
    const list = page(selected, new URLSearchParams());
    for (const pod of selected) this.delete(pod);
    return { code: 200, body: list };
  }

  /** Begins a pod's end; a second time changes nothing. */
  delete(pod: Pod): void {
    if (pod.metadata.deletionTimestamp !== undefined) return;
    pod.metadata.deletionTimestamp = new Date().toISOString();
    pod.metadata.deletionGracePeriodSeconds = pod.spec.terminationGracePeriodSeconds ?? 30;
    this.onDeleted(pod);
  }

  #selected(namespace: string, query: URLSearchParams): Pod[] {
    const pods = [...(this.namespaces.get(namespace)?.values() ?? [])];
    return pods.filter(({ metadata }) => selects(query.get("labelSelector") ?? "", metadata.labels));
  }

  async #create(namespace: string, url: URL, body: string): Promise<Pod> {
    const given = (await read(body)) as unknown as Pod;
    const { name } = given.metadata;
    const pods = this.namespaces.get(namespace);
    if (pods === undefined)
      throw refusal(404, "NotFound", `namespaces "${namespace}" not found`, {
        name: namespace,
        kind: "namespaces",
      });
    if (url.searchParams.get("fieldValidation") !== "Strict")
      throw new Error("fields are not validated strictly");
    if ((given.metadata.namespace ?? namespace) !== namespace)
      throw refusal(
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
      );
    const wrong = invalid(given);
    if (wrong !== undefined) throw refusal(422, "Invalid", `Pod "${name}" is invalid: ${wrong}`);
    if (pods.has(name))
      throw refusal(409, "AlreadyExists", `pods "${name}" already exists`, { name, kind: "pods" });
    const pod: Pod = {
      ...given,
      metadata: {
        ...given.metadata,
        namespace,
        uid: randomUUID(),
        creationTimestamp: new Date().toISOString().replace(/\.\d+/, ""),
      },
      status: { phase: "Pending" },
    };
    pods.set(name, pod);
    this.onCreated(pod);
    return pod;
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

/** @throws Status when it is not as the schema says */
async function read(body: string): Promise<Record<string, unknown>> {
  const value = JSON.parse(body) as Record<string, unknown>;
  const problems = await problemsWith(value);
  if (problems.length === 0) return value;
  throw refusal(
    400,
    "BadRequest",
    `${String(value.kind)} in version "${String(value.apiVersion)}" cannot be handled as a ${String(value.kind)}: strict decoding error: ${problems.join(", ")}`,
  );
}

/** What the schema does not say and the API server checks. */
function invalid({ metadata, spec }: Pod): string | undefined {
  if (!NAME.test(metadata.name) || metadata.name.length > 253)
    return `metadata.name: Invalid value: "${metadata.name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`;
  for (const [key, value] of Object.entries(metadata.labels ?? {}))
    if (!LABEL.test(value) || value.length > 63)
      return `metadata.labels: Invalid value: "${value}": a valid label must be an empty string or consist of alphanumeric characters (${key})`;
  if (spec.containers.length === 0) return "spec.containers: Required value";
  const volumes = new Set(spec.volumes?.map(({ name }) => name));
  for (const [i, { image, volumeMounts = [] }] of spec.containers.entries()) {
    if (!image) return `spec.containers[${i}].image: Required value`;
    for (const [j, { name }] of volumeMounts.entries())
      if (!volumes.has(name)) return `spec.containers[${i}].volumeMounts[${j}].name: Not found: "${name}"`;
  }
  return undefined;
}

function page(pods: readonly Pod[], query: URLSearchParams): object {
  const from = Number(query.get("continue") ?? 0);
  const limit = Number(query.get("limit") ?? pods.length);
  const items = pods.slice(from, from + limit);
  const isMore = from + limit < pods.length;
  const metadata = {
    resourceVersion: "1",
    ...(isMore ? { continue: String(from + limit), remainingItemCount: pods.length - from - limit } : {}),
  };
  return { apiVersion: "v1", kind: "PodList", metadata, items };
}

function review(body: Record<string, unknown>, verbs: readonly Verb[]): Answer {
  const { resourceAttributes } = body.spec as { resourceAttributes: { verb: Verb; resource: string } };
  const allowed = resourceAttributes.resource === "pods" && verbs.includes(resourceAttributes.verb);
  return { code: 201, body: { ...body, status: { allowed } } };
}

function isStatus(error: unknown): error is Status {
  return typeof error === "object" && error !== null && "kind" in error && error.kind === "Status";
}
