/** `grain-scheduler/head`: a head inside another program. */

export type { Record as CredentialRecord } from "./access/directory.js";
export type { DoorOptions } from "./access/door.js";
export {
  type CredentialInfo,
  listCredentials,
  type NewCredential,
  newCredential,
  revokeCredential,
  revokeName,
  rotateCredentials,
} from "./access/issue.js";
export type { OwnCertificates } from "./access/keys.js";
export type { PolicyName, SchedulingOptions } from "./core/options.js";
export type { BlobStoreOptions } from "./shell/blob/store.js";
export { Head } from "./shell/head.js";
export type { HeadOptions } from "./shell/head-options.js";
export type { HeadLog } from "./shell/log.js";
export { type ListeningHead, type ListenOptions, startHead } from "./shell/start.js";
export { type Bound, lowerBound } from "./simulation/bound.js";
export { formatPoolSpec, type PoolSpec, parsePoolSpec } from "./simulation/pool-spec.js";
export {
  type RecordedRun,
  type Recording,
  type Replay,
  type ReplayOptions,
  recordingOf,
  replay,
} from "./simulation/replay.js";
export { SIMULATED_POLICIES, type SimulatedPolicy } from "./simulation/scheduler.js";
export { type Simulation, type SimulationResult, simulate, type Utilisation } from "./simulation/simulate.js";
export type { Waits } from "./simulation/waits.js";
export type { Client, TaskKind, WorkloadTask } from "./simulation/workload.js";
export { openTrace, type TraceFile } from "./trace/file.js";
export type { TraceLine } from "./trace/line.js";
export { parseTrace, readTrace, type Trace } from "./trace/read.js";
export type { TraceSink } from "./trace/recorder.js";
