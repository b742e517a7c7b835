/** What other parts use of the providers. */

export { ProviderError } from "./error.js";
export { openProvider } from "./open.js";
export type { JobId, JobRequest, JobState, Provider } from "./provider.js";
export {
  type CustomSettings,
  type ProviderSettings,
  type ScriptSettings,
  SYSTEMS,
  type System,
} from "./settings.js";
export { requestOf } from "./template.js";
