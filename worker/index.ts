/** `grain-scheduler/worker`: for embedding a worker in a program of one's own. */

export {
  type Agent,
  type AgentEnd,
  type AgentOptions,
  type AgentStatus,
  type LogLevel,
  startAgent,
} from "./agent/agent.js";
export { type DetectOptions, detectPool } from "./detect.js";
export { defaultCacheDir } from "./modules.js";
