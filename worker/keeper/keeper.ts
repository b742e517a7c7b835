/**
 * A worker's keeper, as the worker has it: starts the process, hears what was set up and when that
 * does not work any more, has it torn down, and sees to it that nothing of it is left.
 *
 * What follows from a keeper that is broken is the daemon's affair.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { formatDuration } from "../../proto/duration.js";
import { messageOf } from "../../proto/errors.js";
import { builtFile } from "../../proto/module/own-files.js";
import type { LogLevel } from "../agent/options.js";
import type { Part, PartKind } from "../executor/message.js";
import { closed } from "../pool.js";
import { endFamily, killFamily } from "../process/ending.js";
import { Families } from "../process/family.js";
import { ownMarks } from "../process/marker.js";
import { acquireWatchdog } from "../process/watchdog.js";
import { Lines } from "./lines.js";
import { titleOf } from "./load.js";
import { type FromKeeper, KEEPER_NAME, KEEPER_VARIABLE, type ToKeeper } from "./message.js";
import type { WorkerResources } from "./modules.js";

/** What a worker has set up around its life. */
export interface KeeperOptions {
  readonly worker: string;
  readonly resources: WorkerResources;
  /** Absolute paths of the modules. */
  readonly context: string | undefined;
  readonly service: string | undefined;
  /** A set-up that takes longer has failed. */
  readonly setupMs: number;
  /** Tearing down that takes longer is ended. */
  readonly teardownMs: number;
  /** Between SIGTERM and SIGKILL for what its modules have left. */
  readonly graceMs: number;
  log(level: LogLevel, text: string): void;
}

/** A set-up that still goes on is told of after this, and again after twice as long each time. */
const PATIENCE_MS = 10_000;

const FAMILY = 1;

