/** `grain-scheduler`: everything that programs use. */

export {
  AuthError,
  ConfigError,
  ConnectionError,
  GrainError,
  InfeasibleError,
  ProgramError,
  ResourceError,
  SerializationError,
  TaskCancelledError,
  TaskError,
  TaskTimeoutError,
  WorkerLostError,
} from "../proto/errors.js";
export type { HeadStatus, QueueInfo, SessionInfo, WorkerInfo } from "../proto/grain.js";
export {
  anyOf,
  type CoreLayout,
  capacity,
  cores,
  gpus,
  limit,
  memory,
  node,
  nodes,
  type PlainResource,
  type PlainWalltime,
  Resource,
  type ResourceLike,
  resource,
  token,
  wtime,
} from "../proto/resource/index.js";
export type {
  CurrentTask,
  GrantedResources,
  Program,
  ProgramArgument,
  ProgramOptions,
  ProgramResult,
  RunProgram,
  TaskNode,
} from "../proto/task.js";
// By a star: what programs declare merges with an interface only so.
export type * from "../proto/worker-types.js";
export { connect, type Session } from "./connect.js";
export { currentTask } from "./current-task.js";
export { calc } from "./delayed/calc.js";
export type { Delayed, DelayedBase, Lifted, Operand } from "./delayed/delayed.js";
export { type DelayedFn, delayed } from "./delayed/function.js";
export { type LiftedNamespace, lift } from "./delayed/lift.js";
export { type Operators, op } from "./delayed/operators.js";
export type { DelayedCallOptions, DelayedOptions } from "./delayed/options.js";
export { type DelayedValOptions, delayedVal } from "./delayed/value.js";
export { each } from "./each.js";
export { type QueueLimiter, queueLimiter } from "./queue-limiter.js";
export { type MainValues, run } from "./run.js";
export type { ConnectOptions, RunOptions, SubrunOptions } from "./run-options.js";
export { exec1, type GroupFn, openWaitGroup, type Resources, type WaitGroup } from "./wait-group.js";
