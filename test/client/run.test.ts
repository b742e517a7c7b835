import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { scopes } from "../../client/call.js";
import { connect } from "../../client/connect.js";
import { currentTask } from "../../client/current-task.js";
import { run } from "../../client/run.js";
import { ConfigError, ConnectionError } from "../../proto/errors.js";
import { definitionOf } from "../kit/fake-head.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const none = { configFile: false } as const;

/** Runs a program in a process of its own. */
function program(source: string, env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "-e", source],
    {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, ...env },
    },
  );
  return { status, stdout, stderr };
}

function callLocal<T>(fn: () => T): Promise<T> {
  const { completion } = scopes
    .getStore()!
    .spawn({ definition: definitionOf("f", { fn }), request: undefined, args: [] });
  return new Promise((resolve, reject) => {
    completion.watch(() => {
      const { state } = completion;
      if (state.type === "fulfilled") resolve(state.value as T);
      if (state.type === "rejected") reject(state.error);
    });
  });
}

describe("run", () => {
  it("needs no head for local calls", async () => {
    expect(await run(() => callLocal(() => 3), none)).toBe(3);
    expect(await run([() => 1, () => "a"], none)).toEqual([1, "a"]);
    expect(await run(new Set([() => 1]), none)).toEqual([1]);
  });

  it("refuses wrong arguments, unknown options and addresses", async () => {
    await expect(run(3 as never)).rejects.toThrow(TypeError);
    await expect(run(() => 1, { adress: "x" } as never)).rejects.toThrow(/Did you mean address/);
    await expect(run(() => 1, { address: "x" })).rejects.toThrow(ConfigError);
  });

  it("does not run main when its signal has fired, or its head cannot be reached", async () => {
    let ran = false;
    const main = () => {
      ran = true;
    };
    await expect(run(main, { signal: AbortSignal.abort(new Error("early")) })).rejects.toThrow("early");
    process.env.GRAIN_CONNECT_TIMEOUT = "0";
    try {
      await expect(run(main, { address: "127.0.0.1:1" })).rejects.toThrow(ConnectionError);
      await expect(connect({ address: "127.0.0.1:1" })).rejects.toThrow(ConnectionError);
      process.env.GRAIN_CONNECT_TIMEOUT = "soon";
      await expect(run(main, { address: "127.0.0.1:1" })).rejects.toThrow(
        /GRAIN_CONNECT_TIMEOUT must be a number/,
      );
    } finally {
      delete process.env.GRAIN_CONNECT_TIMEOUT;
    }
    expect(ran).toBe(false);
  });

  it("gives up connecting when its signal fires", async () => {
    const controller = new AbortController();
    const running = run(() => 1, { address: "127.0.0.1:1", signal: controller.signal });
    setImmediate(() => controller.abort(new Error("changed my mind")));
    await expect(running).rejects.toThrow("changed my mind");
  });

  it("makes a scope of its own inside a run, on the same session", async () => {
    const value = await run(async () => {
      const inner = await run(() => callLocal(() => currentTask().id));
      await expect(run(() => 1, { local: { cores: 1 } })).rejects.toThrow(
        /inside a run.*local belongs to the session/,
      );
      await expect(run(() => Promise.reject(new Error("inner")))).rejects.toThrow("inner");
      return [inner, await callLocal(() => currentTask().id)];
    }, none);
    expect(value).toEqual(["local.1", "local.2"]);
  });

  it("starts afresh in the context of a run that has ended", async () => {
    let context: ReturnType<typeof scopes.getStore>;
    await run(() => {
      context = scopes.getStore();
    }, none);
    expect(await scopes.run(context!, () => run(() => callLocal(() => 5), none))).toBe(5);
  });

  it("is inert in an executor, and so is connect", () => {
    const { status, stdout } = program(`
      import { becomeExecutor } from "./proto/host.ts";
      import { run } from "./client/run.ts";
      import { connect } from "./client/connect.ts";
      becomeExecutor({ register() {}, currentTask: () => undefined, stopHere: () => { console.log("stopped"); return new Promise(() => {}); } });
      void run(() => console.log("ran"), { nonsense: 1 });
      void connect({ nonsense: 1 });
    `);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "stopped\nstopped\n" });
  });

  it("leaves at once at the second SIGINT", () => {
    const { status, stdout } = program(`
      import { run } from "./client/run.ts";
      await run(async () => {
        process.once("SIGINT", () => setImmediate(() => process.kill(process.pid, "SIGINT")));
        process.kill(process.pid, "SIGINT");
        await new Promise((resolve) => setTimeout(resolve, 60_000));
        console.log("waited");
      }, { configFile: false });
    `);
    expect({ status, stdout }).toEqual({ status: 130, stdout: "" });
  });
});
