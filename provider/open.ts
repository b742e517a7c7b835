/** The provider of a system. */

import { ConfigError } from "../proto/errors.js";
import type { Provider } from "./provider.js";
import type { ProviderSettings } from "./settings.js";

/**
 * Loads what settings name.
 *
 * @throws ConfigError when there is none
 * @example
 * const provider = await openProvider(settings);
 */
export async function openProvider(settings: ProviderSettings): Promise<Provider> {
  switch (settings.system) {
    case "slurm":
      return (await import("./slurm.js")).slurm(settings);
    case "local":
      return (await import("./local.js")).local(settings);
    default:
      throw new ConfigError(`There is no provider for system = ${JSON.stringify(settings.system)}.`);
  }
}
