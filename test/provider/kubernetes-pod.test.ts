/** The pods that are asked for: from a configuration, on top of a template, as the schema wants them. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadLibrary, parseYaml } from "../../provider/kubernetes/library.js";
import { podOf, prefixOf } from "../../provider/kubernetes/pod.js";
import { readTemplate } from "../../provider/kubernetes/template.js";
import { kubernetes } from "../../provider/kubernetes.js";
import type { KubernetesSettings, ProviderSettings } from "../../provider/settings.js";
import { ROOT } from "../kit/daemons.js";
import { expand } from "../kit/kubernetes/kubelet.js";
import type { Container } from "../kit/kubernetes/objects.js";
import { problemsWith } from "../kit/kubernetes/schema.js";
import { JOB, settingsOf } from "./fakes.js";

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly dependencies?: object; readonly peerDependenciesMeta?: object }>
  >;
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "grain-pod-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const OWN: KubernetesSettings = {
  image: "registry/grain:1",
  labels: {},
  nodeSelector: {},
  tolerations: [],
  taskGraceMs: 5_000,
};

const settings = (script: Partial<ProviderSettings["script"]> = {}, own: Partial<KubernetesSettings> = {}) =>
  settingsOf("kubernetes", script, { kubernetes: { ...OWN, ...own } });

const job = {
  ...JOB,
  command: ["grain-worker", "--name", "{{JOB}}", "--address", "head:7700"],
  environment: {},
};

async function pod(
  script: Partial<ProviderSettings["script"]> = {},
  own: Partial<KubernetesSettings> = {},
  template: V1Pod = {},
): Promise<V1Pod> {
  const made = podOf(job, settings(script, own), template, "w120000-abcde");
  expect(await problemsWith(made)).toEqual([]);
  return made;
}

async function templateOf(text: string): Promise<V1Pod> {
  const file = join(directory, "pod.yaml");
  writeFileSync(file, text);
  return readTemplate(file, await loadLibrary());
}

const variable = (made: V1Pod, name: string) =>
  made.spec!.containers[0]!.env!.find((each) => each.name === name);

describe("a worker's pod", () => {
  it("has what the configuration asks for", async () => {
    const made = await pod(
      { cores: 4, memoryBytes: 8 * 2 ** 30, walltimeMs: 3_600_000 },
      {
        accessSecret: "grain-worker",
        serviceAccount: "tasks",
        labels: { team: "chem" },
        nodeSelector: { pool: "big" },
        tolerations: [{ key: "gpu", value: "yes", effect: "NoSchedule" }, { key: "spot" }],
        graceMs: 120_000,
      },
    );
    expect(made.metadata).toEqual({
      name: "w120000-abcde",
      labels: {
        "app.kubernetes.io/name": "grain-worker",
        "app.kubernetes.io/managed-by": "grain-scheduler",
        "grain-scheduler/job": "w120000-abcde",
        team: "chem",
      },
    });
    const amounts = { cpu: "4", memory: "8Gi" };
    expect(made.spec).toMatchObject({
      restartPolicy: "Never",
      serviceAccountName: "tasks",
      nodeSelector: { pool: "big" },
      tolerations: [
        { key: "gpu", operator: "Equal", value: "yes", effect: "NoSchedule" },
        { key: "spot", operator: "Exists" },
      ],
      terminationGracePeriodSeconds: 120,
      // Fetching the image counts for Kubernetes.
      activeDeadlineSeconds: 4_200,
      shareProcessNamespace: true,
      containers: [
        { name: "worker", image: "registry/grain:1", resources: { requests: amounts, limits: amounts } },
      ],
    });
    expect(made.spec).not.toHaveProperty("automountServiceAccountToken");
    expect(variable(made, "GRAIN_JOB_NOTICE_SECONDS")?.value).toBe("105");
    expect(variable(made, "GRAIN_JOB_CORES")?.valueFrom?.resourceFieldRef?.resource).toBe("limits.cpu");
  });

  it("asks for nothing that nobody has asked for", async () => {
    const made = await pod();
    expect(made.spec).toMatchObject({
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 300,
    });
    for (const key of ["nodeSelector", "tolerations", "activeDeadlineSeconds", "serviceAccountName"])
      expect(made.spec).not.toHaveProperty(key);
    expect(made.spec!.containers[0]).not.toHaveProperty("resources");
    expect(variable(made, "GRAIN_JOB_BYTES")).toBeUndefined();
  });

  it.each([
    [{ memoryBytes: 512 * 2 ** 20 }, "512Mi"],
    [{ memoryBytes: 1_000_000 }, "1000000"],
    [{ memoryBytes: 1_536 }, "1536"],
    [{ memoryBytes: 3 * 2 ** 10 }, "3Ki"],
  ])("memory %j is %s", async (script, quantity) => {
    const { resources } = (await pod(script)).spec!.containers[0]!;
    expect(resources?.limits).toEqual({ memory: quantity });
  });

  it("leaves half of a short grace period to the tasks", async () => {
    const made = await pod({}, { graceMs: 20_000 });
    expect(variable(made, "GRAIN_JOB_NOTICE_SECONDS")?.value).toBe("10");
  });

  it("runs its script as it is written, whatever Kubernetes replaces", async () => {
    const lines = [
      'echo "$$ $(echo a)" | tr 0-9 n | tr -s n',
      "echo '$(GRAIN_JOB_ID)' '$$(x)' '$$$(y)' '$'",
      "defer echo gone",
    ];
    const own = settings({ setupCleanup: lines, shebang: "#!/usr/bin/env bash" }, {});
    const made = podOf({ ...job, command: ["echo", "{{JOB}}", "it's", "$(date)"] }, own, {}, "w1-x");
    const { command = [] } = made.spec!.containers[0] as Container;
    const values = new Map([["GRAIN_JOB_ID", "w1-x"]]);
    const [program = "", ...args] = command.map((word) => expand(word, values));
    expect([program, ...args.slice(0, 2)]).toEqual(["/usr/bin/env", "bash", "-c"]);
    const said = execFileSync(program, args, {
      env: { ...process.env, GRAIN_JOB_ID: "w1-x" },
      encoding: "utf8",
    });
    expect(said).toBe("n a\n$(GRAIN_JOB_ID) $$(x) $$$(y) $\nw1-x it's $(date)\ngone\n");
  });

  it("goes on top of a template", async () => {
    const template = await templateOf(`---
apiVersion: v1
kind: Pod
metadata: { labels: { team: chem, app.kubernetes.io/name: mine }, annotations: { a: b } }
spec:
  terminationGracePeriodSeconds: 600
  shareProcessNamespace: false
  priorityClassName: low
  tolerations: [{ key: spot, operator: Exists }]
  nodeSelector: { zone: a }
  volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
  containers:
    - { name: log, image: fluent }
    - name: worker
      image: other
      args: [unused]
      env: [{ name: A, value: "1" }, { name: GRAIN_JOB_ID, value: wrong }]
      volumeMounts: [{ name: data, mountPath: /data }]
      resources: { limits: { nvidia.com/gpu: 1, cpu: 2 }, requests: { cpu: 2, memory: 1Gi } }
`);
    const made = await pod(
      { cores: 8 },
      { tolerations: [{ key: "gpu" }], nodeSelector: { pool: "big" } },
      template,
    );
    const [log, worker] = made.spec!.containers;
    expect(log).toEqual({ name: "log", image: "fluent" });
    expect(worker).toMatchObject({
      image: "registry/grain:1",
      resources: {
        limits: { "nvidia.com/gpu": 1, cpu: "8" },
        requests: { cpu: "8", memory: "1Gi" },
      },
      volumeMounts: [{ name: "data" }, { mountPath: "/dev/shm" }],
    });
    expect(worker).not.toHaveProperty("args");
    expect(worker!.env!.map(({ name }) => name)).toEqual([
      "A",
      "GRAIN_JOB_ID",
      "GRAIN_JOB_NOTICE_SECONDS",
      "GRAIN_JOB_CORES",
      "GRAIN_JOB_BYTES",
    ]);
    expect(worker!.env!.at(-1)?.valueFrom?.resourceFieldRef?.resource).toBe("requests.memory");
    expect(made.metadata).toMatchObject({
      labels: {
        team: "chem",
        "app.kubernetes.io/name": "mine",
        "app.kubernetes.io/managed-by": "grain-scheduler",
      },
      annotations: { a: "b" },
    });
    expect(made.spec).toMatchObject({
      terminationGracePeriodSeconds: 600,
      shareProcessNamespace: false,
      priorityClassName: "low",
      nodeSelector: { zone: "a", pool: "big" },
      tolerations: [{ key: "spot" }, { key: "gpu" }],
      volumes: [{ name: "data" }, { name: "grain-shared" }],
    });
  });

  it("takes the image of its template, and the first container when none is the worker's", async () => {
    const template = await templateOf('{"spec": {"containers": [{"name": "main", "image": "mine:2"}]}}');
    const made = await pod({}, { image: undefined }, template);
    expect(made.spec!.containers).toMatchObject([{ name: "main", image: "mine:2" }]);
  });

  it("is refused with what cannot be", async () => {
    await expect(pod({}, { image: undefined })).rejects.toThrow(
      /No image is named .* set `image` in \[kubernetes\]/,
    );
    await expect(pod({ queue: "main" })).rejects.toThrow(/Pods have no queue "main": leave `queue`/);
    expect(() => podOf({ ...job, extraArgs: ["-A", "x"] }, settings(), {}, "w")).toThrow(
      /no submit command that could take -A x; put it into a template/,
    );
  });

  it.each([
    ["spec: {containers: [{name: worker, imagee: x}]}", /pods have no spec\.containers\[0\]\.imagee/],
    ["spec:\n  containers:\n  - name: worker\n    env: {A: 1}", /env|iterable/],
    ["kind: Deployment\napiVersion: apps/v1", /describes apps\/v1 Deployment, and must be v1 Pod/],
    ["metdata: {}\nspec: {containers: []}", /pods have no metdata/],
    ["spec: [", /is wrong: .*\(\d+:\d+\)/],
    ["just text", /it holds no pod/],
    ["# nothing", /it holds no pod|input is empty/],
  ])("a template %j is refused", async (text, message) => {
    await expect(templateOf(text)).rejects.toThrow(message);
    await expect(templateOf(text)).rejects.toThrow(/The pod template .*pod\.yaml is wrong/);
  });

  it("a template that is not there is told", async () => {
    const library = await loadLibrary();
    expect(() => readTemplate(join(directory, "no.yaml"), library)).toThrow(
      /template .*no\.yaml cannot be read: ENOENT.*Correct `template` in \[kubernetes\]/,
    );
  });

  it("is shown as YAML that can be created, without a cluster", async () => {
    const provider = await kubernetes(settings({ cores: 2, setupCleanup: ["module load x"] }));
    const shown = parseYaml(provider.script(job)) as V1Pod;
    expect(await problemsWith(shown)).toEqual([]);
    expect(shown).toEqual(
      JSON.parse(
        JSON.stringify(podOf(job, settings({ cores: 2, setupCleanup: ["module load x"] }), {}, undefined)),
      ),
    );
    expect(shown.metadata).toMatchObject({ generateName: "w120000-" });
    expect(provider.commandLine(job, 3)).toBe("kubectl create -f -   (3 times, through the API)");
  });

  it.each([
    ["w120000", "w120000-"],
    ["My_Job.1", "my-job-1-"],
    [`w${"x".repeat(62)}`, `w${"x".repeat(49)}-`],
    ["a_", "a-"],
  ])("of the job %s begins with %s", (name, prefix) => {
    expect(prefixOf(name)).toBe(prefix);
  });
});

describe("the client library", () => {
  it("is asked for where it is not installed", async () => {
    const missing = Object.assign(
      new Error("Cannot find package '@kubernetes/client-node' imported from x"),
      {
        code: "ERR_MODULE_NOT_FOUND",
      },
    );
    await expect(loadLibrary(() => Promise.reject(missing))).rejects.toThrow(
      /not installed here: npm install @kubernetes\/client-node@1$/,
    );
    await expect(loadLibrary(() => Promise.reject(new SyntaxError("bad token.")))).rejects.toThrow(
      /cannot be loaded by Node\.js .*bad token\. Install the version/,
    );
  });

  it("is loaded in one place, when it is wanted", () => {
    const { stdout } = spawnSync("git", ["grep", "-lF", "@kubernetes/client-node", "--", "*.ts", ":!test"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    const files = stdout.trim().split("\n");
    expect(files).toContain("provider/kubernetes/pod.ts");
    for (const file of files.filter((each) => each !== "provider/kubernetes/library.ts")) {
      const text = readFileSync(join(ROOT, file), "utf8");
      for (const [statement] of text.matchAll(/import[^;]*"@kubernetes\/client-node"/g))
        expect(statement, file).toMatch(/^import type/);
    }
    const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as Lock;
    expect(lock.packages[""]!.dependencies).not.toHaveProperty("@kubernetes/client-node");
    expect(lock.packages[""]!.peerDependenciesMeta).toEqual({
      "@kubernetes/client-node": { optional: true },
    });
  });

  it("runs no scripts when it is installed, and nothing that it needs does", () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as Lock;
    const seen = new Set<string>();
    const look = (name: string, from: string) => {
      const places = [`${from}/node_modules/${name}`, `node_modules/${name}`];
      const place = places.find((each) => packages[each] !== undefined);
      if (place === undefined || seen.has(place)) return;
      seen.add(place);
      expect(packages[place], place).not.toHaveProperty("hasInstallScript");
      for (const next of Object.keys(packages[place]!.dependencies ?? {})) look(next, place);
    };
    look("@kubernetes/client-node", "");
    expect(seen.size).toBeGreaterThan(40);
  });
});
