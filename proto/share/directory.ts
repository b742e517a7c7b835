/**
 * Private directories in shared memory, where processes of one machine and user hand
 * large values to each other as files.
 *
 * The name of a directory tells whose it is, so that what a killed process has left
 * behind can be removed: `sweep` does. A path is never taken from a peer: names have
 * a fixed form, and directories must be this user's alone.
 */

import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasEnded, ownProcess } from "../process-name.js";

const PRIVATE = 0o700;
/** Role, process (see `ownProcess`), random digits. */
const NAME = /^grain-(head|worker|launcher)-(\d+-\d+-\d+)-[0-9a-f]{32}$/;
const FILE_NAME = /^[0-9a-f]{32}$/;
/** Marks a directory that another process will take over if its own is killed. */
const MARK = "kept";
/** So long that process may take. */
const KEEP_MS = 10 * 60_000;

/** In a head's directory: where it takes connections of this machine. */
export const SOCKET_NAME = "link";

/** Whose a directory is. */
export type Role = "head" | "worker" | "launcher";

/**
 * Where directories are made: GRAIN_SHARED_DIR, or `/dev/shm` where there is one.
 *
 * @returns undefined when values are not shared: that variable is empty, or there is no such memory
 */
export function sharedRoot(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const root = env.GRAIN_SHARED_DIR ?? (process.platform === "linux" ? "/dev/shm" : "");
  try {
    return root !== "" && lstatSync(root).isDirectory() ? root : undefined;
  } catch {
    return undefined;
  }
}

/** Makes a directory for this process and user alone. @returns its path */
export function makePrivate(root: string, role: Role): string {
  const path = join(root, `grain-${role}-${ownProcess()}-${newFileName()}`);
  mkdirSync(path, { mode: PRIVATE });
  return path;
}

/**
 * The path of a directory that a peer has named.
 *
 * @returns undefined unless the name has the form of one and it is this user's alone
 */
export function privateAt(root: string, name: string): string | undefined {
  if (!NAME.test(name)) return undefined;
  const path = join(root, name);
  return isPrivate(path) ? path : undefined;
}

/** Whether a path is a directory, no link, that only this user can enter. */
export function isPrivate(path: string): boolean {
  try {
    const found = lstatSync(path);
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  } catch {
    return false;
  }
}

/** A new name of a file with a value. */
export function newFileName(): string {
  return randomBytes(16).toString("hex");
}

/** A new name of a file of one of several writers, numbered by whoever started them. */
export function fileNameOf(writer: number): string {
  return prefixOf(writer) + randomBytes(12).toString("hex");
}

/** Removes the files of one writer but those that are spared. */
export function removeFilesOf(writer: number, directory: string, spared: ReadonlySet<string>): void {
  const prefix = prefixOf(writer);
  let names: string[] = [];
  try {
    names = readdirSync(directory);
  } catch {
    // The directory has been removed, and they with it.
  }
  for (const name of names) {
    if (name.startsWith(prefix) && !spared.has(name)) rmSync(join(directory, name), { force: true });
  }
}

function prefixOf(writer: number): string {
  return (writer >>> 0).toString(16).padStart(8, "0");
}

/** Whether a peer's text can be the name of a file with a value. */
export function isFileName(text: string): boolean {
  return FILE_NAME.test(text);
}

/** What is in this process's directory is left to the process that takes it over. Call again within minutes. */
export function keep(path: string): void {
  const mark = join(path, MARK);
  writeFileSync(mark, "", { mode: 0o600 });
  utimesSync(mark, new Date(), new Date());
}

function isKept(path: string): boolean {
  const mark = lstatSync(join(path, MARK), { throwIfNoEntry: false });
  return mark !== undefined && Date.now() - mark.mtimeMs < KEEP_MS;
}

/** Every role. */
export const ROLES: readonly Role[] = ["head", "worker", "launcher"];

/** Removes a directory and all in it, if it is there. */
export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/**
 * Removes the directories of this user's processes that have ended without doing so, and that nobody will take over.
 *
 * @param roles only theirs: what a head has left may be taken over by its next life, so only heads remove it
 * @param spared but these
 */
export function sweep(root: string, roles: readonly Role[], spared: readonly string[] = []): void {
  let names: string[] = [];
  try {
    names = readdirSync(root);
  } catch {
    // There is nothing to be removed.
  }
  for (const name of names) {
    const [, role, owner] = NAME.exec(name) ?? [];
    if (owner === undefined || !roles.includes(role as Role) || spared.includes(name) || !hasEnded(owner))
      continue;
    const path = join(root, name);
    if (isPrivate(path) && !isKept(path)) removeDirectory(path);
  }
}
