/**
 * A link: one ordered stream of messages to one peer, sent in batches.
 *
 * Its job is order, batching per event-loop turn and flow control. It knows
 * nothing of what the messages mean. `memory.ts` and `grpc/` implement it.
 */

import type { BlobRef, HeadStatus } from "../grain.js";

/** Why a link ended. */
export type LinkEnd =
  /** The peer, or this side, ended it in an orderly way. */
  | { readonly type: "closed" }
  /** The connection broke. `message` says what the transport reported. */
  | { readonly type: "broken"; readonly message: string }
  /** The peer sent something that is not a message of the protocol. */
  | { readonly type: "malformed"; readonly message: string };

/** What a link's owner wants to hear. Called in order, never within `send`. */
export interface LinkHandler<In> {
  /** One batch of the peer. The array is the handler's to keep. */
  messages(batch: In[]): void;
  /** Called once, after the last batch. */
  ended(end: LinkEnd): void;
}

/** One ordered stream of messages to one peer. */
export interface Link<Out, In> {
  /** Queues a message; all of one event-loop turn travel together. After the end: dropped. */
  send(message: Out): void;
  /** Sends what is queued now instead of at the end of the turn. */
  flush(): void;
  /** Names the handler; nothing is received before. Call once. */
  receive(handler: LinkHandler<In>): void;
  /** Bytes accepted by `send` and not yet taken by the transport (0 in memory). */
  readonly pendingBytes: number;
  /** Resolves when the transport takes bytes again; at once if it does, or has ended. */
  drained(): Promise<void>;
  /** Stops (true) or resumes (false) reading, so that the peer is slowed down. */
  pause(paused: boolean): void;
  /** Sends what is queued, then ends in an orderly way. The handler hears `closed`. */
  close(): void;
  /** Ends at once. The handler hears `broken` with this message. */
  destroy(message: string): void;
}

/** Large values as files in memory that is shared with the head: for peers on its machine. */
export interface ValueFiles {
  /** This peer's own directory: it writes there what it wants to hand over. */
  readonly directory: string;
  /** What the head calls it. In messages a file of it is "name/file"; the head takes that file away. */
  readonly name: string;
  /**
   * Hands a file over; resolves when the head holds the value. The file is still
   * the peer's to remove.
   *
   * @param file its name in `directory`, see `newFileName`
   */
  adopt(ref: BlobRef, file: string): Promise<void>;
  /** Where a value is, if it is here as a file; only to be read. */
  pathOf(hash: string): string;
}

/** Moves large values beside the batches, named by their content. */
export interface BlobTransport {
  /** Finds out whether values can be files; remembered. Left out: they cannot. */
  share?(): Promise<ValueFiles | undefined>;
  /** What `share` has found, once it has. */
  readonly files?: ValueFiles | undefined;
  /** Which of these hashes the head does not hold. */
  missing(hashes: readonly string[]): Promise<string[]>;
  /** Uploads a blob; resolves when the head holds it. Uploading one that it holds does nothing. */
  put(ref: BlobRef, parts: readonly Uint8Array[] | AsyncIterable<Uint8Array>): Promise<void>;
  /** Downloads a blob whole. Rejects with what is wrong when the head does not hold it or the bytes do not match the hash. */
  get(ref: BlobRef): Promise<Uint8Array>;
}

/** Everything one end needs of a head. */
export interface Connection<Out, In> {
  readonly link: Link<Out, In>;
  /**
   * Opens another stream, after the last one was lost. Rejects when the head cannot be reached within a second or so.
   * Absent where a stream cannot be lost.
   */
  reopen?(signal: AbortSignal): Promise<Link<Out, In>>;
  readonly blobs: BlobTransport;
  /** Where the head is, for messages. "embedded" in memory. */
  readonly address: string;
  /** Asks the head for its workers, sessions and queues. */
  status(): Promise<HeadStatus>;
  /** Ends the link, or the one that took its place, and frees the transport. */
  close(): Promise<void>;
}
