/** What is set up around a worker's life, with real keepers. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { decodeValue } from "../../../proto/values/value.js";
import type { KeeperOptions } from "../../../worker/keeper/keeper.js";
import { Provision } from "../../../worker/keeper/provision.js";
import { readEntry } from "../../../worker/process/table.js";

const RESOURCES = { cores: [0, 1], memory: 2 ** 30, gpus: [], tokens: [], capacity: 0, others: {} };
const NEVER = new AbortController().signal;

/** Whether there is such a process; one that nobody has reaped has ended. */
const lives = (pid: number) => readEntry(pid)?.ended === false;

let directory: string;
let lines: string[];
const open: Provision[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "grain-keeper-test-"));
  lines = [];
});

afterEach(async () => {
  for (const provision of open.splice(0)) await provision.close();
  rmSync(directory, { recursive: true });
});

function moduleFile(name: string, source: string): string {
  const file = join(directory, name);
  writeFileSync(file, source);
  return file;
}

function provide(more: Partial<KeeperOptions>): Provision {
  const provision = new Provision({
    worker: "w1",
    resources: RESOURCES,
    context: undefined,
    service: undefined,
    setupMs: 60_000,
    teardownMs: 5_000,
    graceMs: 1_000,
    log: (level, text) => void lines.push(`${level} ${text}`),
    ...more,
  });
  open.push(provision);
  return provision;
}

const CONTEXT = `
import { writeFileSync } from "node:fs";
await Promise.resolve();
type Life = { worker: string; resources: { cores: number[] } };
export default async function setUp({ worker, resources }: Life) {
  console.log("hello from", worker);
  return {
    value: { cores: resources.cores.length, pid: process.pid },
    async [Symbol.asyncDispose]() {
      writeFileSync(new URL("down", import.meta.url), worker);
    },
  };
}
`;

describe.runIf(process.platform === "linux")("a context", () => {
  it("in TypeScript is set up, told of, and torn down", async () => {
    const provision = provide({ context: moduleFile("context.ts", CONTEXT) });
    const [part] = (await provision.setUp(NEVER))!;
    const { cores, pid } = decodeValue(part!.value) as { cores: number; pid: number };
    expect([cores, part!.isPerExecutor, lives(pid)]).toEqual([2, false, true]);
    expect(await provision.setUp(NEVER)).toEqual([part]);
    await provision.close();
    expect(readFileSync(join(directory, "down"), "utf8")).toBe("w1");
    expect(lives(pid)).toBe(false);
    expect(lines).toEqual([
      "info context: hello from w1",
      `info The context ${join(directory, "context.ts")} is set up.`,
    ]);
  });

  it.each([
    ["throws.mjs", `export default () => { throw new RangeError("no room"); };`, "set up: no room"],
    ["broken.ts", "export default (;", "loaded: Transform failed with 1 error: /"],
    ["missing.mjs", `import "./nowhere.mjs";`, "loaded: Cannot find module"],
    ["exits.mjs", "export default () => process.exit(3);", "set up: its process ended with exit code 3."],
    [
      "bare.cjs",
      "module.exports = () => ({ value: 1 });",
      "set up: it returned an object, which cannot be torn",
    ],
    [
      "function.mjs",
      "export default () => ({ value: { f() {} }, [Symbol.dispose]() {} });",
      "set up: context.f is a function",
    ],
  ])("that cannot be set up is told of: %s", async (name, source, message) => {
    const context = moduleFile(name, source);
    const failure = await provide({ context })
      .setUp(NEVER)
      .catch((error: Error) => error);
    expect(failure).toBeInstanceOf(Error);
    expect((failure as Error).message).toContain(`The context ${context} could not be ${message}`);
  });

  it("whose set-up hangs has failed after its limit, and is ended by force", async () => {
    const source = "export default async () => { console.log(process.pid); await new Promise(() => {}); };";
    const provision = provide({ context: moduleFile("hangs.mjs", source), setupMs: 2_000, teardownMs: 200 });
    await expect(provision.setUp(NEVER)).rejects.toThrow(
      /hangs\.mjs could not be set up within 0:00:02; --setup-limit gives it longer/,
    );
    await provision.close();
    expect(lines.at(-1)).toMatch(/did not tear down within 0:00:00\.2: ended by force/);
    const pid = Number(/context: (\d+)/.exec(lines.join("\n"))?.[1]);
    expect(lives(pid)).toBe(false);
  });

  it("whose set-up goes on when the worker is told to leave is told so", async () => {
    const source = `export default async ({ signal }) => {
      console.log("waiting");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return { value: 1, async [Symbol.asyncDispose]() { console.log("down"); } };
    };`;
    const stopping = new AbortController();
    const parts = provide({ context: moduleFile("waits.mjs", source) }).setUp(stopping.signal);
    await vi.waitFor(() => expect(lines).toContain("info context: waiting"), { timeout: 30_000 });
    stopping.abort();
    expect(await parts).toBeUndefined();
    await open[0]!.close();
    expect(lines).toContain("info context: down");
  });

  it("that cannot be torn down is told of", async () => {
    const source = `export default () => ({ value: 1, async [Symbol.asyncDispose]() { throw new Error("stuck"); } });`;
    const context = moduleFile("stuck.mjs", source);
    const provision = provide({ context });
    await provision.setUp(NEVER);
    await provision.close();
    expect(lines.at(-1)).toBe(`warn The context ${context} could not be torn down: stuck`);
  });

  it("leaves no process, whatever it has started", async () => {
    const source = `import { spawn } from "node:child_process";
      export default () => {
        const child = spawn("sh", ["-c", "trap '' TERM; while :; do sleep 0.1; done"], { detached: true, stdio: "ignore" });
        return { value: child.pid, [Symbol.dispose]() {} };
      };`;
    const provision = provide({ context: moduleFile("spawns.mjs", source), graceMs: 300 });
    const [part] = (await provision.setUp(NEVER))!;
    const pid = decodeValue(part!.value) as number;
    expect(lives(pid)).toBe(true);
    await provision.close();
    expect(lives(pid)).toBe(false);
  });
});

