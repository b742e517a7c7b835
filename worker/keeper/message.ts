/** What a worker and its keeper, the process that holds the context and the service, say to each other. */

import type { Part, PartKind } from "../executor/message.js";
import type { WorkerResources } from "./modules.js";

/** The variable by which a worker's watchdog finds its keeper. Those who look for what dead workers left do not: it tears down by itself. */
export const KEEPER_VARIABLE = "GRAIN_KEEPER";

/** Stands in a keeper's command line: the watchdog gives it time to tear down. */
export const KEEPER_NAME = "grain-keeper";

/** Set up what these modules say. The first message. */
export interface SetUp {
  readonly type: "setUp";
  readonly worker: string;
  readonly resources: WorkerResources;
  /** Absolute paths; undefined: there is none. */
  readonly context: string | undefined;
  readonly service: string | undefined;
  /** How long tearing down may take when the worker has died and nobody else watches. */
  readonly teardownMs: number;
}

/** Tear down, and exit. */
export interface TearDown {
  readonly type: "tearDown";
}

/** Worker to keeper. */
export type ToKeeper = SetUp | TearDown;

/** It has loaded itself. */
export interface Started {
  readonly type: "started";
  /** What the processes that it starts carry in their environment. */
  readonly mark: string;
}

/** It begins to set this up. */
export interface Doing {
  readonly type: "doing";
  readonly kind: PartKind;
}

/** Everything is set up. */
export interface Ready {
  readonly type: "ready";
  readonly parts: readonly Part[];
}

/** Something could not be set up. It tears down what was, and exits. */
export interface Failed {
  readonly type: "failed";
  /** A sentence. */
  readonly message: string;
  readonly stack: string;
}

/** What was set up does not work any more. */
export interface Broken {
  readonly type: "broken";
  /** A sentence. */
  readonly message: string;
}

/** Something could not be torn down. */
export interface Problem {
  readonly type: "problem";
  /** A sentence. */
  readonly message: string;
}

/** Keeper to worker. */
export type FromKeeper = Started | Doing | Ready | Failed | Broken | Problem;