/** A running keeper. */
export class Keeper {
  /** Resolves when everything is set up; rejects with an error whose message is for the user. */
  readonly ready: Promise<readonly Part[]>;
  /** Resolves, once `ready` has, to a sentence when what was set up does not work any more. */
  readonly broken: Promise<string>;
  readonly #options: KeeperOptions;
  readonly #child: ChildProcess;
  readonly #families = new Families();
  readonly #releaseWatchdog = acquireWatchdog();
  readonly #gone: Promise<void>;
  #patience: NodeJS.Timeout | undefined;
  #isReady = false;
  /** What is being set up now. */
  #doing: PartKind | undefined;
  #closing: Promise<void> | undefined;
  #resolveReady: (parts: readonly Part[]) => void = () => {};
  #rejectReady: (error: Error) => void = () => {};
  #break: (message: string) => void = () => {};

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.broken = new Promise((resolve) => {
      this.#break = resolve;
    });
    this.#child = spawn(process.execPath, [builtFile("worker/keeper/main.js"), KEEPER_NAME], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
      detached: true,
      env: { ...process.env, [KEEPER_VARIABLE]: ownMarks() },
    });
    this.#gone = this.#listen();
    const { worker, resources, context, service, teardownMs } = options;
    this.#send({ type: "setUp", worker, resources, context, service, teardownMs });
    this.#beginPatience();
  }

  /** Tears everything down; resolves when no process of it is left. @param teardownMs how long that may take */
  close(teardownMs: number = this.#options.teardownMs): Promise<void> {
    this.#closing ??= this.#close(teardownMs);
    return this.#closing;
  }

  async #close(teardownMs: number): Promise<void> {
    clearTimeout(this.#patience);
    this.#rejectReady(new Error("The worker leaves."));
    this.#families.look();
    this.#send({ type: "tearDown" });
    const { pid } = this.#child;
    let isForced = false;
    const limit = setTimeout(() => {
      isForced = true;
      this.#log(
        "warn",
        `${this.#title} did not tear down within ${formatDuration(teardownMs)}: ended by force.`,
      );
      this.#families.look();
      if (pid !== undefined) killFamily(this.#families, FAMILY, pid, true);
    }, teardownMs);
    await this.#gone;
    clearTimeout(limit);
    if (pid !== undefined) {
      const { graceMs } = this.#options;
      await endFamily(this.#families, FAMILY, { pid, graceMs, wasTold: false, isForced });
    }
    await Promise.all([closed(this.#child.stdout), closed(this.#child.stderr)]);
    this.#families.delete(FAMILY);
    this.#releaseWatchdog();
  }

  /** Resolves when the process has ended and what it said has been heard. */
  #listen(): Promise<void> {
    const child = this.#child;
    child.on("message", (message: FromKeeper) => this.#hear(message));
    for (const [stream, level] of [
      [child.stdout, "info"],
      [child.stderr, "warn"],
    ] as const) {
      const lines = new Lines((line) => this.#log(level, `${this.#short}: ${line}`));
      stream?.setEncoding("utf8").on("data", (text: string) => lines.add(text));
      stream?.on("end", () => lines.end());
    }
    return new Promise((resolve) => {
      child.once("error", (error) => {
        this.#ended(`its process could not be started: ${messageOf(error)}`);
        if (child.pid === undefined) resolve();
      });
      child.once("exit", (code, signal) => {
        const end = () => {
          this.#ended(
            signal === null
              ? `its process ended with exit code ${code}`
              : `its process was ended by ${signal}`,
          );
          resolve();
        };
        // What it said last may not have been read yet.
        if (child.connected) child.once("disconnect", end);
        else end();
      });
    });
  }

  #hear(message: FromKeeper): void {
    switch (message.type) {
      case "started":
        return this.#families.add(FAMILY, this.#child.pid ?? 0, message.mark);
      case "doing":
        this.#doing = message.kind;
        return;
      case "ready":
        this.#doing = undefined;
        clearTimeout(this.#patience);
        this.#isReady = true;
        // What they started is known from here on even if its parent ends.
        this.#families.look();
        return this.#resolveReady(message.parts);
      case "failed": {
        const error = new Error(message.message);
        if (message.stack !== "") error.stack = `${message.message}\n${message.stack}`;
        return this.#fail(error);
      }
      case "broken":
        return this.#notWorking(message.message);
      case "problem":
        return this.#log("warn", message.message);
      default:
        message satisfies never;
    }
  }

  #notWorking(message: string): void {
    const sentence = /^The (context|service) /.test(message)
      ? message
      : `${this.#title} is broken by ${message}.`;
    if (this.#isReady) this.#break(sentence);
    else this.#fail(new Error(sentence));
  }

  #ended(how: string): void {
    if (this.#closing !== undefined) return;
    if (this.#isReady) this.#break(`${this.#title} does not run any more: ${how}.`);
    else this.#fail(new Error(`${this.#title} could not be set up: ${how}.`));
  }

  #fail(error: Error): void {
    clearTimeout(this.#patience);
    this.#rejectReady(error);
  }

  #beginPatience(): void {
    const { setupMs } = this.#options;
    const wait = (ms: number, sofarMs: number) => {
      const part = Math.min(ms, setupMs - sofarMs);
      this.#patience = setTimeout(() => {
        const now = sofarMs + part;
        if (now >= setupMs) {
          const limit = formatDuration(setupMs);
          return this.#fail(
            new Error(`${this.#title} could not be set up within ${limit}; --setup-limit gives it longer.`),
          );
        }
        this.#log("warn", `${this.#title} is still being set up after ${formatDuration(now)}.`);
        wait(now, now);
      }, part);
    };
    wait(PATIENCE_MS, 0);
  }

  /** "The context a.ts"; both when it is not known which. */
  get #title(): string {
    const kinds = this.#doing === undefined ? (["context", "service"] as const) : [this.#doing];
    const titles = kinds.flatMap((kind) => {
      const file = this.#options[kind];
      return file === undefined ? [] : [titleOf(kind, file)];
    });
    return titles.join(" or ").replace(" or The ", " or the ");
  }

  get #short(): PartKind | "context and service" {
    const { context, service } = this.#options;
    if (context === undefined) return "service";
    return service === undefined ? "context" : "context and service";
  }

  #send(message: ToKeeper): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #log(level: LogLevel, text: string): void {
    this.#options.log(level, text);
  }
}
