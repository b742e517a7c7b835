/** Contexts and services of real workers: set up before tasks, gone with the worker, however that ends. */

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { commandLine, marked, type Running, Stage } from "../kit/daemons.js";

let stage: Stage;
/** Where the modules of a test write. */
let scratch: string;
beforeEach(() => {
  stage = new Stage();
  scratch = join(stage.directory, "scratch");
  mkdirSync(scratch);
});
afterEach(() => stage.close());

function moduleFile(name: string, source: string): string {
  const file = join(stage.directory, name);
  writeFileSync(file, source.replaceAll("SCRATCH", JSON.stringify(scratch)));
  return file;
}

/** What the modules have left behind. */
const left = () => readdirSync(scratch);

/** A scratch folder and a helper process around the worker's life; a marker of its own in each executor. */
const CONTEXT = `
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutorLife, WorkerLife } from "grain-scheduler/worker";

export default async function setUp({ worker }: WorkerLife) {
  const folder = await mkdtemp(join(SCRATCH, worker + "-"));
  const helper = spawn("sleep", ["600"], { stdio: "ignore" });
  return {
    value: { folder, helper: helper.pid },
    async [Symbol.asyncDispose]() {
      helper.kill();
      await rm(folder, { recursive: true });
    },
  };
}

export async function executor(value: { folder: string }, { executor }: ExecutorLife) {
  const file = join(SCRATCH, "executor-" + executor);
  await writeFile(file, String(process.pid), { flag: "wx" });
  return {
    value: { ...value, executor, pid: process.pid, open: () => "a function" },
    async [Symbol.asyncDispose]() {
      await rm(file);
    },
  };
}
`;

const PROGRAM = `
import { existsSync } from "node:fs";
import { cores, currentTask, delayed, each, run } from "grain-scheduler";

interface Context { folder: string; executor: number; pid: number; open(): string }

const look = delayed(async function look() {
  const context = currentTask().context as Context;
  return {
    executor: context.executor,
    own: context.pid === process.pid,
    folder: existsSync(context.folder),
    open: context.open(),
  };
});
const bare = delayed(function bare() {
  const { context, service } = currentTask();
  return [context, service];
});

await run(async () => {
  const seen = await each(Array.from({ length: 6 }, () => look.with(cores(1))()));
  console.log(JSON.stringify(seen[0]), new Set(seen.map(({ executor }) => executor)).size);
  console.log(await bare());
});
`;

const sleeps = () => marked(stage.marker).filter((pid) => commandLine(pid).startsWith("sleep"));

/** A task that says so and goes on until it is ended. */
const ENDLESS = `
import { cores, currentTask, delayed, run } from "grain-scheduler";
const endless = delayed(async function endless() {
  const { attempt, worker, signal } = currentTask();
  console.log("attempt", attempt, "on", worker);
  if (worker !== "w2") await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  return worker;
});
await run(async () => console.log("ran on", await endless.with(cores(1))()));
`;

const playing = (address: string, name: string, source: string): Running =>
  stage.run(["--import", "tsx", stage.program(name, source)], { GRAIN_ADDRESS: address }, stage.project);

function startWithContext(address: string, args: string[] = []): Promise<Running> {
  const context = moduleFile("context.ts", CONTEXT);
  return stage.worker(address, ["--name", "w1", "--cpus", "2", "--context", context, ...args]);
}

async function withContext(): Promise<{ address: string; worker: Running }> {
  const { address } = await stage.head(["--lease", "1s"]);
  return { address, worker: await startWithContext(address) };
}

