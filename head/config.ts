/**
 * The head's part of a configuration: `[head.scheduling]`. What is in other tables
 * is the client's and the commands', and is not looked at.
 */

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { z as Zod } from "zod";
import { parseTable } from "../proto/config-table.js";
import { parseDuration } from "../proto/duration.js";
import { ConfigError, messageOf } from "../proto/errors.js";
import { nearest, show } from "../proto/resource/show.js";
import { POLICY_NAMES, type SchedulingOptions } from "./core/options.js";

/** The surroundings in which a configuration is looked for. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  readonly cwd: string;
}

const DEFAULT_CONFIG = "grain.toml";
const TABLE = ["head", "scheduling"];

/**
 * Reads the scheduling options of a configuration file.
 *
 * @param configFile a path; undefined: GRAIN_CONFIG, or `grain.toml` in the working directory if there is one
 * @returns what is set there; empty without a file
 * @throws ConfigError, with file and line, when it cannot be read or is wrong
 * @example
 * await loadScheduling("site.toml", { env: process.env, cwd: process.cwd() }); // { reserveAfterMs: 10_000 }
 */
export async function loadScheduling(
  configFile: string | undefined,
  { env, cwd }: Surroundings,
): Promise<Partial<SchedulingOptions>> {
  const named = configFile ?? (env.GRAIN_CONFIG || undefined);
  const file = resolve(cwd, named ?? DEFAULT_CONFIG);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (named === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    const origin = configFile === undefined && named !== undefined ? " (named by GRAIN_CONFIG)" : "";
    throw new ConfigError(`The configuration ${file}${origin} cannot be read: ${messageOf(error)}`, {
      file,
      cause: error,
    });
  }
  return schedulingIn(text, file);
}

/**
 * The scheduling options in a configuration.
 *
 * @param text the TOML
 * @param file for messages
 * @throws ConfigError with file and line
 */
export async function schedulingIn(text: string, file: string): Promise<Partial<SchedulingOptions>> {
  // Only heads with a configuration pay for these.
  const [table, { z }] = await Promise.all([parseTable(text, file), import("zod")]);
  const parsed = schemaOf(z).safeParse(table);
  if (!parsed.success) throw wrong(parsed.error.issues[0]!, text, file);
  const { reserve_after, policy, ageing, weights } = parsed.data.head?.scheduling ?? {};
  return {
    ...(reserve_after === undefined ? {} : { reserveAfterMs: reserve_after }),
    ...(policy === undefined ? {} : { policy }),
    ...(ageing === undefined ? {} : { ageingMs: ageing }),
    ...(weights === undefined ? {} : { weights: new Map(Object.entries(weights)) }),
  };
}

function schemaOf(z: typeof Zod) {
  const duration = z.unknown().transform((value, context) => {
    try {
      if (typeof value === "string" || typeof value === "number") return parseDuration(value);
      context.addIssue({
        code: "custom",
        message: 'must be a duration, such as "30s", or a number of seconds',
      });
    } catch (error) {
      context.addIssue({ code: "custom", message: `is wrong: ${messageOf(error)}` });
    }
    return z.NEVER;
  });
  const weight = z.custom<number>(
    (value) => typeof value === "number" && value > 0 && Number.isFinite(value),
    "must be a number above 0; 1 is what a client has that is not named",
  );
  const policies = POLICY_NAMES.map(show).join(" or ");
  const scheduling = z.strictObject(
    {
      reserve_after: duration.optional(),
      policy: z.enum(POLICY_NAMES, `must be ${policies}`).optional(),
      ageing: duration.refine((ms) => ms > 0, "must be longer than zero; leave it out for never").optional(),
      weights: z
        .record(z.string(), weight, "must be a table of numbers, one for each client's name")
        .optional(),
    },
    { error: (issue) => (issue.code === "unrecognized_keys" ? undefined : "must be a table") },
  );
  return z.looseObject({
    head: z.looseObject({ scheduling: scheduling.optional() }, "must be a table").optional(),
  });
}

const KEYS = ["reserve_after", "policy", "ageing", "weights"];

type Issue = Zod.core.$ZodIssue;

function wrong(issue: Issue, text: string, file: string): ConfigError {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const line = lineOf(text, [...path, key]);
    const near = nearest(key, KEYS);
    const advice = near === undefined ? `there are ${KEYS.join(", ")}` : `did you mean ${near}?`;
    return new ConfigError(`${file}:${line}: there is no ${key} in [${TABLE.join(".")}]; ${advice}`, {
      file,
      line,
    });
  }
  const line = lineOf(text, path);
  return new ConfigError(`${file}:${line}: ${path.join(".")} ${issue.message}`, { file, line });
}

/** The line, from 1, on which a key is set; of a key in a table written on one line, that line. */
function lineOf(text: string, path: readonly string[]): number {
  let table: string[] = [];
  let best = 1;
  let bestLength = 0;
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[+([^\]]+)\]/.exec(line);
    const key = /^\s*((?:"[^"]*"|'[^']*'|[\w-]+|\s*\.\s*)+)\s*=/.exec(line);
    if (header !== null) table = keysOf(header[1]!);
    else if (key === null) continue;
    const here = header !== null ? table : [...table, ...keysOf(key![1]!)];
    if (here.length > bestLength && here.every((part, at) => part === path[at])) {
      best = index + 1;
      bestLength = here.length;
    }
  }
  return best;
}

/** The parts of a dotted key. */
function keysOf(dotted: string): string[] {
  return [...dotted.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}
