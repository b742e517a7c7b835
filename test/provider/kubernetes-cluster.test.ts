/** Which cluster pods are for: as kubectl finds it, and inside of one. */

import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { POD_JOB, type PodSite, useSite } from "./pod-site.js";

let site: PodSite;
useSite((opened) => {
  site = opened;
});

describe("the cluster", () => {
  it("is that of the context that is named", async () => {
    const config = JSON.parse(site.api.kubeconfig()) as { contexts: object[] };
    config.contexts.push({ name: "prod", context: { cluster: "test", user: "me", namespace: "prod" } });
    site.api.namespaces.set("prod", new Map());
    const around = site.configured(JSON.stringify(config));
    await (await site.provider({ context: "prod" }, around)).submit(POD_JOB, 1);
    expect(site.api.namespaces.get("prod")!.size).toBe(1);
    await expect((await site.provider({ context: "pord" }, around)).submit(POD_JOB, 1)).rejects.toThrow(
      /has no context "pord"; it has test, prod\. Set `context` in \[kubernetes\]/,
    );
  });

  it("has the namespace of the configuration, else the template's, else the context's", async () => {
    const template = join(site.directory, "pod.yaml");
    writeFileSync(
      template,
      "metadata: {namespace: theirs, name: one}\nspec: {containers: [{name: worker}]}\n",
    );
    for (const name of ["ours", "theirs"]) site.api.namespaces.set(name, new Map());
    await (await site.provider({ template, namespace: "ours" })).submit(POD_JOB, 2);
    await (await site.provider({ template })).submit(POD_JOB, 1);
    await (await site.provider()).submit(POD_JOB, 1);
    const sizes = [...site.api.namespaces].map(([name, pods]) => [name, pods.size]);
    expect(sizes).toEqual([
      ["grain", 1],
      ["ours", 2],
      ["theirs", 1],
    ]);
  });

  it("may be in several files, the first of which counts", async () => {
    const other = site.api.kubeconfig("old").replaceAll('"name":"test"', '"name":"late"');
    site.configured(site.api.kubeconfig(), "first");
    site.configured(other, "second");
    const files = ["absent", "first", "second"].map((name) => join(site.directory, name));
    const around = { env: { KUBECONFIG: files.join(delimiter) }, home: site.directory };
    expect((await (await site.provider({}, around)).submit(POD_JOB, 1)).length).toBe(1);
  });

  it("is that of ~/.kube/config without a variable", async () => {
    mkdirSync(join(site.directory, ".kube"));
    site.configured(site.api.kubeconfig(), ".kube/config");
    expect(
      (await (await site.provider({}, { env: {}, home: site.directory })).submit(POD_JOB, 1)).length,
    ).toBe(1);
  });

  it("is that of the pod's service account inside of one", async () => {
    const account = join(site.directory, "var/run/secrets/kubernetes.io/serviceaccount");
    mkdirSync(account, { recursive: true });
    writeFileSync(join(account, "token"), "good");
    writeFileSync(join(account, "ca.crt"), site.api.authority);
    writeFileSync(join(account, "namespace"), "grain");
    const before = { ...process.env };
    // The library reads them itself.
    process.env.KUBERNETES_SERVICE_HOST = "localhost";
    process.env.KUBERNETES_SERVICE_PORT = String(site.api.port);
    try {
      const around = { env: process.env, home: site.directory, root: site.directory };
      const ids = await (
        await site.provider({}, { ...around, env: { ...process.env, KUBECONFIG: "" } })
      ).submit(POD_JOB, 1);
      expect(site.names()).toEqual(ids);
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
    const around = text === undefined ? { env: {}, home: site.directory } : site.configured(text);
    await expect((await site.provider({}, around)).submit(POD_JOB, 1)).rejects.toThrow(message);
  });

  it("of a variable that names no file is told", async () => {
    const around = { env: { KUBECONFIG: "/no/such" }, home: site.directory };
    await expect((await site.provider({}, around)).submit(POD_JOB, 1)).rejects.toThrow(
      /KUBECONFIG names \/no\/such, where/,
    );
  });
});
