/** What `grain doctor` learns from the head. */

import { type AccessFlags, chooseAccess } from "../../proto/access/place.js";
import { formatDuration } from "../../proto/duration.js";
import { messageOf } from "../../proto/errors.js";
import type { HeadStatus } from "../../proto/grain.js";
import { connectAdmin } from "../../proto/link/grpc/connect.js";
import { VERSION } from "../../proto/version.js";
import type { Check } from "./diagnose.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** A head on the same network answers within milliseconds. */
const GIVE_UP_MS = 3_000;

/** Connects to a head and compares it with this side. */
export async function checkHead(
  address: string | undefined,
  flags: AccessFlags,
  env: Environment,
  configuredAccess: string | undefined,
): Promise<Check[]> {
  const check = "head";
  if (address === undefined)
    return [{ check, status: "ok", message: "None is named: each program brings its own." }];
  try {
    const access = chooseAccess(flags, env, configuredAccess);
    const connection = await connectAdmin(address, { giveUpMs: GIVE_UP_MS, access });
    try {
      const askedMs = Date.now();
      const status = await connection.status();
      return compareHead(address, status, { askedMs, answeredMs: Date.now() });
    } finally {
      connection.close();
    }
  } catch (error) {
    return [{ check, status: "fail", message: messageOf(error) }];
  }
}

/** When, by this side's clock, a head was asked and answered. */
export interface Asked {
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** What a head's answer says of it, its version and its clock. */
export function compareHead(address: string, status: HeadStatus, asked: Asked): Check[] {
  const { hello, uptimeMs, workers } = status;
  const up = formatDuration(Math.floor(uptimeMs / 1_000) * 1_000);
  const many = workers.length === 1 ? "1 worker" : `${workers.length} workers`;
  return [
    {
      check: "head",
      status: "ok",
      message: `${address} answers (${hello?.host ?? "?"}, process ${hello?.pid ?? "?"}), up ${up}, ${many}.`,
    },
    compareVersions(hello?.version ?? "", hello?.node ?? ""),
    ...compareClocks(status.clockMs, asked),
  ];
}

function compareVersions(version: string, node: string): Check {
  const check = "versions";
  const own = process.version;
  const message = `grain-scheduler ${VERSION} here and ${version} there, Node.js ${own} and ${node}.`;
  const isSame = version === VERSION && node.split(".")[0] === own.split(".")[0];
  if (isSame) return { check, status: "ok", message };
  return { check, status: "warn", message, advice: "Install the same versions on both sides." };
}

/** Certificates, walltimes and logs are none the worse for it. */
const NOTICEABLE_MS = 2_000;
/** Credentials that were just made are not valid yet. */
const BAD_MS = 60_000;

function compareClocks(clockMs: number, { askedMs, answeredMs }: Asked): Check[] {
  const check = "clocks";
  // An older head does not tell.
  if (clockMs === 0) return [];
  const aheadMs = clockMs - (askedMs + answeredMs) / 2;
  const by = formatDuration(Math.round(Math.abs(aheadMs)));
  const message = `The head's clock is ${by} ${aheadMs < 0 ? "behind" : "ahead of"} this machine's.`;
  if (Math.abs(aheadMs) < NOTICEABLE_MS) return [{ check, status: "ok", message }];
  const advice = "Set both by NTP: credentials and walltimes depend on them.";
  return [{ check, status: Math.abs(aheadMs) < BAD_MS ? "warn" : "fail", message, advice }];
}
