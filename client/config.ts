/**
 * Which head a program talks to: `local`, `address`, GRAIN_ADDRESS, the
 * configuration's `address`, or an embedded one. Of the configuration only
 * `address` and `access` are of interest here; the commands read the rest.
 */

import { parseAddress } from "../proto/address.js";
import { type ConfigText, findConfig, type Surroundings } from "../proto/config/file.js";
import { ConfigError, messageOf } from "../proto/errors.js";
import type { ResourceLike } from "../proto/resource/index.js";

/** The head that was chosen. */
export type HeadChoice =
  | { readonly type: "embedded"; readonly local: ResourceLike | undefined }
  | {
      readonly type: "address";
      readonly address: string;
      /** The configuration's `access`. */
      readonly access?: string | undefined;
    };

/** What the choice depends on. */
export interface HeadOptions {
  readonly local?: ResourceLike | undefined;
  readonly address?: string | undefined;
  /** A path; `false`: none. Default: GRAIN_CONFIG, or `grain.toml` in the working directory if there is one. */
  readonly configFile?: string | false | undefined;
  /** Whether a command asks, for which the configuration may have an address of its own. Default: false. */
  readonly command?: boolean | undefined;
}

/** What a configuration says of it. */
interface ConfiguredHead {
  readonly address?: string | undefined;
  readonly access?: string | undefined;
}

/**
 * Chooses the head.
 *
 * @throws ConfigError for a configuration that cannot be read and for what is no address; with file and line where there are such
 * @example
 * await chooseHead({ address: "cluster:7700" }, { env: process.env, cwd: process.cwd() });
 */
export async function chooseHead(options: HeadOptions, around: Surroundings): Promise<HeadChoice> {
  if (options.local !== undefined) return { type: "embedded", local: options.local };
  if (options.address !== undefined) checkAddress(options.address, "the option address");
  const fromEnv = around.env.GRAIN_ADDRESS || undefined;
  if (options.address === undefined && fromEnv !== undefined)
    checkAddress(fromEnv, "the variable GRAIN_ADDRESS");
  const configured = await configuredHead(options, around);
  const address = options.address ?? fromEnv ?? configured.address;
  if (address === undefined) return { type: "embedded", local: undefined };
  return { type: "address", address, access: configured.access };
}

function checkAddress(address: string, origin: string): void {
  try {
    parseAddress(address);
  } catch (error) {
    throw new ConfigError(`${capitalised(origin)} is wrong: ${messageOf(error)}`, { cause: error });
  }
}

async function configuredHead(
  { configFile, command }: HeadOptions,
  around: Surroundings,
): Promise<ConfiguredHead> {
  const found = await findConfig(configFile, around);
  return found === undefined ? {} : headIn(found, command);
}

/**
 * The head that a configuration names.
 *
 * @param found its text, and its name for messages
 * @param command whether a command asks. Default: false
 * @throws ConfigError with file and line
 */
export async function headIn(found: ConfigText, command = false): Promise<ConfiguredHead> {
  // Only programs with a configuration pay for reading one.
  const { readText } = await import("../proto/config/load.js");
  const { values } = await readText(found, ["address", "access", ...(command ? ["worker.cli_dial"] : [])]);
  return {
    address: values.value("worker.cli_dial") ?? values.value("address"),
    access: values.value("access"),
  };
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
