/** The Share stream from a peer's side: finds out whether it sees the head's shared directory, and hands over files. */

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Client, ClientDuplexStream } from "@grpc/grpc-js";
import { ConnectionError } from "../../errors.js";
import type { BlobRef, ShareAnswer, ShareRequest } from "../../grain.js";
import { isBlobName } from "../../hash.js";
import { ownProcess } from "../../process-name.js";
import { isFileName, privateAt, SOCKET_NAME } from "../../share/directory.js";
import type { ValueFiles } from "../link.js";
import { blobsService } from "./services.js";

const PROOF_BYTES = 64;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A head is being asked. */
export interface Opening {
  readonly files: Promise<GrpcFiles | undefined>;
  cancel(): void;
}

/** Files that are shared with the head over one stream. */
export class GrpcFiles implements ValueFiles {
  readonly #call: ClientDuplexStream<ShareRequest, ShareAnswer>;
  readonly #root: string;
  readonly #adopting = new Map<number, Waiting>();
  #lost: () => void = () => {};
  #settle: (files: GrpcFiles | undefined) => void = () => {};
  /** The name of its own directory; before it has one, that of a stream that was lost. */
  #name: string;
  #directory = "";
  #path = "";
  #ids = 0;
  #over = false;

  private constructor(call: ClientDuplexStream<ShareRequest, ShareAnswer>, root: string, name: string) {
    this.#call = call;
    this.#root = root;
    this.#name = name;
  }

  /**
   * Asks the head.
   *
   * @param root where this machine's shared directories are
   * @param name of the directory that it had before its stream was lost; empty: it had none
   * @param lost told once when the stream of files that were had has ended, by whatever but `close`
   * @returns undefined when the head shares none, or not with this machine or user; `cancel` gives up asking
   */
  static open(client: Client, root: string, name: string, lost: () => void): Opening {
    const { path, requestSerialize, responseDeserialize } = blobsService.share;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const files = new GrpcFiles(call, root, name);
    const found = new Promise<GrpcFiles | undefined>((resolve) => {
      files.#settle = (found) => {
        if (found !== undefined) files.#lost = lost;
        resolve(found);
      };
      call.on("data", (answer: ShareAnswer) => files.#take(answer));
      call.on("error", () => files.#end());
      call.on("end", () => files.#end());
    });
    return { files: found, cancel: () => files.abandon() };
  }

  get directory(): string {
    return this.#directory;
  }

  /** Where the head takes connections of this machine, if it does. */
  get socketPath(): string {
    return join(this.#path, SOCKET_NAME);
  }

  /** The name of its directory, by which another stream may come back to it. */
  get name(): string {
    return this.#name;
  }

  /** Whether the stream has ended. */
  get over(): boolean {
    return this.#over;
  }

  pathOf(hash: string): string {
    if (!isBlobName(hash)) throw new Error(`"${hash}" does not name a value`);
    return join(this.#path, "values", hash);
  }

  adopt(ref: BlobRef, file: string): Promise<void> {
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(gone());
      this.#adopting.set(id, { resolve, reject });
      const body = { $case: "adopt", adopt: { id, file, ref } } as const;
      this.#call.write({ body, process: "", directory: "" });
    });
  }

  /** Gives the directory up. */
  close(): void {
    this.#lost = () => {};
    if (!this.#over) {
      this.#call.write({ body: { $case: "leave", leave: {} }, process: "", directory: "" });
      this.#call.end();
    }
    this.#settled();
  }

  /** The head is to be reached by another way: the directory is kept for that. */
  abandon(): void {
    this.#lost = () => {};
    this.#end();
  }

  #take({ body }: ShareAnswer): void {
    switch (body?.$case) {
      case "offer":
        return void this.#prove(body.offer);
      case "accepted":
        if (!isFileName(body.accepted) || this.#path === "") return this.#end();
        this.#name = body.accepted;
        this.#directory = join(this.#path, "peers", body.accepted);
        return this.#settle(this);
      case "adopted": {
        const { id, problem } = body.adopted;
        const waiting = this.#adopting.get(id);
        this.#adopting.delete(id);
        if (problem === "") waiting?.resolve();
        else waiting?.reject(new ConnectionError(`The head refuses a value: ${problem}`));
        return;
      }
      case undefined:
        return;
      default:
        body satisfies never;
    }
  }

  async #prove(name: string): Promise<void> {
    const path = privateAt(this.#root, name);
    const proof = path === undefined ? undefined : await readProof(join(path, "proof"));
    if (path === undefined || proof === undefined) return this.#end();
    this.#path = path;
    const body = { $case: "proof", proof } as const;
    if (!this.#over) this.#call.write({ body, process: ownProcess(), directory: this.#name });
  }

  #end(): void {
    if (this.#over) return;
    this.#call.cancel();
    this.#settled();
  }

  #settled(): void {
    if (this.#over) return;
    this.#over = true;
    this.#settle(undefined);
    this.#lost();
    for (const { reject } of this.#adopting.values()) reject(gone());
    this.#adopting.clear();
  }
}

function gone(): ConnectionError {
  return new ConnectionError("The connection to the head was lost while a value was handed over.");
}

async function readProof(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PROOF_BYTES), 0, PROOF_BYTES, 0);
      return buffer.toString("latin1", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
