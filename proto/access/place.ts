/** Where credentials are, and whether to do without. Reading them is credential.ts. */

import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { ConfigError } from "../errors.js";

/** How a connection proves who it is. */
export interface Access {
  /** The access directory, or a file with one credential. */
  readonly place: string;
  /** Nobody has named it. */
  readonly isDefault?: boolean;
  /** Neither encryption nor credentials, for heads started with --insecure: on this machine only, or anywhere. */
  readonly insecure: "no" | "here" | "anywhere";
}

/** What a command line says of it. */
export interface AccessFlags {
  readonly access?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly yesReally?: boolean | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What flags, environment and configuration say: `--access`, GRAIN_ACCESS_DIR, `access` of the configuration,
 * `$XDG_CONFIG_HOME/grain/access`, `~/.config/grain/access`; `--insecure` (and `--yes-really`), GRAIN_INSECURE=1 (or yes-really). Empty variables count as ones that are not set.
 *
 * @param configured the configuration's `access`
 * @example
 * chooseAccess({}, process.env).place // "/home/ada/.config/grain/access"
 */
export function chooseAccess(
  flags: AccessFlags = {},
  env: Environment = process.env,
  configured?: string | undefined,
): Access {
  const named = flags.access ?? (env.GRAIN_ACCESS_DIR || configured || undefined);
  return {
    place: resolve(named ?? defaultPlace(env)),
    isDefault: named === undefined,
    insecure: flags.insecure === true ? (flags.yesReally === true ? "anywhere" : "here") : insecureIn(env),
  };
}

function insecureIn({ GRAIN_INSECURE: text }: Environment): Access["insecure"] {
  switch (text) {
    case undefined:
    case "":
    case "0":
      return "no";
    case "1":
      return "here";
    case "yes-really":
      return "anywhere";
    default:
      throw new ConfigError(
        `The variable GRAIN_INSECURE must be 1, yes-really or empty, not ${JSON.stringify(text)}.`,
      );
  }
}

function defaultPlace(env: Environment): string {
  const config = env.XDG_CONFIG_HOME;
  // The specification of these variables says that relative paths are to be ignored.
  const base = config !== undefined && isAbsolute(config) ? config : join(homedir(), ".config");
  return join(base, "grain", "access");
}
