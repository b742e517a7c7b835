/**
 * Files for bytes that do not fit in memory and are needed soon: written one behind the other, read at
 * once where they are. A file has no name, so that the system frees it whatever happens, and is
 * closed when nothing in it is needed any more.
 */

import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makePrivate, removeDirectory, sweep } from "../../../proto/share/directory.js";

/** A file takes no more when it has so much: the longer, the longer one small part keeps all of it. */
const SEGMENT_BYTES = 64 * 1024 * 1024;

interface Segment {
  readonly fd: number;
  byteLength: number;
  /** Parts that are needed. */
  parts: number;
}

/** Bytes in a file. */
export interface Part {
  readonly byteLength: number;
  /** Bytes from start to end (not included), as new memory. */
  read(start: number, end: number): Uint8Array;
  /** They are not needed any more. Call once. */
  release(): void;
}

/** The files of one head. */
export class Segments {
  readonly #parent: string;
  readonly #open = new Set<Segment>();
  #last: Segment | undefined;

  /** @param parent where they are made. Default: the system's directory for temporary files. */
  constructor(parent: string = tmpdir()) {
    this.#parent = parent;
  }

  /** How many files there are. */
  get count(): number {
    return this.#open.size;
  }

  /** @throws Error of the system, e.g. with code ENOSPC */
  write(bytes: Uint8Array): Part {
    const segment = this.#room();
    const from = segment.byteLength;
    for (let at = 0; at < bytes.byteLength; )
      at += writeSync(segment.fd, bytes, at, bytes.byteLength - at, from + at);
    segment.byteLength += bytes.byteLength;
    segment.parts += 1;
    return {
      byteLength: bytes.byteLength,
      read: (start, end) => readAll(segment.fd, from + start, end - start),
      release: () => {
        segment.parts -= 1;
        if (segment.parts === 0 && segment !== this.#last) this.#close(segment);
      },
    };
  }

  close(): void {
    for (const segment of [...this.#open]) this.#close(segment);
    this.#last = undefined;
  }

  #room(): Segment {
    const last = this.#last;
    if (last !== undefined && last.byteLength < SEGMENT_BYTES) return last;
    const next = { fd: this.#create(), byteLength: 0, parts: 0 };
    this.#open.add(next);
    this.#last = next;
    if (last?.parts === 0) this.#close(last);
    return next;
  }

  #create(): number {
    sweep(this.#parent, ["head"]);
    const directory = makePrivate(this.#parent, "head");
    try {
      const path = join(directory, "segment");
      const fd = openSync(path, "wx+", 0o600);
      rmSync(path);
      return fd;
    } finally {
      removeDirectory(directory);
    }
  }

  #close(segment: Segment): void {
    if (this.#open.delete(segment)) closeSync(segment.fd);
  }
}

function readAll(fd: number, from: number, byteLength: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(byteLength);
  for (let at = 0; at < byteLength; ) {
    const read = readSync(fd, bytes, at, byteLength - at, from + at);
    if (read === 0) throw new Error("a file for values that do not fit in memory was cut off");
    at += read;
  }
  return bytes;
}
