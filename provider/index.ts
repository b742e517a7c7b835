/** What other parts use of the providers. */

export { type BookedJob, bookDirectory, bookJobs, forgetJobs, readJobs } from "./book.js";
export { ProviderError } from "./error.js";
export { askSettings, headSettings, reachWarning, workerSettings } from "./from-config.js";
export { lastLine } from "./last-line.js";
export { openProvider } from "./open.js";
export type { JobId, JobRequest, JobState, Provider } from "./provider.js";
export type { CustomSettings, ProviderSettings, ScriptSettings, System } from "./settings.js";
export { type Submission, submitBooked } from "./submit.js";
export { requestOf } from "./template.js";
