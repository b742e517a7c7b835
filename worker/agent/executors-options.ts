/** What the executors of an agent need of it. Data and calls only; what they do with it is executors.ts. */

import type { FinishedLarge, Setup } from "../executor/message.js";
import type { CgroupTree } from "../memory/cgroup.js";
import type { EarlyExecutor } from "../pool.js";
import type { AgentEffect } from "./core/effect.js";
import type { AgentEvent } from "./core/event.js";
import type { AgentState } from "./core/state.js";
import type { EquipmentOptions } from "./equipment.js";
import type { LogLevel } from "./options.js";
import type { Outputs } from "./outputs.js";
import type { Staging } from "./staging.js";

/** What the executors need of their agent. */
export interface ExecutorsOptions {
  readonly setup: Pick<Setup, "worker" | "hasGpus">;
  readonly equipment: EquipmentOptions;
  readonly staging: Staging;
  readonly outputs: Outputs;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Where the kernel can limit each executor. */
  readonly cgroups: CgroupTree | undefined;
  /** To look tasks up in; never changed here. */
  readonly state: Pick<AgentState, "byRef" | "executors">;
  /** The first process, if it was started already. */
  readonly early?: EarlyExecutor | undefined;
  log(level: LogLevel, text: string): void;
  happened(event: AgentEvent): void;
  /** About once a second while something runs: time to look at the machine's memory as well. */
  memoryLooked(): void;
  /** What executors set up could not be. */
  equipmentFailed(error: Error): void;
  /** Sends a large result away and raises `uploaded`. */
  upload(result: FinishedLarge): void;
}

/** The effects that concern executors. */
export type ExecutorEffect = Extract<
  AgentEffect,
  { type: "startExecutor" | "run" | "abort" | "drop" | "kill" | "retire" | "forgetPlans" }
>;
