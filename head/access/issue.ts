/** What an administrator does with credentials: issue, list, revoke, renew. Running heads follow by themselves. */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isPrivateDirectory } from "../../proto/access/private-file.js";
import type { Role } from "../../proto/access/role.js";
import { ConfigError, GrainError } from "../../proto/errors.js";
import {
  ensureDirectory,
  issuedDirectory,
  issueText,
  type Record,
  readAuthority,
  remember,
  revocationOf,
  revokedDirectory,
  writeOwn,
} from "./directory.js";

/** How long a credential is valid unless told otherwise. */
export const DEFAULT_VALID_MS = 365 * 24 * 3_600_000;
const LONGEST_MS = 10 * DEFAULT_VALID_MS;

/** A credential as `grain access ls` shows it. */
export interface CredentialInfo extends Record {
  readonly state: "valid" | "expired" | "revoked";
}

/** What to issue. */
export interface NewCredential {
  readonly role: Role;
  /** For people. */
  readonly name?: string | undefined;
  /** Default: a year. */
  readonly validMs?: number | undefined;
}

/**
 * Issues a credential, and makes the access directory when no head has been started yet.
 *
 * @returns the file's text: secret
 * @throws ConfigError for a time that is none; AuthError when the directory cannot be used
 * @example
 * const { text } = await newCredential("/home/ada/.config/grain/access", { role: "worker" });
 */
export async function newCredential(
  directory: string,
  { role, name = "", validMs = DEFAULT_VALID_MS }: NewCredential,
): Promise<{ readonly text: string; readonly record: Record }> {
  if (!(validMs > 0 && validMs <= LONGEST_MS))
    throw new ConfigError("A credential is valid for more than 0 s and at most 10 years; correct --expires.");
  await ensureDirectory(directory);
  const issued = await issueText(readAuthority(directory), role, name, new Date(Date.now() + validMs));
  await remember(directory, issued.record);
  return issued;
}

/**
 * All credentials that were issued, the latest last.
 *
 * @throws AuthError when there is no authority in the directory, or others can read it
 */
export async function listCredentials(directory: string): Promise<CredentialInfo[]> {
  readAuthority(directory);
  const revoked = new Set(await namesIn(revokedDirectory(directory)));
  const infos: CredentialInfo[] = [];
  for (const id of await namesIn(issuedDirectory(directory))) {
    if (!/^[0-9a-f]+$/.test(id)) continue;
    const record = JSON.parse(await readFile(join(issuedDirectory(directory), id), "utf8")) as Record;
    const expired = Date.parse(record.expiresAt) <= Date.now();
    infos.push({ ...record, state: revoked.has(id) ? "revoked" : expired ? "expired" : "valid" });
  }
  return infos.sort((a, b) => Date.parse(a.issuedAt) - Date.parse(b.issuedAt) || (a.id < b.id ? -1 : 1));
}

/**
 * Ends a credential before its time. Running heads cut off who uses it within a second.
 *
 * @throws GrainError when none has this id
 */
export async function revokeCredential(directory: string, id: string): Promise<CredentialInfo> {
  const found = (await listCredentials(directory)).find((info) => info.id === id);
  if (found === undefined) {
    throw new GrainError(
      `No credential ${JSON.stringify(id)} was issued from ${directory}; "grain access ls" shows those that were. ` +
        "To revoke a certificate of your own authority (--tls-ca), add --own.",
    );
  }
  await writeRevocation(directory, id);
  return { ...found, state: "revoked" };
}

/**
 * The same for a certificate of one's own authority (--tls-ca): nothing is known of it but its name.
 *
 * @param name the `CN` of its subject
 * @throws ConfigError for a name that no certificate can have
 */
export async function revokeName(directory: string, name: string): Promise<void> {
  // The longest name that X.509 allows.
  if (!/^.{1,64}$/u.test(name) || name === "." || name === "..")
    throw new ConfigError(
      `${JSON.stringify(name)} is not the CN of a certificate: it has 1 to 64 characters.`,
    );
  await ensureDirectory(directory);
  await writeRevocation(directory, name);
}

async function writeRevocation(directory: string, id: string): Promise<void> {
  await mkdir(revokedDirectory(directory), { recursive: true, mode: 0o700 });
  await writeFile(join(revokedDirectory(directory), revocationOf(id)), "", { mode: 0o600 });
}

/**
 * Gives the head and its user new credentials. Running heads show the new one within a second; what
 * is connected stays, and the old ones stay valid until they are revoked or expire.
 *
 * @returns the new ones
 */
export async function rotateCredentials(directory: string): Promise<Record[]> {
  return writeOwn(directory, readAuthority(directory));
}

async function namesIn(directory: string): Promise<string[]> {
  return isPrivateDirectory(directory) ? readdir(directory) : [];
}