const SERVICE = `
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
export async function start({ worker, context }) {
  appendFileSync(new URL("starts", import.meta.url), "x");
  const server = spawn("sleep", ["600"]);
  return {
    connection: { pid: server.pid, keeper: process.pid, worker, context },
    ended: new Promise((resolve) => server.on("exit", (code, signal) => resolve(code ?? signal))),
    async [Symbol.asyncDispose]() { server.kill(); },
  };
}
export const connect = () => {};
`;

interface Connection {
  pid: number;
  keeper: number;
  context: unknown;
}

describe.runIf(process.platform === "linux")("a service", () => {
  const connectionOf = async (provision: Provision): Promise<Connection> => {
    const parts = (await provision.setUp(NEVER))!;
    return decodeValue(parts.at(-1)!.value) as Connection;
  };
  const brokenOf = async ({ broken }: Provision): Promise<string> => {
    await vi.waitFor(() => expect(broken.aborted).toBe(true), { timeout: 10_000 });
    return broken.reason as string;
  };

  it("is given the context, and ends with the worker", async () => {
    const files = { context: moduleFile("context.ts", CONTEXT), service: moduleFile("service.mjs", SERVICE) };
    const provision = provide(files);
    const { pid, context } = await connectionOf(provision);
    expect([context, lives(pid)]).toEqual([expect.objectContaining({ cores: 2 }), true]);
    expect((await provision.setUp(NEVER))?.map((part) => part.isPerExecutor)).toEqual([false, true]);
    await provision.close();
    expect([lives(pid), existsSync(join(directory, "down"))]).toEqual([false, true]);
  });

  it("whose server dies is started again", async () => {
    const provision = provide({ service: moduleFile("service.mjs", SERVICE) });
    const first = await connectionOf(provision);
    process.kill(first.pid, "SIGKILL");
    expect(await brokenOf(provision)).toMatch(
      /The service .*service\.mjs does not run any more: its server ended \(SIGKILL\)\./,
    );
    const second = await connectionOf(provision);
    expect([lives(first.keeper), lives(second.pid)]).toEqual([false, true]);
    process.kill(second.keeper, "SIGKILL");
    expect(await brokenOf(provision)).toMatch(/does not run any more: its process was ended by SIGKILL\.$/);
    await connectionOf(provision);
    expect(lives(second.pid)).toBe(false);
    expect(readFileSync(join(directory, "starts"), "utf8")).toBe("xxx");
  });

  it("that dies again and again is given up", async () => {
    const source = `export const start = () => ({ connection: 1, ended: new Promise((_, reject) => setTimeout(() => reject(new Error("no licence")), 100)), [Symbol.dispose]() {} });`;
    const provision = provide({ service: moduleFile("dies.mjs", source) });
    const again = async () => {
      for (;;) {
        await provision.setUp(NEVER);
        await brokenOf(provision);
      }
    };
    await expect(again()).rejects.toThrow(
      /dies\.mjs does not run any more: its server ended: no licence\. That was the 4th time in a row: the worker gives up\./,
    );
  });
});
