/** The provider of a system. */

import type { Provider } from "./provider.js";
import type { ProviderSettings } from "./settings.js";

/**
 * Loads what settings name.
 *
 * @throws ConfigError when a system has not what it needs
 * @example
 * const provider = await openProvider(settings);
 */
export async function openProvider(settings: ProviderSettings): Promise<Provider> {
  switch (settings.system) {
    case "slurm":
      return (await import("./slurm.js")).slurm(settings);
    case "pbs":
      return (await import("./pbs.js")).pbs(settings);
    case "lsf":
      return (await import("./lsf.js")).lsf(settings);
    case "sge":
      return (await import("./sge.js")).sge(settings);
    case "ssh":
      return (await import("./ssh.js")).ssh(settings);
    case "custom":
      return (await import("./custom.js")).custom(settings);
    case "local":
      return (await import("./local.js")).local(settings);
    case "kubernetes":
      return (await import("./kubernetes.js")).kubernetes(settings);
    default:
      return settings.system satisfies never;
  }
}
