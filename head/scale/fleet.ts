/** What the swarm submits: the jobs of workers as the configuration has them, and what a worker in one would offer. */

import type { Access } from "../../proto/access/place.js";
import type { Config } from "../../proto/config/config.js";
import { memoryInJob, walltimeInJob } from "../../proto/resource/job-share.js";
import type { Pool } from "../../proto/resource/pool.js";
import { overlayRes } from "../../proto/resource/res.js";
import {
  openProvider,
  type Provider,
  type ProviderSettings,
  reachWarning,
  workerSettings,
} from "../../provider/index.js";
import type { WorkerTemplate } from "../core/template.js";

/** Jobs of workers, and how they are handled. */
export interface Fleet {
  readonly settings: ProviderSettings;
  readonly provider: Provider;
  /** What a worker offers, as far as the configuration says it. */
  readonly template: Omit<WorkerTemplate, "most">;
  readonly scale: Config["scale"];
  /** The configuration's file; undefined: there is none. */
  readonly configFile?: string | undefined;
  /** Sentences. */
  readonly warnings: readonly string[];
}

/**
 * Prepares what a configuration says.
 *
 * @param around the head's address for workers, where the configuration names none
 * @throws ConfigError when it cannot be used
 * @example
 * const { provider, settings } = await fleetOf(config, { address: "login1:7700", access });
 */
export async function fleetOf(
  config: Config,
  { address, access }: { address: string; access: Access },
): Promise<Fleet> {
  const named = config.worker.address ?? address;
  const settings = workerSettings(config, { address: named, access });
  const warning = reachWarning(settings, named);
  return {
    settings,
    provider: await openProvider(settings),
    template: templateOf(config),
    scale: config.scale,
    configFile: config.file,
    warnings: [...config.warnings, ...(warning === undefined ? [] : [warning])],
  };
}

/** What a worker of such a job offers: see worker/job.ts. */
export function templateOf({ worker }: Config): Omit<WorkerTemplate, "most"> {
  const { cores, memoryBytes, walltimeMs } = worker.script;
  const remainingMs = walltimeMs === undefined ? worker.walltimeMs : walltimeInJob(walltimeMs);
  const job: Pool = {
    cores: Array.from({ length: cores ?? 0 }, (_, id) => id),
    gpus: [],
    memoryBytes: memoryInJob(memoryBytes ?? 0),
    others: [],
    tokens: [],
    numa: [],
    ...(remainingMs === undefined ? {} : { remainingMs }),
  };
  const pool = worker.res === undefined ? job : overlayRes(worker.res, job);
  const unknown = [
    ...(pool.cores.length === 0 ? ["cores"] : []),
    ...(pool.memoryBytes === 0 ? ["memory"] : []),
    ...(pool.gpus.length === 0 ? ["gpus"] : []),
  ];
  return { pool, unknown };
}
