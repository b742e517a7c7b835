/**
 * The head: joins the scheduler core with the streams of clients and workers and
 * with the store of large values. Used by the daemon and, embedded, by client
 * programs; so nothing here imports a transport.
 *
 * Not its job: listening (grpc/), what is scheduled where (core/).
 */

import type {
  ClientMessage,
  Counts,
  HeadStatus,
  HeadToClient,
  HeadToWorker,
  JoinCluster,
  OpenSession,
  Output,
  WorkerMessage,
} from "../../proto/grain.js";
import type { Link, LinkEnd, LinkHandler } from "../../proto/link/link.js";
import { Core, type CoreOptions } from "../core/core.js";
import { BlobStore, type BlobStoreOptions } from "./blob/store.js";
import { carryOut, type Peers } from "./carry-out.js";
import type { Refusal } from "./check/hello.js";
import { type ClientHost, ClientPeer } from "./client-peer.js";
import { CountsTimer, sameCounts } from "./counts.js";
import { Heartbeats } from "./heartbeats.js";
import { type HeadLog, silentLog } from "./log.js";
import { Loop, type Scheduler } from "./loop.js";
import { Registry } from "./registry.js";
import type { Session } from "./session.js";
import { headStatus } from "./status.js";
import { type Member, type WorkerHost, WorkerPeer } from "./worker-peer.js";
