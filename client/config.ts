/**
 * Which head a program talks to: `local`, `address`, GRAIN_ADDRESS, the
 * configuration's `address`, or an embedded one. Of the configuration only
 * `address` is of interest here; the commands read the rest.
 */

import { parseAddress } from "../proto/address.js";
import { findConfig, type Surroundings } from "../proto/config/file.js";
import { ConfigError, messageOf } from "../proto/errors.js";
import type { ResourceLike } from "../proto/resource/index.js";

/** The head that was chosen. */
export type HeadChoice =
  | { readonly type: "embedded"; readonly local: ResourceLike | undefined }
  | { readonly type: "address"; readonly address: string };

/** What the choice depends on. */
export interface HeadOptions {
  readonly local?: ResourceLike | undefined;
  readonly address?: string | undefined;
  /** A path; `false`: none. Default: GRAIN_CONFIG, or `grain.toml` in the working directory if there is one. */
  readonly configFile?: string | false | undefined;
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
  if (options.address !== undefined) return chosen(options.address, "the option address");
  const fromEnv = around.env.GRAIN_ADDRESS;
  if (fromEnv !== undefined && fromEnv !== "") return chosen(fromEnv, "the variable GRAIN_ADDRESS");
  const address = await configuredAddress(options.configFile, around);
  return address === undefined ? { type: "embedded", local: undefined } : { type: "address", address };
}

function chosen(address: string, origin: string): HeadChoice {
  try {
    parseAddress(address);
  } catch (error) {
    throw new ConfigError(`${capitalised(origin)} is wrong: ${messageOf(error)}`, { cause: error });
  }
  return { type: "address", address };
}

async function configuredAddress(
  configFile: string | false | undefined,
  around: Surroundings,
): Promise<string | undefined> {
  const found = await findConfig(configFile, around);
  return found === undefined ? undefined : addressIn(found.text, found.file);
}

/**
 * The `address` of a configuration.
 *
 * @param text the TOML
 * @param file for messages
 * @returns undefined when there is none, or an empty one
 * @throws ConfigError with file and line
 */
export async function addressIn(text: string, file: string): Promise<string | undefined> {
  // Only programs with a configuration pay for reading one.
  const { readText } = await import("../proto/config/load.js");
  const { values } = await readText({ text, file }, ["address"]);
  return values.value("address");
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
