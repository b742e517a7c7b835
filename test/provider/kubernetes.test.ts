/** Pods by the official client, against an API server that checks what it gets. */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkKubernetes } from "../../provider/kubernetes/check.js";
import type { KubernetesSettings } from "../../provider/settings.js";
import { ApiServer } from "../kit/kubernetes/api-server.js";
import { refusal } from "../kit/kubernetes/objects.js";
import { container } from "../kit/kubernetes/pods.js";
import { settingsOf } from "./fakes.js";
import { POD_JOB, POD_SETTINGS, type PodSite, useSite } from "./pod-site.js";

let site: PodSite;
useSite((opened) => {
  site = opened;
});

describe("pods", () => {
  it("are created, listed in one request, and deleted in one", async () => {
    const pods = await site.provider();
    const ids = await pods.submit(POD_JOB, 20);
    expect(new Set(ids).size).toBe(20);
    expect(ids[0]).toMatch(/^w120000-[a-z0-9]{5}$/);
    expect(site.names().sort()).toEqual([...ids].sort());
    expect(site.api.requests.every((line) => /^POST .*\?fieldValidation=Strict$/.test(line))).toBe(true);

    site.api.requests.length = 0;
    site.api.pods[0]!.status = { phase: "Running", containerStatuses: [container({ running: {} })] };
    const states = await pods.status([...ids, "w1-gone"]);
    expect(site.api.requests).toHaveLength(1);
    expect(states.get(site.api.pods[0]!.metadata.name)).toEqual({ type: "running", host: "" });
    expect(states.get(site.api.pods[1]!.metadata.name)).toEqual({ type: "queued", reason: "" });
    expect(states.get("w1-gone")).toEqual({ type: "ended", reason: "its pod is gone" });

    site.api.requests.length = 0;
    await pods.cancel([...ids.slice(5), "w1-gone"]);
    expect(site.api.requests).toHaveLength(1);
    expect(site.names().sort()).toEqual(ids.slice(0, 5).sort());
    await pods.forget!(ids);
    expect(site.names()).toEqual([]);
    await pods.cancel(ids);
  });

  it("of others are left alone", async () => {
    const pods = await site.provider();
    const [mine = ""] = await pods.submit(POD_JOB, 1);
    const [other = ""] = await pods.submit(POD_JOB, 1);
    const stranger = site.api.pods.find(({ metadata }) => metadata.name === other)!;
    stranger.metadata.labels = { "grain-scheduler/job": other, app: "theirs" };
    await pods.cancel([mine, other]);
    expect(site.names()).toEqual([other]);
    expect(await pods.status([other])).toEqual(
      new Map([[other, { type: "ended", reason: "its pod is gone" }]]),
    );
  });

  it("in number come in pages, and go in several requests", async () => {
    const pods = await site.provider();
    const ids = await pods.submit(POD_JOB, 130);
    for (const { metadata } of [...site.api.pods])
      for (let i = 0; i < 4; i += 1) {
        const name = `${metadata.name}-${i}`;
        const labels = { "app.kubernetes.io/managed-by": "grain-scheduler" };
        const pod = structuredClone(site.api.pods[0]!);
        site.api.namespaces.get("grain")!.set(name, { ...pod, metadata: { ...pod.metadata, name, labels } });
      }
    site.api.requests.length = 0;
    const states = await pods.status(ids);
    expect([...states.values()].every(({ type }) => type === "queued")).toBe(true);
    expect(site.api.requests.map((line) => /continue=(\d+)/.exec(line)?.[1])).toEqual([undefined, "500"]);
    site.api.requests.length = 0;
    await pods.cancel(ids);
    expect(site.api.requests).toHaveLength(3);
    // Proxies take no longer addresses.
    expect(Math.max(...site.api.requests.map((line) => line.length))).toBeLessThan(8_000);
    expect(site.names()).toHaveLength(520);
  });

  it("are created once, also when the answer is lost or the server is busy", async () => {
    const pods = await site.provider();
    site.api.mishaps.push(
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
    const ids = await pods.submit(POD_JOB, 3);
    expect(site.names().sort()).toEqual([...ids].sort());
    expect(site.api.mishaps).toEqual([]);
  });

  it("of a name that is taken get another", async () => {
    site.api.mishaps.push({
      on: /^POST/,
      answer: refusal(409, "AlreadyExists", 'pods "w120000-bbbbb" already exists'),
    });
    expect(await (await site.provider()).submit(POD_JOB, 1)).toEqual(site.names());
    expect(site.api.requests).toHaveLength(2);
  });

  it("have their logs at kubectl", async () => {
    expect((await site.provider()).logCommand!("w1-abc")).toBe("kubectl logs --namespace grain w1-abc");
    expect((await site.provider({ context: "test", namespace: "other" })).logCommand!("<job>")).toBe(
      "kubectl logs --context test --namespace other '<job>'",
    );
  });
});

describe("what goes wrong", () => {
  const quota =
    'pods "w1" is forbidden: exceeded quota: main, requested: pods=1, used: pods=2, limited: pods=2';

  it("after some were created says which", async () => {
    for (let i = 0; i < 2; i += 1)
      site.api.mishaps.push({ on: /^POST/, answer: refusal(403, "Forbidden", quota) });
    const failed = await (await site.provider()).submit(POD_JOB, 8).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      name: "ProviderError",
      message: expect.stringMatching(
        /^The quota of the namespace grain does not allow it: .*exceeded quota.* have it raised\.$/,
      ),
    });
    expect([...(failed as { submitted: string[] }).submitted].sort()).toEqual(site.names().sort());
    expect(site.names()).toHaveLength(6);
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
    site.api.mishaps.push({ on: /^POST/, answer: refusal(code, reason, message) });
    await expect((await site.provider()).submit(POD_JOB, 1)).rejects.toThrow(told);
  });

  it("what stays busy is given up", async () => {
    const answer = refusal(429, "TooManyRequests", "too many requests, please try again later");
    for (let i = 0; i < 6; i += 1)
      site.api.mishaps.push({ on: /^GET/, answer, headers: { "retry-after": "0" } });
    await expect((await site.provider()).status(["w1"])).rejects.toThrow(
      /^Kubernetes is asked too much at the moment/,
    );
    expect(site.api.requests).toHaveLength(6);
  });

  it("credentials that are not accepted, or may not", async () => {
    const expired = await site.provider({}, site.configured(site.api.kubeconfig("old")));
    await expect(expired.status(["w1"])).rejects.toThrow(
      /^Kubernetes does not accept the credentials of the context test: .* have expired\. Log in again/,
    );
    const weak = await site.provider({}, site.configured(site.api.kubeconfig("weak")));
    await expect(weak.submit(POD_JOB, 1)).rejects.toThrow(
      /^Kubernetes does not allow this: .*"eve" cannot create resource "pods".*rbac\.yaml/,
    );
    await expect(weak.cancel(["w1"])).rejects.toThrow(/cannot deletecollection/);
    expect((await weak.status(["w1"])).size).toBe(1);
  });

  it("a namespace that is not there", async () => {
    await expect((await site.provider({ namespace: "no" })).submit(POD_JOB, 1)).rejects.toThrow(
      /^There is no namespace no in the cluster of the context test: create it \(kubectl create namespace no\)/,
    );
  });

  it("a pod that is not valid", async () => {
    await expect((await site.provider({ labels: { team: "a b" } })).submit(POD_JOB, 1)).rejects.toThrow(
      /^Kubernetes refuses the pod: Pod "w120000-\w+" is invalid: metadata\.labels: .*"a b".*"grain up --dry"/,
    );
    const odd = await site.provider({ tolerations: [{ key: "a", value: 1 as unknown as string }] });
    await expect(odd.submit(POD_JOB, 1)).rejects.toThrow(
      /^Kubernetes refuses the pod: .*tolerations\[0\]\.value: type/,
    );
  });

  it("a server that is not there, does not answer, or shows another's certificate", async () => {
    const closed = await new ApiServer().open();
    await closed.close();
    const port = closed.port;
    await expect(
      (await site.provider({}, site.configured(site.api.kubeconfig("good", { port })))).status(["w1"]),
    ).rejects.toThrow(
      /^https:\/\/localhost:\d+, the API of the context test, cannot be reached \(ECONNREFUSED\)/,
    );
    site.api.mishaps.push({ on: /^GET/, answer: "silence" });
    await expect((await site.provider({}, undefined, 200)).status(["w1"])).rejects.toThrow(
      /did not answer within 0\.2 s; is it reached from here/,
    );
    const other = await new ApiServer().open();
    site.api.authority = other.authority;
    await other.close();
    await expect(
      (await site.provider({}, site.configured(site.api.kubeconfig()))).status(["w1"]),
    ).rejects.toThrow(/shows a certificate that is not trusted \(\w+\): correct certificate-authority/);
  });

  it("a plug-in for credentials that fails", async () => {
    const config = JSON.parse(site.api.kubeconfig()) as { users: { user: object }[] };
    config.users[0]!.user = {
      exec: {
        apiVersion: "client.authentication.k8s.io/v1",
        command: join(site.directory, "no-such-login"),
        interactiveMode: "Never",
      },
    };
    await expect(
      (await site.provider({}, site.configured(JSON.stringify(config)))).status(["w1"]),
    ).rejects.toThrow(/context test.*no-such-login|no-such-login.*context test/);
  });
});

describe("a look before", () => {
  const look = (own: Partial<KubernetesSettings> = {}, around = site.configured(site.api.kubeconfig())) =>
    checkKubernetes(settingsOf("kubernetes", {}, { kubernetes: { ...POD_SETTINGS, ...own } }), around);

  it("finds that all is well, and creates nothing", async () => {
    expect(await look()).toEqual({
      isOk: true,
      message: "Workers are pods in namespace grain of the context test.",
    });
    expect(site.names()).toEqual([]);
    expect(site.api.requests.every((line) => line.endsWith("/selfsubjectaccessreviews"))).toBe(true);
  });

  it("says what one may not", async () => {
    expect(await look({}, site.configured(site.api.kubeconfig("weak")))).toEqual({
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
    const found = await look(own, site.configured(site.api.kubeconfig(token)));
    expect(found).toEqual({ isOk: false, message: expect.stringMatching(message) });
  });
});
