/** How an agent is started. Data only; what it does with it is agent.ts. */

import type { HeadToWorker, WorkerMessage } from "../../proto/grain.js";
import type { Connection } from "../../proto/link/link.js";
import type { Pool } from "../../proto/resource/pool.js";
import type { CgroupTree } from "../memory/cgroup.js";
import type { EarlyExecutor } from "../pool.js";
import type { EquipmentOptions } from "./equipment.js";

/** How loud a line of the agent's log is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** How an agent is started. */
export interface AgentOptions {
  /** To the head. The agent closes it when it ends. */
  readonly connection: Connection<WorkerMessage, HeadToWorker>;
  /** 16 random bytes that name this worker when its connection was lost and it comes back. Default: it does not. */
  readonly id?: Uint8Array;
  /** Unique among the head's workers. */
  readonly name: string;
  /** What it offers, and never gives out twice. */
  readonly pool: Pool;
  /** Files of modules whose functions can be run without being shipped. */
  readonly imports: readonly string[];
  /** Where shipped modules are kept. Default: of this user, see `defaultCacheDir`. */
  readonly cacheDir?: string;
  /** The batch job that it is in, as "system:id". Default: none. */
  readonly job?: string | undefined;
  /** How many executors are started before there is a task, and stay when idle. Default: 0. */
  readonly prewarm?: number;
  /** An executor that was started already. The agent ends it. */
  readonly early?: EarlyExecutor;
  /** Idle executors beyond those are ended after about this long. Default: 60,000. */
  readonly idleMs?: number;
  /** How long a task may take to end by itself once its signal has fired, before SIGTERM. Default: 250. */
  readonly reactionMs?: number;
  /** How long a process may take to end after SIGTERM, before SIGKILL. Default: 5,000. */
  readonly graceMs?: number;
  /** After `leave`, what runs may run for so long; then it is ended and goes back to the head. Default: for ever. */
  readonly drainMs?: number;
  /** What the worker has set up, and what each executor sets up of it. Default: nothing. */
  readonly equipment?: EquipmentOptions;
  /** Where the kernel can limit the memory of each executor. Default: it is measured. */
  readonly cgroups?: CgroupTree | undefined;
  /** Whether this machine is short of memory, so that nothing more should be started. Default: asks the system. */
  readonly isMemoryShort?: () => boolean;
  /** Takes what the agent has to say. Default: nobody. */
  readonly onLog?: (level: LogLevel, text: string) => void;
}
