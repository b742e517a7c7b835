/**
 * The Share stream: a peer proves that it sees the head's shared directory, gets a
 * directory of its own there, and hands over files. When the stream is lost it may come back to it.
 */

import { timingSafeEqual } from "node:crypto";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { messageOf } from "../../../proto/errors.js";
import type { Adopt, ShareAnswer, ShareRequest } from "../../../proto/grain.js";
import { type PeerFiles, PeerPlaces } from "../blob/peer-files.js";
import type { BlobStore } from "../blob/store.js";

type Call = ServerDuplexStream<ShareRequest, ShareAnswer>;

/** The Share streams of one server. */
export class Shares {
  readonly #store: BlobStore;
  readonly #places: PeerPlaces;
  readonly #open = new Set<Sharing>();

  /** @param lingerMs how long a peer whose stream was lost may be away */
  constructor(store: BlobStore, lingerMs: number) {
    this.#store = store;
    this.#places = new PeerPlaces(store, lingerMs);
  }

  /** The service's method, as `addService` takes it. */
  readonly handle = (call: Call): void => {
    const sharing = new Sharing(call, this.#store, this.#places, () => this.#open.delete(sharing));
    this.#open.add(sharing);
    sharing.begin();
  };

  /** Ends all: a server waits for its streams. */
  close(): void {
    for (const sharing of [...this.#open]) sharing.end();
    this.#places.close();
  }
}

class Sharing {
  readonly #call: Call;
  readonly #store: BlobStore;
  readonly #places: PeerPlaces;
  #files: PeerFiles | undefined;
  readonly #ended: () => void;
  #over = false;

  constructor(call: Call, store: BlobStore, places: PeerPlaces, ended: () => void) {
    this.#call = call;
    this.#store = store;
    this.#places = places;
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

  #take(request: ShareRequest): void {
    const { body } = request;
    switch (body?.$case) {
      case "proof":
        return this.#check(body.proof, request);
      case "adopt":
        return void this.#adopt(body.adopt);
      case "leave":
        return this.#leave();
      case undefined:
        return;
      default:
        body satisfies never;
    }
  }

  #check(proof: string, { process, directory }: ShareRequest): void {
    const { shared } = this.#store;
    if (this.#over || this.#files !== undefined) return;
    if (shared === undefined || !sameText(proof, shared.proof)) return this.end();
    this.#files = this.#places.enter(this, shared, process, directory);
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

  /** The peer has said that it goes. What it wrote last it has handed over, or does not want to. */
  #leave(): void {
    if (this.#files !== undefined) this.#places.leave(this, this.#files);
    this.end();
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#ended();
    if (this.#files !== undefined) this.#places.cutOff(this, this.#files);
    this.#call.end();
  }
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}
