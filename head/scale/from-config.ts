/** The swarm of a head that was started by a command: its jobs are as the configuration says when they are submitted. */

import { type AccessFlags, chooseAccess } from "../../proto/access/place.js";
import { parseAddress } from "../../proto/address.js";
import { loadConfig } from "../../proto/config/load.js";
import { bookDirectory } from "../../provider/book.js";
import type { Goal } from "./goal.js";
import type { SwarmOptions } from "./swarm.js";

/** What the command line says of it. */
interface SwarmFlags extends AccessFlags {
  readonly swarm?: number | undefined;
  readonly config?: string | undefined;
}

/** Where the command was started. */
interface Around {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/**
 * How the swarm of such a head is set up.
 *
 * @param wanted what flags and configuration come to
 */
export function swarmOptions(
  flags: SwarmFlags,
  { goal, listen }: { readonly goal: Goal; readonly listen: readonly string[] },
  { env, cwd }: Around,
): SwarmOptions {
  return {
    goal,
    isFinal: flags.swarm !== undefined,
    address: listen.find((address) => parseAddress(address).type === "edge"),
    book: bookDirectory(env),
    cwd,
    open: async (address) => {
      const { fleetOf } = await import("./fleet.js");
      const config = await loadConfig({ env, cwd, configFile: flags.config });
      return fleetOf(config, { address, access: chooseAccess(flags, env, config.access) });
    },
  };
}
