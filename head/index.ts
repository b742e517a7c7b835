/** `grain-scheduler/head`: a head inside another program. */

export type { BlobStoreOptions } from "./shell/blob/store.js";
export { Head, type HeadOptions } from "./shell/head.js";
export type { HeadLog } from "./shell/log.js";
export { type ListeningHead, type ListenOptions, startHead } from "./shell/start.js";