describe("a context", () => {
  it("is there for tasks, once for each executor, and gone when the worker has left", async () => {
    const { address, worker } = await withContext();
    expect(sleeps()).toHaveLength(1);
    const { stdout, code, stderr } = await stage.play(stage.program("look.ts", PROGRAM), {
      GRAIN_ADDRESS: address,
    });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^\{"executor":[01],"own":true,"folder":true,"open":"a function"\} [12]\n/);
    expect(stdout).toContain("[ undefined, undefined ]");
    expect(left().length).toBeGreaterThan(1);
    worker.kill("SIGTERM");
    expect((await worker.ended).code).toBe(0);
    expect([left(), sleeps()]).toEqual([[], []]);
  });

  it("may be named in grain.toml, and is wrong there with file and line", async () => {
    const { address } = await stage.head();
    moduleFile("context.ts", CONTEXT);
    const config = moduleFile("grain.toml", 'contextmod = "context.ts"\n');
    const worker = await stage.worker(address, ["--cpus", "1", "--config", config]);
    expect(left().length).toBeGreaterThan(0);
    worker.kill("SIGTERM");
    await worker.ended;
    expect(left()).toEqual([]);
    moduleFile("grain.toml", '\ncontextmod = "nowhere.ts"\n');
    const wrong = stage.start("grain-worker", ["--address", address, "--config", config]);
    expect((await wrong.ended).code).toBe(2);
    expect(wrong.stderr).toContain(
      `${config}:2: contextmod: there is no file ${stage.directory}/nowhere.ts.`,
    );
  });

  it("is torn down when the worker is ended with what runs", async () => {
    const { address, worker } = await withContext();
    const program = playing(address, "endless.ts", ENDLESS);
    await program.until(/attempt 1 on w1/);
    worker.kill("SIGTERM");
    await worker.until(/leaving when 1 task has ended/);
    worker.kill("SIGTERM");
    expect((await worker.ended).code).toBe(0);
    // The process of the task that was ended had no time for it.
    expect(left().filter((name) => !name.startsWith("executor-"))).toEqual([]);
    expect(sleeps()).toEqual([]);
    program.kill("SIGKILL");
  });

  it("is torn down when the worker is killed", async () => {
    const { worker } = await withContext();
    worker.kill("SIGKILL");
    await worker.ended;
    await vi.waitFor(
      () => expect([left().filter((name) => name.startsWith("w1-")), sleeps()]).toEqual([[], []]),
      {
        timeout: 20_000,
        interval: 100,
      },
    );
  });

  it("is torn down before the walltime ends", async () => {
    const { address } = await stage.head(["--lease", "1s"]);
    const program = playing(address, "endless.ts", `console.log("begins");${ENDLESS}`);
    await program.until(/begins/);
    // Its time runs from now on, and a task waits for it.
    const worker = await startWithContext(address, ["--walltime", "16"]);
    await Promise.race([program.until(/attempt 1 on w1/), worker.ended]);
    expect((await worker.ended).code).toBe(0);
    expect(left().filter((name) => name.startsWith("w1-"))).toEqual([]);
    program.kill("SIGKILL");
  });

  it.each([
    ["set up", "export default () => { throw new Error('no room'); };", "could not be set up: no room"],
    [
      "set up in an executor",
      "export default () => ({ value: 1, [Symbol.dispose]() {} }); export const executor = () => { throw new Error('no room'); };",
      "could not be set up in an executor: no room",
    ],
    [
      "survived by an executor",
      "export default () => ({ value: 1, [Symbol.dispose]() {} }); export const executor = () => process.exit(7);",
      "could not be set up in an executor: its process ended with exit code 7.",
    ],
  ])("that cannot be %s keeps the worker from joining", async (_, source, message) => {
    const { address } = await stage.head();
    const context = moduleFile("context.mjs", source);
    const worker = stage.start("grain-worker", ["--address", address, "--cpus", "1", "--context", context]);
    expect((await worker.ended).code).toBe(1);
    expect(worker.stderr).not.toContain("Joined the head");
    expect(worker.stderr.trim().split("\n").at(-1)).toBe(`grain-worker: The context ${context} ${message}`);
  });

  it("that one executor cannot set up ends the worker, and its task runs elsewhere", async () => {
    const { address } = await stage.head();
    const source = `
export default () => ({ value: 1, [Symbol.dispose]() {} });
export function executor(value, { executor }) {
  if (executor > 0) throw new Error("only one fits");
  return { value, [Symbol.dispose]() {} };
}`;
    const context = moduleFile("context.mjs", source);
    const offers = ["--cpus", "1", "--res", '{"capacity":1}'];
    const worker = await stage.worker(address, ["--name", "w1", ...offers, "--context", context]);
    // A task that asks for no core does not share the process of one that does.
    const both = ENDLESS.replace(
      "await endless.with(cores(1))()",
      "String(await Promise.all([endless.with(cores(1))(), endless.with({ capacity: 1 })()]))",
    );
    const program = playing(address, "both.ts", both);
    expect((await worker.ended).code).toBe(1);
    expect(worker.stderr.trim().split("\n").at(-1)).toBe(
      `grain-worker: The context ${context} could not be set up in an executor: only one fits`,
    );
    await stage.worker(address, ["--name", "w2", ...offers]);
    await program.until(/ran on w2,w2/);
  });
});

