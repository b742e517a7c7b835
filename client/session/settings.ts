/** What a session is made of, whom it tells, and what it says of itself. */

import type { ClientMessage, HeadToClient, Notice, OpenSession, Output } from "../../proto/grain.js";
import type { Connection } from "../../proto/link/link.js";
import { hello } from "../../proto/version.js";
import type { Room } from "./bound.js";
import type { BundleModule } from "./modules.js";

/** A client's connection to a head. */
export type ClientConnection = Connection<ClientMessage, HeadToClient>;

/** A head that was found or started. */
export interface OpenedHead {
  readonly connection: ClientConnection;
  /** Ends what was started along with the connection; called after it was closed. */
  release(): Promise<void>;
}

/** Told what concerns more than one call. */
export interface SessionListener {
  output(output: Output, functionName: string | undefined): void;
  /** Before the completion of each task that may have printed. */
  ended(task: number): void;
  notice(notice: Notice): void;
}

/** How a session introduces itself, and what it is made of. */
export interface SessionSettings {
  readonly name: string;
  readonly prioritized: boolean;
  readonly priority: number;
  /** Its tasks, and what they give, outlive the program. Default: false. */
  readonly detach?: boolean;
  /** Whether what tasks print is sent. */
  readonly outputs: boolean;
  /** Whether Counts are sent. */
  readonly counts: boolean;
  /** Finds or starts the head; gives up when the signal fires. */
  readonly open: (signal: AbortSignal) => Promise<OpenedHead>;
  readonly bundle: BundleModule;
  readonly listener: SessionListener;
  /** A clock that never goes back, in milliseconds. Default: `performance.now`. */
  readonly nowMs?: () => number;
  /** How much may be under way. Default: what this process has room for. */
  readonly room?: Room;
}

/** What a session knows of its calls. */
export interface SessionFigures {
  readonly submitted: number;
  readonly done: number;
  readonly failed: number;
  /** As the head said last; 0 before. */
  readonly running: number;
  /** Connected to the head, as it said last; undefined before. */
  readonly workers: number | undefined;
}

/** What a session says first. @param token names it when it comes back */
export function openOf(
  settings: SessionSettings,
  connection: ClientConnection,
  token: Uint8Array,
): OpenSession {
  const { name, prioritized, priority, outputs, counts } = settings;
  const again = connection.reopen === undefined ? {} : { token };
  const detach = settings.detach === true ? { detach: true } : {};
  return { hello: hello(), name, prioritized, priority, outputs, counts, ...again, ...detach };
}
