/**
 * Which head a program talks to: `local`, `address`, GRAIN_ADDRESS, the
 * configuration's `address`, or an embedded one. Of the configuration only
 * `address` is of interest here; the commands read the rest.
 */

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseAddress } from "../proto/address.js";
import { parseTable } from "../proto/config-table.js";
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

/** The surroundings of the choice. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  readonly cwd: string;
}

const DEFAULT_CONFIG = "grain.toml";

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
  { env, cwd }: Surroundings,
): Promise<string | undefined> {
  if (configFile === false) return undefined;
  const named = configFile ?? (env.GRAIN_CONFIG || undefined);
  const file = resolve(cwd, named ?? DEFAULT_CONFIG);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (named === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const origin = configFile === undefined && named !== undefined ? " (named by GRAIN_CONFIG)" : "";
    throw new ConfigError(`The configuration ${file}${origin} cannot be read: ${messageOf(error)}`, {
      file,
      cause: error,
    });
  }
  return addressIn(text, file);
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
  // Only programs with a configuration pay for these.
  const [table, { z }] = await Promise.all([parseTable(text, file), import("zod")]);
  const parsed = z.looseObject({ address: z.string().optional() }).safeParse(table);
  const line = lineOf(text, "address");
  if (!parsed.success) {
    throw new ConfigError(`${file}:${line}: address must be a text, such as "cluster:7700"`, { file, line });
  }
  const { address } = parsed.data;
  if (address === undefined || address === "") return undefined;
  try {
    parseAddress(address);
  } catch (error) {
    throw new ConfigError(`${file}:${line}: ${messageOf(error)}`, { file, line, cause: error });
  }
  return address;
}

/** The line, from 1, of a key at the top of a TOML file. */
function lineOf(text: string, key: string): number {
  const lines = text.split("\n");
  const pattern = new RegExp(`^\\s*["']?${key}["']?\\s*[=.]|^\\s*\\[+\\s*["']?${key}["']?\\s*[\\].]`);
  return lines.findIndex((line) => pattern.test(line)) + 1 || 1;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
