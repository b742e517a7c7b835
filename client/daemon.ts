/**
 * Starts a head for an edge file that has none: a daemon that outlives this program and ends when nobody has used
 * it for a while. Several programs may do so at once: all but one of the heads find that there is one, and end.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Access, chooseAccess } from "../proto/access/place.js";
import { ConnectionError, messageOf } from "../proto/errors.js";
import { builtFile } from "../proto/module/own-files.js";

const IDLE_QUIT = "30m";
/** Nobody has said how many programs share it. */
const MAX_CLIENTS = 64;
const LAST_LINES = 3;

/** What a head is started with. */
export interface StarterOptions {
  /** Absolute. */
  readonly edgeFile: string;
  /** The configuration's file, if there is one. */
  readonly config: string | undefined;
  /** Default: what the environment says. */
  readonly access?: Access;
}

/** Starts heads for one edge file, one at a time. */
export class HeadStarter {
  readonly #options: StarterOptions;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #failure: string | undefined;

  constructor(options: StarterOptions) {
    this.#options = options;
    this.#logFile = `${options.edgeFile}.log`;
  }

  /**
   * There is no head: starts one, unless the one that was started last may still become it.
   *
   * @throws ConnectionError when that has failed, with the last lines of its log
   */
  start(): void {
    if (this.#failure !== undefined) throw this.#failed(this.#failure);
    if (this.#child !== undefined) return;
    const log = this.#openLog();
    try {
      this.#child = spawn(process.execPath, [builtFile("bin/grain-head.js"), ...this.#arguments()], {
        cwd: dirname(this.#options.edgeFile),
        detached: true,
        stdio: ["ignore", "ignore", log],
      });
    } finally {
      closeSync(log);
    }
    this.#child.once("error", (error) => {
      this.#failure = messageOf(error);
    });
    this.#child.once("exit", (code, signal) => {
      this.#child = undefined;
      // 0: there was a head already.
      if (code !== 0) this.#failure = `it ended with ${signal ?? `exit code ${code}`}`;
    });
    this.#child.unref();
  }

  #arguments(): string[] {
    const { edgeFile, config, access = chooseAccess() } = this.#options;
    return [
      ...["--edge", edgeFile, "--log-file", this.#logFile],
      ...["--idle-quit", IDLE_QUIT, "--max-clients", String(MAX_CLIENTS)],
      ...(config === undefined ? [] : ["--config", config]),
      ...(access.insecure === "no" ? [] : ["--insecure"]),
    ];
  }

  #openLog(): number {
    try {
      mkdirSync(dirname(this.#logFile), { recursive: true });
      return openSync(this.#logFile, "a", 0o600);
    } catch (error) {
      throw this.#failed(messageOf(error));
    }
  }

  #failed(why: string): ConnectionError {
    const said = lastLines(this.#logFile);
    return new ConnectionError(
      `No head of edge://${this.#options.edgeFile} runs, and none could be started here: ${why}` +
        `${said === "" ? "" : `; the end of its log ${this.#logFile}: ${said}`}`,
    );
  }
}

/**
 * The configuration that a head which this program starts is to read.
 *
 * @returns its absolute path; undefined when there is none
 */
export function configOf(configFile: string | false | undefined): string | undefined {
  if (configFile === false) return undefined;
  const named = configFile ?? (process.env.GRAIN_CONFIG || undefined);
  const file = resolve(named ?? "grain.toml");
  return named !== undefined || existsSync(file) ? file : undefined;
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-LAST_LINES).join(" | ");
  } catch {
    return "";
  }
}
