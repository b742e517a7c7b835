/** A batch system in memory, whose jobs do what a test says. */

import type { Fleet } from "../../../head/scale/fleet.js";
import { ProviderError } from "../../../provider/error.js";
import type { JobState, Provider } from "../../../provider/index.js";
import type { ProviderSettings } from "../../../provider/settings.js";
import { poolOfCores } from "../../kit/peers.js";
import { settingsOf } from "../../provider/fakes.js";

const POLL_MS = 60_000;

export class FakeProvider implements Provider {
  readonly title = "Fake";
  readonly jobs = new Map<string, JobState>();
  /** Why submissions are refused; undefined: they are not. */
  refusal: string | undefined;
  /** After so many jobs. */
  refusesAfter = 0;
  /** Why it does not answer; undefined: it does. */
  silence: string | undefined;
  asked = 0;
  readonly forgotten: string[] = [];
  /** Shows logs, where they are no files. */
  logCommand?: (id: string) => string;
  #last = 0;

  script(): string {
    return "";
  }

  commandLine(): string {
    return "";
  }

  async submit(_: unknown, count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i += 1) {
      if (this.refusal !== undefined && this.jobs.size >= this.refusesAfter)
        throw new ProviderError(this.refusal, { submitted: ids });
      this.#last += 1;
      const id = String(this.#last);
      this.jobs.set(id, { type: "queued", reason: "" });
      ids.push(id);
    }
    return ids;
  }

  async status(ids: readonly string[]): Promise<Map<string, JobState>> {
    this.asked += 1;
    if (this.silence !== undefined) throw new ProviderError(this.silence);
    return new Map(ids.map((id) => [id, this.jobs.get(id) ?? { type: "unknown" }]));
  }

  async cancel(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.jobs.set(id, { type: "ended", reason: "CANCELLED" });
  }

  async forget(ids: readonly string[]): Promise<void> {
    this.forgotten.push(...ids);
  }

  /** Ids in this state. */
  in(type: JobState["type"]): string[] {
    return [...this.jobs].filter(([, state]) => state.type === type).map(([id]) => id);
  }
}

/** Jobs of it, with workers of two cores. */
export function fleetOn(provider: Provider, directory: string, more: Partial<Fleet["scale"]> = {}): Fleet {
  const settings: ProviderSettings = {
    ...settingsOf("slurm", { cores: 2 }),
    address: "head:7700",
    jobName: "w",
    logFile: `${directory}/logs/{{NAME}}-{{JOB}}.log`,
  };
  return {
    settings,
    provider,
    template: { pool: { ...poolOfCores(2), remainingMs: 3_600_000 }, unknown: ["gpus"] },
    scale: { min: 0, idleMs: 300_000, pollMs: POLL_MS, backlog: 4, commandTimeoutMs: 60_000, ...more },
    warnings: [],
  };
}
