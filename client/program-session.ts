/**
 * A session as a program has it: chooses the head, and gives the session what it
 * prints with and reports to. `run` makes one for itself, `connect` one to keep.
 */

import { basename } from "node:path";
import { type Access, chooseAccess } from "../proto/access/place.js";
import { parseAddress } from "../proto/address.js";
import { ConfigError } from "../proto/errors.js";
import type { HeadStatus } from "../proto/grain.js";
import type { Request } from "../proto/resource/demand.js";
import type { Call, SpawnedCall } from "./call.js";
import { chooseHead, type HeadChoice } from "./config.js";
import { endLocalPrograms } from "./local-programs.js";
import { Outputs } from "./outputs.js";
import { Progress } from "./progress.js";
import { rehearse } from "./rehearse.js";
import type { RunOptions } from "./run-options.js";
import type { RunScope, ScopeSession } from "./scope.js";
import type { Bundle } from "./session/modules.js";
import { HeadSession, type OpenedHead, type SessionListener } from "./session/session.js";
import { StatusLine } from "./status-line.js";

const DEFAULT_CONNECT_TIMEOUT_S = 30;
/** Of the messages about a head that does not answer, which come once a second, every so many are shown. */
const RETRIES_SHOWN = 5;

/** Carries out the calls of a program's runs. */
export class ProgramSession implements ScopeSession {
  readonly #session: HeadSession;
  readonly #outputs = new Outputs();
  /** Of local calls, whose numbers are their own. */
  readonly #localOutputs = new Outputs();
  readonly #progress: Progress | undefined;
  readonly #logs: boolean;
  #lastLocal = 0;
  #closing: Promise<void> | undefined;

  /**
   * @param options checked
   * @param open finds or starts it
   */
  constructor(options: RunOptions, open: (signal: AbortSignal) => Promise<OpenedHead>) {
    sessions += 1;
    if (sessions === 1) void rehearse();
    this.#logs = options.logs ?? true;
    const progress = options.progress ?? (process.stderr.isTTY === true && process.env.TERM !== "dumb");
    const listener: SessionListener = {
      output: (output, functionName) => this.#outputs.write(output, functionName),
      ended: (task) => this.#outputs.ended(task),
      notice: (notice) => {
        if (notice.warning || this.#logs) this.#outputs.notice(notice);
      },
    };
    this.#session = new HeadSession({
      name: options.name ?? programName(),
      prioritized: options.prioritized ?? false,
      priority: options.priority ?? 0,
      detach: options.detach ?? false,
      outputs: this.#logs,
      counts: progress,
      open,
      bundle: bundleLazily,
      listener,
    });
    if (!progress) return;
    this.#progress = new Progress(new StatusLine(process.stdout, process.stderr));
    this.#progress.start(() => this.#session.figures);
  }

  /** Opens the session; the first remote call does it otherwise. */
  open(): Promise<void> {
    return this.#session.open();
  }

  /** Asks the head for its workers, sessions and queues. */
  status(): Promise<HeadStatus> {
    return this.#session.status();
  }

  /** Leaves the calls under way to the head, if the session is detached. @returns how many */
  leave(): number {
    return this.#session.leave();
  }

  /** Ends the session and whatever was started for it. @param done all that it was for has been done */
  close(done = false): Promise<void> {
    this.#closing ??= this.#close(done);
    return this.#closing;
  }

  nextLocalNumber(): number {
    this.#lastLocal += 1;
    return this.#lastLocal;
  }

  submit(call: Call & { readonly request: Request }, owner: RunScope): SpawnedCall {
    return this.#session.submit(call, owner);
  }

  cancel(owner: RunScope): void {
    this.#session.cancel(owner);
  }

  print(functionName: string, number: number, text: Uint8Array, stderr: boolean): void {
    if (!this.#logs) return;
    this.#localOutputs.write({ session: 0, task: number, stderr, text, worker: "local" }, functionName);
  }

  printed(number: number): void {
    this.#localOutputs.ended(number);
  }

  async #close(done: boolean): Promise<void> {
    try {
      await this.#session.close(done);
    } finally {
      this.#progress?.stop();
      this.#outputs.flush();
      this.#localOutputs.flush();
      sessions -= 1;
      if (sessions === 0) await endServices();
    }
  }
}

