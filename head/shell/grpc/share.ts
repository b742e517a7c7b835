/**
 * The Share stream: a peer proves that it sees the head's shared directory, gets a
 * directory of its own there, and hands over files. It has them as long as the stream lasts.
 */

import { timingSafeEqual } from "node:crypto";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { messageOf } from "../../../proto/errors.js";
import type { Adopt, ShareAnswer, ShareRequest } from "../../../proto/grain.js";
import { PeerFiles } from "../blob/peer-files.js";
import type { BlobStore } from "../blob/store.js";

type Call = ServerDuplexStream<ShareRequest, ShareAnswer>;

/** The Share streams of one server. */
export class Shares {
  readonly #store: BlobStore;
  readonly #open = new Set<Sharing>();

  constructor(store: BlobStore) {
    this.#store = store;
  }

  /** The service's method, as `addService` takes it. */
  readonly handle = (call: Call): void => {
    const sharing = new Sharing(call, this.#store, () => this.#open.delete(sharing));
    this.#open.add(sharing);
    sharing.begin();
  };

  /** Ends all: a server waits for its streams. */
  close(): void {
    for (const sharing of [...this.#open]) sharing.end();
  }
}

class Sharing {
  readonly #call: Call;
  readonly #store: BlobStore;
  #files: PeerFiles | undefined;
  readonly #ended: () => void;
  #over = false;

  constructor(call: Call, store: BlobStore, ended: () => void) {
    this.#call = call;
    this.#store = store;
    this.#ended = ended;
  }

  begin(): void {
    const call = this.#call;
    call.on("data", (request: ShareRequest) => this.#take(request));
    call.on("end", () => this.end());
    call.on("cancelled", () => this.end());
    call.on("error", () => this.end());
    call.write({ body: { $case: "offer", offer: this.#store.shared?.name ?? "" } });
  }

  #take({ body }: ShareRequest): void {
    switch (body?.$case) {
      case "proof":
        return this.#check(body.proof);
      case "adopt":
        return void this.#adopt(body.adopt);
      case undefined:
        return;
      default:
        body satisfies never;
    }
  }

  #check(proof: string): void {
    const { shared } = this.#store;
    if (this.#over || this.#files !== undefined) return;
    if (shared === undefined || !sameText(proof, shared.proof)) return this.end();
    this.#files = new PeerFiles(this.#store, shared);
    this.#call.write({ body: { $case: "accepted", accepted: this.#files.name } });
  }

  async #adopt({ id, file, ref }: Adopt): Promise<void> {
    let problem = "";
    try {
      if (this.#files === undefined || ref === undefined)
        throw new Error("no directory is shared with this peer");
      await this.#files.adopt(ref, file);
    } catch (error) {
      problem = messageOf(error);
    }
    if (!this.#over) this.#call.write({ body: { $case: "adopted", adopted: { id, problem } } });
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#ended();
    this.#files?.close();
    this.#call.end();
  }
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}
