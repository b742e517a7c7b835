/** Pods by the official client, against an API server that checks what it gets. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkKubernetes } from "../../provider/kubernetes/check.js";
import type { Surroundings } from "../../provider/kubernetes/cluster.js";
import { kubernetes } from "../../provider/kubernetes.js";
import type { Provider } from "../../provider/provider.js";
import type { KubernetesSettings } from "../../provider/settings.js";
import { ApiServer } from "../kit/kubernetes/api-server.js";
import { refusal } from "../kit/kubernetes/objects.js";
import { container } from "../kit/kubernetes/pods.js";
import { JOB, settingsOf } from "./fakes.js";

let directory: string;
let api: ApiServer;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "grain-kube-"));
  api = await new ApiServer().open();
});
afterEach(async () => {
  await api.close();
  rmSync(directory, { recursive: true, force: true });
});

const OWN: KubernetesSettings = {
  image: "grain:1",
  labels: {},
  nodeSelector: {},
  tolerations: [],
  taskGraceMs: 5_000,
};

function configured(text: string, name = "config"): Surroundings {
  const file = join(directory, name);
  writeFileSync(file, text);
  return { env: { KUBECONFIG: file }, home: directory };
}

function provider(
  own: Partial<KubernetesSettings> = {},
  around = configured(api.kubeconfig()),
  commandTimeoutMs = 20_000,
): Promise<Provider> {
  return kubernetes(
    settingsOf("kubernetes", {}, { kubernetes: { ...OWN, ...own }, commandTimeoutMs }),
    around,
  );
}

const job = { ...JOB, environment: {} };
const names = () => api.pods.map(({ metadata }) => metadata.name);

describe("pods", () => {
  it("are created, listed in one request, and deleted in one", async () => {
    const pods = await provider();
    const ids = await pods.submit(job, 20);
    expect(new Set(ids).size).toBe(20);
    expect(ids[0]).toMatch(/^w120000-[a-z0-9]{5}$/);
    expect(names().sort()).toEqual([...ids].sort());
    expect(api.requests.every((line) => /^POST .*\?fieldValidation=Strict$/.test(line))).toBe(true);

    api.requests.length = 0;
    api.pods[0]!.status = { phase: "Running", containerStatuses: [container({ running: {} })] };
    const states = await pods.status([...ids, "w1-gone"]);
    expect(api.requests).toHaveLength(1);
    expect(states.get(api.pods[0]!.metadata.name)).toEqual({ type: "running", host: "" });
    expect(states.get(api.pods[1]!.metadata.name)).toEqual({ type: "queued", reason: "" });
    expect(states.get("w1-gone")).toEqual({ type: "ended", reason: "its pod is gone" });

    api.requests.length = 0;
    await pods.cancel([...ids.slice(5), "w1-gone"]);
    expect(api.requests).toHaveLength(1);
    expect(names().sort()).toEqual(ids.slice(0, 5).sort());
    await pods.forget!(ids);
    expect(names()).toEqual([]);
    await pods.cancel(ids);
  });

  it("of others are left alone", async () => {
    const pods = await provider();
    const [mine = ""] = await pods.submit(job, 1);
    const [other = ""] = await pods.submit(job, 1);
    const stranger = api.pods.find(({ metadata }) => metadata.name === other)!;
    stranger.metadata.labels = { "grain-scheduler/job": other, app: "theirs" };
    await pods.cancel([mine, other]);
    expect(names()).toEqual([other]);
    expect(await pods.status([other])).toEqual(
      new Map([[other, { type: "ended", reason: "its pod is gone" }]]),
    );
  });

  it("in number come in pages, and go in several requests", async () => {
    const pods = await provider();
    const ids = await pods.submit(job, 130);
    for (const { metadata } of [...api.pods])
      for (let i = 0; i < 4; i += 1) {
        const name = `${metadata.name}-${i}`;
        const labels = { "app.kubernetes.io/managed-by": "grain-scheduler" };
        const pod = structuredClone(api.pods[0]!);
        api.namespaces.get("grain")!.set(name, { ...pod, metadata: { ...pod.metadata, name, labels } });
      }
    api.requests.length = 0;
    const states = await pods.status(ids);
    expect([...states.values()].every(({ type }) => type === "queued")).toBe(true);
    expect(api.requests.map((line) => /continue=(\d+)/.exec(line)?.[1])).toEqual([undefined, "500"]);
    api.requests.length = 0;
    await pods.cancel(ids);
    expect(api.requests).toHaveLength(3);
    // Proxies take no longer addresses.
    expect(Math.max(...api.requests.map((line) => line.length))).toBeLessThan(8_000);
    expect(names()).toHaveLength(520);
  });

  it("are created once, also when the answer is lost or the server is busy", async () => {
    const pods = await provider();
    api.mishaps.push(
      { on: /^POST/, answer: "cut", isDone: true },
      {
        on: /^POST/,
        answer: refusal(429, "TooManyRequests", "too many requests"),
        headers: { "retry-after": "0" },
      },
      { on: /^POST/, answer: refusal(500, "InternalError", "etcdserver: request timed out"), isDone: true },
      {
        on: /^POST/,
        answer: refusal(409, "Conflict", 'Operation cannot be fulfilled on resourcequotas "q"'),
      },
    );
    const ids = await pods.submit(job, 3);
    expect(names().sort()).toEqual([...ids].sort());
    expect(api.mishaps).toEqual([]);
  });

  it("of a name that is taken get another", async () => {
    api.mishaps.push({
      on: /^POST/,
      answer: refusal(409, "AlreadyExists", 'pods "w120000-bbbbb" already exists'),
    });
    expect(await (await provider()).submit(job, 1)).toEqual(names());
    expect(api.requests).toHaveLength(2);
  });

  it("have their logs at kubectl", async () => {
    expect((await provider()).logCommand!("w1-abc")).toBe("kubectl logs --namespace grain w1-abc");
    expect((await provider({ context: "test", namespace: "other" })).logCommand!("<job>")).toBe(
      "kubectl logs --context test --namespace other '<job>'",
    );
  });
});

describe("what goes wrong", () => {
  const quota =
    'pods "w1" is forbidden: exceeded quota: main, requested: pods=1, used: pods=2, limited: pods=2';

  it("after some were created says which", async () => {
    for (let i = 0; i < 2; i += 1)
      api.mishaps.push({ on: /^POST/, answer: refusal(403, "Forbidden", quota) });
    const failed = await (await provider()).submit(job, 8).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      name: "ProviderError",
      message: expect.stringMatching(
        /^The quota of the namespace grain does not allow it: .*exceeded quota.* have it raised\.$/,
      ),
    });
    expect([...(failed as { submitted: string[] }).submitted].sort()).toEqual(names().sort());
    expect(names()).toHaveLength(6);
  });

  it.each<[string, number, string, string, RegExp]>([
    [
      "a namespace that admits only restricted pods",
      403,
      "Forbidden",
      'pods "w1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
      /^The namespace grain admits no such pods: .*restricted.* template .*worker-pod\.yaml/,
    ],
    [
      "a namespace that goes",
      403,
      "Forbidden",
      'pods "w1" is forbidden: unable to create new content in namespace grain because it is being terminated',
      /^The namespace grain is being deleted/,
    ],
    [
      "a quota that wants limits",
      403,
      "Forbidden",
      'pods "w1" is forbidden: failed quota: main: must specify limits.cpu for: worker',
      /^The quota of the namespace grain .* Set what it needs in \[script\]/,
    ],
    [
      "a conflict that stays",
      409,
      "Conflict",
      "try again later",
      /^Kubernetes refuses because something else is under way/,
    ],
    ["a gateway", 502, "", "bad gateway", /^Kubernetes failed with 502: bad gateway\. Try again/],
  ])("%s is told", async (_, code, reason, message, told) => {
    api.mishaps.push({ on: /^POST/, answer: refusal(code, reason, message) });
    await expect((await provider()).submit(job, 1)).rejects.toThrow(told);
  });

  it("what stays busy is given up", async () => {
    const answer = refusal(429, "TooManyRequests", "too many requests, please try again later");
    for (let i = 0; i < 6; i += 1) api.mishaps.push({ on: /^GET/, answer, headers: { "retry-after": "0" } });
    await expect((await provider()).status(["w1"])).rejects.toThrow(
      /^Kubernetes is asked too much at the moment/,
    );
    expect(api.requests).toHaveLength(6);
  });

  it("credentials that are not accepted, or may not", async () => {
    const expired = await provider({}, configured(api.kubeconfig("old")));
    await expect(expired.status(["w1"])).rejects.toThrow(
      /^Kubernetes does not accept the credentials of the context test: .* have expired\. Log in again/,
    );
    const weak = await provider({}, configured(api.kubeconfig("weak")));
    await expect(weak.submit(job, 1)).rejects.toThrow(
      /^Kubernetes does not allow this: .*"eve" cannot create resource "pods".*rbac\.yaml/,
    );
    await expect(weak.cancel(["w1"])).rejects.toThrow(/cannot deletecollection/);
    expect((await weak.status(["w1"])).size).toBe(1);
  });

  it("a namespace that is not there", async () => {
    await expect((await provider({ namespace: "no" })).submit(job, 1)).rejects.toThrow(
      /^There is no namespace no in the cluster of the context test: create it \(kubectl create namespace no\)/,
    );
  });

  it("a pod that is not valid", async () => {
    await expect((await provider({ labels: { team: "a b" } })).submit(job, 1)).rejects.toThrow(
      /^Kubernetes refuses the pod: Pod "w120000-\w+" is invalid: metadata\.labels: .*"a b".*"grain up --dry"/,
    );
    const odd = await provider({ tolerations: [{ key: "a", value: 1 as unknown as string }] });
    await expect(odd.submit(job, 1)).rejects.toThrow(
      /^Kubernetes refuses the pod: .*tolerations\[0\]\.value: type/,
    );
  });

  it("a server that is not there, does not answer, or shows another's certificate", async () => {
    const closed = await new ApiServer().open();
    await closed.close();
    const port = closed.port;
    await expect(
      (await provider({}, configured(api.kubeconfig("good", { port })))).status(["w1"]),
    ).rejects.toThrow(
      /^https:\/\/localhost:\d+, the API of the context test, cannot be reached \(ECONNREFUSED\)/,
    );
    api.mishaps.push({ on: /^GET/, answer: "silence" });
    await expect((await provider({}, undefined, 200)).status(["w1"])).rejects.toThrow(
      /did not answer within 0\.2 s; is it reached from here/,
    );
    const other = await new ApiServer().open();
    api.authority = other.authority;
    await other.close();
    await expect((await provider({}, configured(api.kubeconfig()))).status(["w1"])).rejects.toThrow(
      /shows a certificate that is not trusted \(\w+\): correct certificate-authority/,
    );
  });

  it("a plug-in for credentials that fails", async () => {
    const config = JSON.parse(api.kubeconfig()) as { users: { user: object }[] };
    config.users[0]!.user = {
      exec: {
        apiVersion: "client.authentication.k8s.io/v1",
        command: join(directory, "no-such-login"),
        interactiveMode: "Never",
      },
    };
    await expect((await provider({}, configured(JSON.stringify(config)))).status(["w1"])).rejects.toThrow(
      /context test.*no-such-login|no-such-login.*context test/,
    );
  });
});

describe("a look before", () => {
  const look = (own: Partial<KubernetesSettings> = {}, around = configured(api.kubeconfig())) =>
    checkKubernetes(settingsOf("kubernetes", {}, { kubernetes: { ...OWN, ...own } }), around);

  it("finds that all is well, and creates nothing", async () => {
    expect(await look()).toEqual({
      isOk: true,
      message: "Workers are pods in namespace grain of the context test.",
    });
    expect(names()).toEqual([]);
    expect(api.requests.every((line) => line.endsWith("/selfsubjectaccessreviews"))).toBe(true);
  });

  it("says what one may not", async () => {
    expect(await look({}, configured(api.kubeconfig("weak")))).toEqual({
      isOk: false,
      message: "You may not create, delete, deletecollection pods in namespace grain of the context test.",
      advice: expect.stringContaining("rbac.yaml"),
    });
  });

  it.each<[string, Partial<KubernetesSettings>, string | undefined, RegExp]>([
    ["an image that is missing", { image: undefined }, undefined, /^No image is named/],
    [
      "a template that is missing",
      { template: "/no/such.yaml" },
      undefined,
      /^The pod template \/no\/such\.yaml cannot/,
    ],
    ["a context that is missing", { context: "no" }, undefined, /has no context "no"/],
    ["credentials that have expired", {}, "old", /^Kubernetes does not accept the credentials/],
  ])("says %s", async (_, own, token, message) => {
    const found = await look(own, configured(api.kubeconfig(token)));
    expect(found).toEqual({ isOk: false, message: expect.stringMatching(message) });
  });
});

describe("the cluster", () => {
  it("is that of the context that is named", async () => {
    const config = JSON.parse(api.kubeconfig()) as { contexts: object[] };
    config.contexts.push({ name: "prod", context: { cluster: "test", user: "me", namespace: "prod" } });
    api.namespaces.set("prod", new Map());
    const around = configured(JSON.stringify(config));
    await (await provider({ context: "prod" }, around)).submit(job, 1);
    expect(api.namespaces.get("prod")!.size).toBe(1);
    await expect((await provider({ context: "pord" }, around)).submit(job, 1)).rejects.toThrow(
      /has no context "pord"; it has test, prod\. Set `context` in \[kubernetes\]/,
    );
  });

  it("has the namespace of the configuration, else the template's, else the context's", async () => {
    const template = join(directory, "pod.yaml");
    writeFileSync(
      template,
      "metadata: {namespace: theirs, name: one}\nspec: {containers: [{name: worker}]}\n",
    );
    for (const name of ["ours", "theirs"]) api.namespaces.set(name, new Map());
    await (await provider({ template, namespace: "ours" })).submit(job, 2);
    await (await provider({ template })).submit(job, 1);
    await (await provider()).submit(job, 1);
    const sizes = [...api.namespaces].map(([name, pods]) => [name, pods.size]);
    expect(sizes).toEqual([
      ["grain", 1],
      ["ours", 2],
      ["theirs", 1],
    ]);
  });

  it("may be in several files, the first of which counts", async () => {
    const other = api.kubeconfig("old").replaceAll('"name":"test"', '"name":"late"');
    configured(api.kubeconfig(), "first");
    configured(other, "second");
    const files = ["absent", "first", "second"].map((name) => join(directory, name));
    const around = { env: { KUBECONFIG: files.join(delimiter) }, home: directory };
    expect((await (await provider({}, around)).submit(job, 1)).length).toBe(1);
  });

  it("is that of ~/.kube/config without a variable", async () => {
    mkdirSync(join(directory, ".kube"));
    configured(api.kubeconfig(), ".kube/config");
    expect((await (await provider({}, { env: {}, home: directory })).submit(job, 1)).length).toBe(1);
  });

  it("is that of the pod's service account inside of one", async () => {
    const account = join(directory, "var/run/secrets/kubernetes.io/serviceaccount");
    mkdirSync(account, { recursive: true });
    writeFileSync(join(account, "token"), "good");
    writeFileSync(join(account, "ca.crt"), api.authority);
    writeFileSync(join(account, "namespace"), "grain");
    const before = { ...process.env };
    // The library reads them itself.
    process.env.KUBERNETES_SERVICE_HOST = "localhost";
    process.env.KUBERNETES_SERVICE_PORT = String(api.port);
    try {
      const around = { env: process.env, home: directory, root: directory };
      const ids = await (await provider({}, { ...around, env: { ...process.env, KUBECONFIG: "" } })).submit(
        job,
        1,
      );
      expect(names()).toEqual(ids);
    } finally {
      process.env = before;
    }
  });

  it.each<[string, string | undefined, RegExp]>([
    ["none", undefined, /^No cluster is configured: there is no .*\.kube\/config, KUBECONFIG is not set/],
    ["a file that is none", "a: [", /config is no configuration of kubectl: unexpected end .*\)$/],
    ["one without contexts", '{"clusters": []}', /^No context of kubectl is chosen; it has none/],
    [
      "one whose cluster is missing",
      '{"current-context": "a", "contexts": [{"name": "a", "context": {"cluster": "b", "user": "c"}}]}',
      /The context "a" names a cluster that kubectl's configuration does not have/,
    ],
  ])("%s is told", async (_, text, message) => {
    const around = text === undefined ? { env: {}, home: directory } : configured(text);
    await expect((await provider({}, around)).submit(job, 1)).rejects.toThrow(message);
  });

  it("of a variable that names no file is told", async () => {
    const around = { env: { KUBECONFIG: "/no/such" }, home: directory };
    await expect((await provider({}, around)).submit(job, 1)).rejects.toThrow(
      /KUBECONFIG names \/no\/such, where/,
    );
  });
});
