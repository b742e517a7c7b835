/** The manifests: valid by the published schema, and in agreement with each other and with the pods of workers. */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadAllYaml } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { toConfig } from "../../proto/config/config.js";
import { readText } from "../../proto/config/load.js";
import { workerSettings } from "../../provider/from-config.js";
import { loadLibrary, parseYaml } from "../../provider/kubernetes/library.js";
import { podOf } from "../../provider/kubernetes/pod.js";
import { readTemplate } from "../../provider/kubernetes/template.js";
import { ROOT } from "../kit/daemons.js";
import { problemsWith } from "../kit/kubernetes/schema.js";

const DIRECTORY = join(ROOT, "deploy/kubernetes");

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: as many forms as kinds
  readonly [key: string]: any;
}

const text = (file: string) => readFileSync(join(DIRECTORY, file), "utf8");
/** As written: the library leaves out what it does not know. */
const documents = (file: string) =>
  text(file)
    .split(/^---$/m)
    .map((each) => parseYaml(each) as Manifest);

const kustomization = parseYaml(text("kustomization.yaml")) as {
  namespace: string;
  resources: string[];
  images: { name: string; newName: string }[];
};
const manifests = kustomization.resources.flatMap(documents);
const the = (kind: string, name: string) => {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
};

describe("deploy/kubernetes", () => {
  it("names every file", () => {
    const named = [...kustomization.resources, "kustomization.yaml", "worker-pod.yaml"];
    expect(readdirSync(DIRECTORY).sort()).toEqual(named.sort());
    for (const file of kustomization.resources)
      expect(loadAllYaml(text(file))).toHaveLength(documents(file).length);
  });

  it.each(manifests.map((each) => [each.kind, each.metadata.name, each] as const))(
    "%s %s is valid",
    async (_kind, _name, manifest) => {
      expect(await problemsWith(manifest)).toEqual([]);
    },
  );

  it("fits together", () => {
    const { spec } = the("StatefulSet", "grain-head");
    const pod = spec.template;
    const [container] = pod.spec.containers;
    const service = the("Service", "grain-head");
    const labels = pod.metadata.labels;
    expect(spec.serviceName).toBe(service.metadata.name);
    for (const selector of [service.spec.selector, spec.selector.matchLabels])
      expect(labels).toMatchObject(selector);
    expect(the("NetworkPolicy", "grain-head").spec.podSelector.matchLabels).toEqual(service.spec.selector);
    const [port] = container.ports;
    expect(container.command).toContain(`0.0.0.0:${port.containerPort}`);
    expect(service.spec.ports[0]).toMatchObject({ port: port.containerPort, targetPort: port.name });
    expect(the("NetworkPolicy", "grain-head").spec.ingress[0].ports).toEqual([
      { protocol: "TCP", port: port.name },
    ]);
    expect(kustomization.images.map(({ name }) => name)).toContain(container.image);
    const [{ mountPath }] = container.volumeMounts;
    expect(spec.volumeClaimTemplates.map((each: Manifest) => each.metadata.name)).toContain("state");
    expect(container.env[0].value.startsWith(`${mountPath}/`)).toBe(true);
    expect(container.command.at(-1).startsWith(`${mountPath}/`)).toBe(true);
    expect(the("ServiceAccount", pod.spec.serviceAccountName)).toBeDefined();
    const binding = the("RoleBinding", "grain-head");
    expect(binding.subjects[0]).toMatchObject({ kind: "ServiceAccount", name: pod.spec.serviceAccountName });
    expect(the("Role", binding.roleRef.name).rules[0]).toMatchObject({
      resources: ["pods"],
      verbs: ["create", "list", "delete", "deletecollection"],
    });
    expect(the("Namespace", kustomization.namespace)).toBeDefined();
    for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"])
      expect(container[probe].exec.command).toEqual([
        "grain",
        "health",
        "--address",
        `127.0.0.1:${port.containerPort}`,
      ]);
  });

  it("fits the pods of workers", async () => {
    const toml = `system = "kubernetes"\naddress = "127.0.0.1:7700"\n[worker]\ndial = "grain-head:7700"\n[kubernetes]\nimage = "grain"\ntemplate = "${join(DIRECTORY, "worker-pod.yaml")}"\n`;
    const config = toConfig("/g", await readText({ text: toml, file: "/g" }));
    const settings = workerSettings(config, { access: { place: "/none", insecure: "no" } });
    const job = { name: "w1", logFile: "", command: settings.workerCommand, environment: {}, extraArgs: [] };
    const pod = podOf(
      job,
      settings,
      readTemplate(config.kubernetes.template!, await loadLibrary()),
      "w1-abcde",
    );
    expect(await problemsWith(pod)).toEqual([]);
    const policy = the("NetworkPolicy", "grain-head").spec.ingress[0].from[0].podSelector.matchLabels;
    expect(pod.metadata!.labels).toMatchObject(policy);
    const secret = pod.spec!.volumes!.find((volume) => volume.secret !== undefined)!.secret!;
    expect(the("Secret", secret.secretName!)).toBeDefined();
    expect(text("access.yaml")).toContain(`"${secret.items![0]!.key}"`);
    const { command } = pod.spec!.containers[0]!;
    expect(command!.at(-1)).toContain(`--address ${the("Service", "grain-head").metadata.name}:7700`);
    expect(pod.spec!.containers[0]!.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
  });

  it("puts a credential into the Secret as it says", () => {
    const pipe = text("access.yaml")
      .split("\n")
      .find((line) => line.includes("base64"))!
      .replace(/^#\s*/, "")
      .replace(/\|\s*$/, "");
    const credential = "-----BEGIN CERTIFICATE-----\nab+/=\n-----END CERTIFICATE-----\n".repeat(30);
    const patch = execFileSync("sh", ["-c", pipe], { input: credential, encoding: "utf8" });
    const { data } = JSON.parse(patch) as { data: Record<string, string> };
    expect(Buffer.from(data["worker.pem"]!, "base64").toString()).toBe(credential);
  });

  const kubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;
  it.skipIf(!kubectl)("is put together by kubectl", () => {
    const built = execFileSync("kubectl", ["kustomize", DIRECTORY], { encoding: "utf8" });
    expect(built.split(/^---$/m)).toHaveLength(manifests.length);
    expect(built).toContain(`image: ${kustomization.images[0]!.newName}:`);
    expect(existsSync(join(DIRECTORY, "kustomization.yaml"))).toBe(true);
  });
});