/** A session with the head that the options and the surroundings choose. */
export async function programSession(
  options: RunOptions,
): Promise<{ session: ProgramSession; choice: HeadChoice }> {
  const choice = await chooseHead(options, { env: process.env, cwd: process.cwd() });
  if (options.detach === true && choice.type === "embedded")
    throw new ConfigError(
      "The option detach needs a head that outlives this program. Start one (grain-head), and name it with the option address, GRAIN_ADDRESS, or `address` in grain.toml.",
    );
  const open = choice.type === "address" ? remoteHead(choice, options) : embeddedHead(choice.local);
  return { session: new ProgramSession(options, open), choice };
}

function remoteHead(
  { address, access: configuredAccess }: Extract<HeadChoice, { type: "address" }>,
  { configFile }: RunOptions,
): (signal: AbortSignal) => Promise<OpenedHead> {
  return async (signal) => {
    const giveUpMs = connectTimeoutMs(process.env.GRAIN_CONNECT_TIMEOUT);
    const { connectClient } = await import("../proto/link/grpc/connect.js");
    let retries = 0;
    const onRetry = (message: string) => {
      if (retries++ % RETRIES_SHOWN === 0) process.stderr.write(`grain: ${message}\n`);
    };
    const access = chooseAccess({}, process.env, configuredAccess);
    const onNoHead = await starterFor(address, access, configFile);
    const connection = await connectClient(address, { signal, onRetry, onNoHead, giveUpMs, access });
    return { connection, release: async () => {} };
  };
}

/** Who has an edge file has a head. */
async function starterFor(
  address: string,
  access: Access,
  configFile: RunOptions["configFile"],
): Promise<(() => void) | undefined> {
  const parsed = parseAddress(address);
  if (parsed.type !== "edge") return undefined;
  const { configOf, HeadStarter } = await import("./daemon.js");
  const starter = new HeadStarter({ edgeFile: parsed.path, config: configOf(configFile), access });
  return () => starter.start();
}

function embeddedHead(local: RunOptions["local"]): (signal: AbortSignal) => Promise<OpenedHead> {
  return async () => {
    const { startEmbedded } = await import("./embedded.js");
    const embedded = await startEmbedded({ local });
    return { connection: embedded.connect(), release: () => embedded.close() };
  };
}

/** Sessions of this process that are not closed. */
let sessions = 0;
let bundler: Promise<typeof import("./bundle/bundle.js")> | undefined;

/** esbuild is loaded by programs that have something to bundle. */
async function bundleLazily(file: string): Promise<Bundle> {
  bundler ??= import("./bundle/bundle.js");
  return (await bundler).bundleModule(file);
}

/** Ends the processes that sessions share: esbuild's, and the launcher of local functions' programs. */
async function endServices(): Promise<void> {
  await Promise.all([endLocalPrograms(), bundler?.then(({ stopBundler }) => stopBundler())]);
}

/** How long to wait for a head, from GRAIN_CONNECT_TIMEOUT (seconds). */
function connectTimeoutMs(text: string | undefined): number {
  if (text === undefined || text === "") return DEFAULT_CONNECT_TIMEOUT_S * 1000;
  const seconds = text.trim() === "" ? Number.NaN : Number(text);
  if (!(seconds >= 0)) {
    throw new ConfigError(
      `The variable GRAIN_CONNECT_TIMEOUT must be a number of seconds, 0 or more (0: one attempt), not "${text}".`,
    );
  }
  return seconds * 1000;
}

function programName(): string {
  const file = process.argv[1];
  return file === undefined ? "client" : basename(file);
}
