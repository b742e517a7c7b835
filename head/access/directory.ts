/**
 * A head's access directory: made at its first start, in one step, so that of several
 * heads that start at once one makes it and the others find it.
 *
 *   authority.pem   signs; with its key               issued/ID    what was issued, without secrets
 *   head.pem        what the head shows               revoked/ID   what is not valid any more
 *   admin.pem  client.pem  worker.pem  viewer.pem     this user's credentials
 */

import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { credentialFile, parseCertificate } from "../../proto/access/credential.js";
import { isPrivateDirectory, readPrivate } from "../../proto/access/private-file.js";
import { HEAD_UNIT, ROLES, type Role } from "../../proto/access/role.js";
import { AuthError, ConfigError, messageOf } from "../../proto/errors.js";
import type { Issued } from "./x509.js";

/** The authority and the credentials of the user who starts heads: renewed by `grain access rotate`. */
const OWN_MS = 10 * 365 * 24 * 3_600_000;

/** What is remembered of a credential that was issued. */
export interface Record {
  readonly id: string;
  readonly role: Role | typeof HEAD_UNIT;
  /** What the administrator called it; may be empty. */
  readonly name: string;
  readonly issuedAt: string;
  readonly expiresAt: string;
}

/** Where it is remembered. */
export function issuedDirectory(directory: string): string {
  return join(directory, "issued");
}

/** Where revocations are: an empty file for each, see {@link revocationOf}. */
export function revokedDirectory(directory: string): string {
  return join(directory, "revoked");
}

/** The file of a credential's revocation. Ids are as they are; names that others have given may hold anything. */
export function revocationOf(id: string): string {
  return encodeURIComponent(id);
}

/**
 * Makes sure that there is an access directory with an authority.
 *
 * @returns whether it was made now
 * @throws AuthError when it is open to others; ConfigError when it cannot be made, or is something else
 */
export async function ensureDirectory(directory: string): Promise<boolean> {
  for (;;) {
    if (await isThere(directory)) return false;
    if (await make(directory)) return true;
  }
}

async function isThere(directory: string): Promise<boolean> {
  if (!isPrivateDirectory(directory)) {
    const found = await stat(directory).catch(() => undefined);
    if (found === undefined) return false;
    throw new ConfigError(
      `${directory} is a file: a head needs an access directory; name one with --access, or unset GRAIN_ACCESS_DIR.`,
    );
  }
  if (readPrivate(credentialFile(directory, "authority")) !== undefined) return true;
  if ((await readdir(directory)).length === 0) return false;
  throw new ConfigError(
    `The access directory ${directory} holds no authority: what is in it was issued by a head elsewhere; ` +
      "start this head with another directory (--access).",
  );
}

/** @returns false when another head was faster */
async function make(directory: string): Promise<boolean> {
  const parent = dirname(directory);
  let scratch: string | undefined;
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    scratch = await mkdtemp(join(parent, `.${basename(directory)}-`));
    await fill(scratch);
    await rename(scratch, directory);
    return true;
  } catch (error) {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    throw new ConfigError(
      `The access directory ${directory} cannot be made: ${messageOf(error)}; choose another with --access.`,
      { cause: error },
    );
  }
}

async function fill(directory: string): Promise<void> {
  const { makeAuthority } = await import("./x509.js");
  await mkdir(issuedDirectory(directory), { mode: 0o700 });
  await mkdir(revokedDirectory(directory), { mode: 0o700 });
  const authority = await makeAuthority(newId(), new Date(Date.now() + OWN_MS));
  await writePrivate(credentialFile(directory, "authority"), joined([authority.certificate, authority.key]));
  await writeOwn(directory, authority);
}

/** Issues the head's credential and those of its user, in place of any that are there. */
export async function writeOwn(
  directory: string,
  authority: Pick<Issued, "certificate" | "key">,
): Promise<Record[]> {
  const records: Record[] = [];
  for (const role of [HEAD_UNIT, ...ROLES] as const) {
    const { text, record } = await issueText(authority, role, "", new Date(Date.now() + OWN_MS));
    await remember(directory, record);
    await writePrivate(credentialFile(directory, role), text);
    records.push(record);
  }
  return records;
}

/** Issues a credential: its file's text, and what is to be remembered of it. */
export async function issueText(
  authority: Pick<Issued, "certificate" | "key">,
  role: Record["role"],
  name: string,
  expiresAt: Date,
): Promise<{ text: string; record: Record }> {
  const { issueCertificate } = await import("./x509.js");
  const id = newId();
  const { certificate, key } = await issueCertificate(authority, { id, unit: role, expiresAt });
  const record: Record = {
    id,
    role,
    name,
    issuedAt: new Date().toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
  const title = `# Grain credential ${id}, role ${role}, until ${record.expiresAt}. Secret: keep it readable for yourself only.`;
  return { text: joined([title, certificate, key, authority.certificate]), record };
}

/** Keeps what `grain access ls` shows. */
export async function remember(directory: string, record: Record): Promise<void> {
  await writePrivate(join(issuedDirectory(directory), record.id), `${JSON.stringify(record)}\n`);
}

/**
 * The authority of an access directory.
 *
 * @throws AuthError when it is open to others, damaged, or not there
 */
export function readAuthority(directory: string): Pick<Issued, "certificate" | "key"> {
  const file = credentialFile(directory, "authority");
  const text = isPrivateDirectory(directory) ? readPrivate(file) : undefined;
  if (text === undefined) {
    throw new AuthError(
      `There is no authority in ${directory}: only where a head has been started can credentials be issued; ` +
        "start one, or name its access directory with --access.",
    );
  }
  const certificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(text)?.[0];
  const key = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----/.exec(text)?.[0];
  if (certificate === undefined || key === undefined)
    throw new AuthError(`${file} is damaged: remove ${directory} and start the head again for a new one.`);
  parseCertificate(certificate, file);
  return { certificate, key };
}

/** Whole or not at all: readers never see a part. */
async function writePrivate(file: string, text: string): Promise<void> {
  const scratch = `${file}.${randomBytes(4).toString("hex")}.new`;
  try {
    await writeFile(scratch, text, { mode: 0o600, flag: "wx" });
    await rename(scratch, file);
  } catch (error) {
    await rm(scratch, { force: true });
    throw error;
  }
}

function joined(parts: readonly string[]): string {
  return `${parts.map((part) => part.trim()).join("\n")}\n`;
}

/** Short enough to be typed. */
function newId(): string {
  return randomBytes(5).toString("hex");
}
