/**
 * Values in memory that is shared with other processes of this machine and user: files
 * of a private directory.
 *
 *   grain-head-…/proof      random; who can read it is on this machine, and this user
 *   grain-head-…/values/    what the head holds, by name of the value; others read it
 *   grain-head-…/peers/p/   what peer p wants to hand over
 *
 * A value is handed over by a second link to its file, so nothing is copied.
 */

import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import type { BlobRef } from "../../../proto/grain.js";
import { isBlobName } from "../../../proto/hash.js";
import {
  isFileName,
  keep,
  makePrivate,
  newFileName,
  privateAt,
  ROLES,
  removeDirectory,
  SOCKET_NAME,
  sweep,
} from "../../../proto/share/directory.js";
import { NAMED_BYTES } from "../../../proto/share/named.js";
import { piecesOf, removeValue } from "../../../proto/share/value-file.js";
import { CHUNK_BYTES, type Content, gather } from "./content.js";
import { BlobError } from "./error.js";
import type { Sink } from "./intake.js";

const PRIVATE = 0o700;
/** So long after a peer has gone, what others have left is looked for: hundreds may go at once. */
const SWEEP_MS = 1_000;
/** So often it is said that this process lives, and that another one will take over. */
const KEEP_MS = 60_000;

/** The head's directory in shared memory. */
export class SharedFiles {
  /** At most so much is put there: half of what was free. */
  readonly capacityBytes: number;
  /** What a peer proves with that it sees the directory. */
  readonly proof = randomBytes(16).toString("hex");
  readonly #root: string;
  readonly #path: string;
  /** Values of an earlier life of the head. */
  readonly inherited: { readonly ref: BlobRef; readonly content: Content }[] = [];
  readonly #atExit = () => removeDirectory(this.#path);
  /** The directories of those lives, in which peers have what they were about to hand over or to read. */
  #before: readonly string[] = [];
  #sweeping: NodeJS.Timeout | undefined;
  #keeping: NodeJS.Timeout | undefined;

