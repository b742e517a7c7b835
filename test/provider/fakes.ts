/** Batch systems' commands as small scripts on PATH, for one test at a time. */

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { onTestFinished, vi } from "vitest";
import type { JobRequest } from "../../provider/provider.js";
import type { ProviderSettings } from "../../provider/settings.js";

/** A directory in front of PATH, removed after the test. */
export class Fakes {
  readonly directory = mkdtempSync(join(tmpdir(), "grain-fakes-"));
  readonly #bin = join(this.directory, "bin");

  /** @param alone nothing else is on PATH */
  constructor(alone = false) {
    mkdirSync(this.#bin);
    vi.stubEnv("PATH", alone ? this.#bin : `${this.#bin}${delimiter}${process.env.PATH}`);
    vi.stubEnv("FAKES", this.directory);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  /** A command: its arguments are noted in NAME.args, what it reads in NAME.stdin; then `body` runs in sh. */
  add(name: string, body: string): this {
    const file = join(this.#bin, name);
    writeFileSync(
      file,
      `#!/bin/sh\necho "$*" >> "$FAKES/${name}.args"\ncase "${name}" in *sub|*batch) cat > "$FAKES/${name}.stdin" ;; esac\n${body}\n`,
    );
    chmodSync(file, 0o755);
    return this;
  }

  /** The command lines with which a command was called. */
  calls(name: string): string[] {
    const file = join(this.directory, `${name}.args`);
    return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
  }

  /** What it read the last time. */
  stdin(name: string): string {
    return readFileSync(join(this.directory, `${name}.stdin`), "utf8");
  }
}

/** Settings of a system, with what differs. */
export function settingsOf(
  system: ProviderSettings["system"],
  script: Partial<ProviderSettings["script"]> = {},
  more: Partial<ProviderSettings> = {},
): ProviderSettings {
  return {
    system,
    script: { shebang: "#!/bin/bash", extraArgs: [], setupCleanup: [], ...script },
    jobName: "w{{HHMMSS}}",
    logFile: "/logs/{{NAME}}-{{JOB}}.log",
    workerCommand: ["grain-worker", "--name", "{{NAME}}-{{JOB}}"],
    environment: {},
    array: false,
    commandTimeoutMs: 20_000,
    ...more,
  };
}

/** A job of workers. */
export const JOB: JobRequest = {
  name: "w120000",
  logFile: "/logs/w120000-{{JOB}}.log",
  command: ["grain-worker", "--name", "w120000-{{JOB}}"],
  environment: { GRAIN_ADDRESS: "head:7700" },
  extraArgs: [],
};
