/** An API server of Kubernetes for each test of a file, and providers that use it. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { Surroundings } from "../../provider/kubernetes/cluster.js";
import { kubernetes } from "../../provider/kubernetes.js";
import type { Provider } from "../../provider/provider.js";
import type { KubernetesSettings } from "../../provider/settings.js";
import { ApiServer } from "../kit/kubernetes/api-server.js";
import { JOB, settingsOf } from "./fakes.js";

/** What is set for pods unless a test says otherwise. */
export const POD_SETTINGS: KubernetesSettings = {
  image: "grain:1",
  labels: {},
  nodeSelector: {},
  tolerations: [],
  taskGraceMs: 5_000,
};

/** A job of workers in pods. */
export const POD_JOB = { ...JOB, environment: {} };

/** An API server, and a directory for the configuration of kubectl. */
export class PodSite {
  readonly directory = mkdtempSync(join(tmpdir(), "grain-kube-"));
  readonly api = new ApiServer();

  /** A configuration of kubectl in a file. */
  configured(text: string, name = "config"): Surroundings {
    const file = join(this.directory, name);
    writeFileSync(file, text);
    return { env: { KUBECONFIG: file }, home: this.directory };
  }

  provider(
    own: Partial<KubernetesSettings> = {},
    around = this.configured(this.api.kubeconfig()),
    commandTimeoutMs = 20_000,
  ): Promise<Provider> {
    const kubernetesSettings = { ...POD_SETTINGS, ...own };
    const settings = settingsOf("kubernetes", {}, { kubernetes: kubernetesSettings, commandTimeoutMs });
    return kubernetes(settings, around);
  }

  /** Of all pods. */
  names(): string[] {
    return this.api.pods.map(({ metadata }) => metadata.name);
  }
}

/** Opens one before each test, and closes it afterwards. */
export function useSite(take: (site: PodSite) => void): void {
  let site: PodSite;
  beforeEach(async () => {
    site = new PodSite();
    await site.api.open();
    take(site);
  });
  afterEach(async () => {
    await site.api.close();
    rmSync(site.directory, { recursive: true, force: true });
  });
}
