/** `grain-scheduler/worker`: for embedding a worker in a program of one's own. */

export {
  type Agent,
  type AgentEnd,
  type AgentOptions,
  type AgentStatus,
  type LogLevel,
  startAgent,
} from "./agent/agent.js";
export type { EquipmentOptions } from "./agent/equipment.js";
export { type DetectOptions, detectPool } from "./detect.js";
export type { Part, PartKind } from "./executor/message.js";
export type {
  ConnectService,
  ExecutorLife,
  Provided,
  RunningService,
  SetUpContext,
  SetUpExecutor,
  StartService,
  WorkerLife,
  WorkerResources,
} from "./keeper/modules.js";
export { defaultCacheDir } from "./modules.js";