const SERVICE = `
import { createServer } from "node:http";
import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export async function start({ worker }) {
  const server = fork(new URL("server.mjs", import.meta.url), [worker]);
  const [port] = await once(server, "message");
  return {
    connection: { port },
    ended: once(server, "exit"),
    async [Symbol.asyncDispose]() { server.kill(); },
  };
}

export async function connect({ port }, { executor }) {
  const ask = async (path) => (await fetch("http://127.0.0.1:" + port + "/" + path)).text();
  return { value: { ask, executor }, async [Symbol.asyncDispose]() {} };
}
`;

const SERVER = `
import { createServer } from "node:http";
const server = createServer((request, response) => {
  if (request.url === "/crash") process.exit(3);
  response.end(process.argv[2] + request.url + " of " + process.pid);
});
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
`;

const ASK = `
import { cores, currentTask, delayed, run } from "grain-scheduler";
interface Client { ask(path: string): Promise<string> }
const ask = delayed(
  async function ask(path: string) {
    return (currentTask().service as Client).ask(path);
  },
);
const crash = delayed(async function crash(before: string) {
  const { service, signal } = currentTask();
  const client = service as Client;
  if ((await client.ask("first")) === before) {
    await client.ask("crash").catch(() => {});
    // The worker notices, ends this task, and gives it back.
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }
  return client.ask("again");
});
await run(async () => {
  const first = await ask.with(cores(1))("first");
  console.log(first);
  if (process.argv[2] === "crash") console.log(await crash.with(cores(1))(first));
});
`;

describe("a service", () => {
  const start = async () => {
    const { address } = await stage.head();
    moduleFile("server.mjs", SERVER);
    const service = moduleFile("service.mjs", SERVICE);
    const worker = await stage.worker(address, ["--name", "w1", "--cpus", "1", "--service", service]);
    return { address, worker };
  };
  const servers = () => marked(stage.marker).filter((pid) => commandLine(pid).includes("server.mjs"));

  it("answers tasks, and ends with its worker", async () => {
    const { address, worker } = await start();
    const { stdout } = await stage.play(stage.program("ask.ts", ASK), { GRAIN_ADDRESS: address });
    expect(stdout).toMatch(/^w1\/first of \d+\n$/);
    expect(servers()).toHaveLength(1);
    worker.kill("SIGTERM");
    expect((await worker.ended).code).toBe(0);
    expect(servers()).toEqual([]);
  });

  it("that dies under a task is started again, and the task runs again", async () => {
    const { address, worker } = await start();
    const [first] = servers();
    const { stdout, stderr } = await stage.play(stage.program("ask.ts", ASK), { GRAIN_ADDRESS: address }, [
      "crash",
    ]);
    expect(stdout, stderr + worker.stderr).toMatch(/w1\/again of \d+\n$/);
    expect(servers()).not.toContain(first);
    await worker.until(/ERROR The service .*service\.mjs does not run any more: its server ended/);
  });

  it("is gone when the worker is killed", async () => {
    const { worker } = await start();
    expect(servers()).toHaveLength(1);
    worker.kill("SIGKILL");
    await worker.ended;
    await vi.waitFor(() => expect(servers()).toEqual([]), { timeout: 20_000, interval: 100 });
  });

  it("without a server is the client's side only", async () => {
    const { address } = await stage.head();
    const source = `export const connect = (connection, { worker, executor }) => ({
  value: { ask: async (path) => [connection, worker, executor, path].join() }, async [Symbol.asyncDispose]() {} });`;
    const service = moduleFile("cloud.mjs", source);
    await stage.worker(address, ["--name", "w1", "--cpus", "1", "--service", service]);
    const { stdout, stderr } = await stage.play(stage.program("ask.ts", ASK), { GRAIN_ADDRESS: address });
    expect(stdout, stderr).toBe(",w1,0,first\n");
  });
});