  private constructor(root: string, path: string) {
    this.#root = root;
    this.#path = path;
    const { bavail, bsize } = statfsSync(root);
    this.capacityBytes = Math.floor((bavail * bsize) / 2);
    for (const name of ["values", "peers"]) mkdirSync(join(path, name), { mode: PRIVATE });
    writeFileSync(join(path, "proof"), this.proof, { mode: 0o600 });
    process.on("exit", this.#atExit);
  }

  /**
   * Makes the directory, and removes those of heads and workers that were killed.
   *
   * @param root of shared memory, see `sharedRoot`
   * @param lives names of the directories of earlier lives of this head, which were killed, the last one first:
   *   its values are taken over. undefined: this head has but one life
   * @returns undefined when it cannot be made: values then travel over the connections
   */
  static open(root: string | undefined, lives?: readonly string[]): SharedFiles | undefined {
    if (root === undefined) return undefined;
    try {
      sweep(root, ROLES, lives);
      const shared = new SharedFiles(root, makePrivate(root, "head"));
      if (lives !== undefined) shared.#follow(lives);
      return shared;
    } catch {
      return undefined;
    }
  }

  #follow(lives: readonly string[]): void {
    this.#before = lives.filter((name) => privateAt(this.#root, name) !== undefined);
    if (this.#before[0] !== undefined) this.#inherit(this.#before[0]);
    this.#keep();
    this.#keeping = setInterval(() => this.#keep(), KEEP_MS).unref();
  }

  #keep(): void {
    for (const path of [this.#path, ...this.#before.map((name) => join(this.#root, name))]) keep(path);
  }

  #inherit(before: string): void {
    const values = join(this.#root, before, "values");
    if (!existsSync(values)) return;
    for (const hash of readdirSync(values).filter(isBlobName)) {
      const file = this.pathOf(hash);
      // Not moved: a worker may be about to read it where it was.
      linkSync(join(values, hash), file);
      const byteLength = lstatSync(file).size;
      this.inherited.push({ ref: { hash, byteLength }, content: new SharedContent(file, byteLength) });
    }
  }

  /** The peers of earlier lives are here again, or will not come: values are not read there any more. Peers may still write there. */
  forgetValues(): void {
    for (const name of this.#before) removeDirectory(join(this.#root, name, "values"));
  }

  /** Nobody will come back to these lives: what they have left is removed. */
  forgetLives(lives: readonly string[]): void {
    for (const name of lives)
      if (privateAt(this.#root, name) !== undefined) removeDirectory(join(this.#root, name));
  }

  /** The name of the directory. */
  get name(): string {
    return basename(this.#path);
  }

  /** Where the head may take connections. */
  get socketPath(): string {
    return join(this.#path, SOCKET_NAME);
  }

  /** Where a value is, if it is here. */
  pathOf(hash: string): string {
    return join(this.#path, "values", hash);
  }

  /** Makes a directory for one peer. Its name cannot be guessed: who knows it may come back to it. */
  addPeer(): string {
    const name = newFileName();
    mkdirSync(this.peerPath(name), { mode: PRIVATE });
    return name;
  }

  peerPath(name: string): string {
    return join(this.#path, "peers", name);
  }

  /** Removes what a peer has left; the peer may have been killed, and with it others. */
  removePeer(name: string): void {
    removeDirectory(this.peerPath(name));
    this.#sweeping ??= setTimeout(() => {
      this.#sweeping = undefined;
      sweep(this.#root, ROLES, this.#before);
    }, SWEEP_MS).unref();
  }

  /** A file of a peer becomes a value of the head's. */
  adopt(ref: BlobRef, path: string): Content {
    refuseOther(ref, path);
    linkSync(path, this.pathOf(ref.hash));
    return new SharedContent(this.pathOf(ref.hash), ref.byteLength);
  }

  /** A file of a peer becomes a value of the head's, and is the peer's no more. */
  move(ref: BlobRef, path: string): Content {
    refuseOther(ref, path);
    renameSync(path, this.pathOf(ref.hash));
    return new SharedContent(this.pathOf(ref.hash), ref.byteLength);
  }

  /** @throws BlobError when a file of a peer cannot be that value, or is too large to be copied at once */
  check(ref: BlobRef, path: string): void {
    refuseOther(ref, path);
    if (ref.byteLength > NAMED_BYTES)
      throw new BlobError(
        "mismatch",
        `The file of the value ${ref.hash} is refused: it is to be handed over.`,
      );
  }

  /**
   * Where a file is that a peer has named in a message, in this life of the head's or an earlier one.
   * Nobody can guess the name of a directory: who knows it may hand over what is there.
   */
  namedPath(name: string): string {
    const [directory = "", file = "", more] = name.split("/");
    if (!isFileName(directory) || !isFileName(file) || more !== undefined)
      throw new BlobError("mismatch", `"${name}" does not name a file with a value.`);
    const lives = [this.#path, ...this.#before.map((life) => join(this.#root, life))];
    const paths = lives.map((life) => join(life, "peers", directory, file));
    return paths.find((path) => existsSync(path)) ?? paths[0]!;
  }

  /** The bytes of a file of a peer. */
  read(ref: BlobRef, path: string): AsyncGenerator<Uint8Array, void, undefined> {
    refuseOther(ref, path);
    return piecesOf(path, CHUNK_BYTES);
  }

  /** A new file, not yet a value. */
  arrivingPath(): string {
    return join(this.#path, newFileName());
  }

  close(): void {
    clearTimeout(this.#sweeping);
    clearInterval(this.#keeping);
    process.off("exit", this.#atExit);
    removeDirectory(this.#path);
    for (const name of this.#before) removeDirectory(join(this.#root, name));
  }
}

function refuseOther({ hash, byteLength }: BlobRef, path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isFile() && found.uid === process.getuid?.() && found.size === byteLength) return;
  const what = found === undefined ? "there is none" : `it is no file of ${byteLength} bytes`;
  throw new BlobError("mismatch", `The file of the value ${hash} is refused: ${what}.`);
}

/** A value in a shared file. */
class SharedContent implements Content {
  readonly #path: string;
  readonly #byteLength: number;

  constructor(path: string, byteLength: number) {
    this.#path = path;
    this.#byteLength = byteLength;
  }

  chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    return piecesOf(this.#path, CHUNK_BYTES);
  }

  whole(): Promise<Uint8Array> {
    return gather(this.chunks(), this.#byteLength);
  }

  release(): void {
    // Whoever has opened it still reads it.
    removeValue(this.#path);
  }

  async close(): Promise<void> {
    this.release();
  }
}

/** Takes an upload into a shared file. */
export class SharedSink implements Sink {
  readonly #shared: SharedFiles;
  readonly #ref: BlobRef;
  readonly #path: string;
  readonly #fd: number;

  constructor(shared: SharedFiles, ref: BlobRef) {
    this.#shared = shared;
    this.#ref = ref;
    this.#path = shared.arrivingPath();
    this.#fd = openSync(this.#path, "wx", 0o600);
  }

  append(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.byteLength; ) at += writeSync(this.#fd, chunk, at);
  }

  content(): Content {
    closeSync(this.#fd);
    // Somebody may have been faster: then this content is thrown away, and the value is theirs.
    const path = lstatSync(this.#shared.pathOf(this.#ref.hash), { throwIfNoEntry: false });
    if (path !== undefined) return new SharedContent(this.#path, this.#ref.byteLength);
    const content = this.#shared.adopt(this.#ref, this.#path);
    removeValue(this.#path);
    return content;
  }

  async discard(): Promise<void> {
    closeSync(this.#fd);
    removeValue(this.#path);
  }
}
