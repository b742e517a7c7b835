/** How a head is set up. */

import type { ResultStore } from "../cache/store.js";
import type { SchedulingOptions } from "../core/options.js";
import type { Journal } from "../journal/journal.js";
import type { TraceSink } from "../trace/recorder.js";
import type { BlobStoreOptions } from "./blob/store.js";
import type { HeadLog } from "./log.js";

/** Options of a head. */
export interface HeadOptions {
  /** Clients connected at a time. Default: 8. */
  readonly maxClients?: number;
  /** How often each worker is to be heard; one silent for three times as long is lost. Default: 8000. */
  readonly heartbeatMs?: number;
  /** 16 bytes: of a head that goes on where another ended, that one's. Default: the journal's, or random. */
  readonly identity?: Uint8Array;
  /** How long a worker whose connection was lost is waited for before its tasks run elsewhere. Default: 30,000. */
  readonly resumeMs?: number;
  /** How long the session of a client whose connection was lost goes on without it. Default: 60,000. */
  readonly leaseMs?: number;
  /** How tasks are ordered and placed; what is not given has its default. */
  readonly scheduling?: Partial<SchedulingOptions>;
  /** Records what happens. Default: nothing does. */
  readonly trace?: TraceSink | undefined;
  /** Where what must survive this process is kept; the head closes it. Default: nowhere. */
  readonly journal?: Journal | undefined;
  /** Opens the store of results; the head closes it. Default: results are not stored. */
  readonly results?: (() => Promise<ResultStore>) | undefined;
  /** Where large values are kept. */
  readonly blobs?: BlobStoreOptions;
  /** Default: says nothing. */
  readonly log?: HeadLog;
  /**
   * Whether it serves the one program that it is part of: no worker will ever join it beside those of the
   * program, and no command sees it, so its advice is another. Default: false.
   */
  readonly embedded?: boolean;
  /** Told how many clients are connected, whenever that changes. */
  readonly onClients?: (connected: number) => void;
  /** A clock that never goes back, in milliseconds. Default: `performance.now`. */
  readonly nowMs?: () => number;
}
