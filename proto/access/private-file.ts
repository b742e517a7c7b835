/** Reads files that hold secrets: only when nobody but their user can. */

import { readFileSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { AuthError, messageOf } from "../errors.js";

const OTHERS = 0o077;
/** Credentials are some kilobytes. */
const MAX_BYTES = 256 * 1024;

/**
 * Reads a file that only its user may read, in a directory that only its user may enter.
 *
 * @returns undefined when there is none
 * @throws AuthError with the command that mends it when others could read it
 */
export function readPrivate(file: string): string | undefined {
  const found = look(file);
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new AuthError(`${file} is no file; name an access directory, or a credential.`);
  refuseOpen(file, found, "600");
  if (found.size > MAX_BYTES) throw new AuthError(`${file} is no credential: it has ${found.size} bytes.`);
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
}

/**
 * Whether there is a directory, which then only its user may enter.
 *
 * @throws AuthError with the command that mends it when others could
 */
export function isPrivateDirectory(path: string): boolean {
  const found = look(path);
  if (found?.isDirectory() !== true) return false;
  refuseOpen(path, found, "700");
  return true;
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw unreadable(path, error);
  }
}

function refuseOpen(path: string, { mode, uid }: Stats, wanted: string): void {
  // Windows has no such bits.
  if (process.platform === "win32") return;
  const self = process.getuid?.() ?? uid;
  if (uid !== self && self !== 0) {
    throw new AuthError(
      `${path} belongs to another user, and is not trusted; copy what you were given to a place of your own, such as ${dirname(path)}/mine.`,
    );
  }
  if ((mode & OTHERS) === 0) return;
  const bits = (mode & 0o777).toString(8).padStart(4, "0");
  throw new AuthError(
    `${path} holds secrets and is open to other users (mode ${bits}); close it with: chmod ${wanted} ${quote(path)}`,
  );
}

function quote(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function unreadable(path: string, error: unknown): AuthError {
  return new AuthError(`${path} cannot be read: ${messageOf(error)}.`, { cause: error });
}
