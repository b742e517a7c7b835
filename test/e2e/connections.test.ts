/** Connections that are lost in mid-run: nothing is lost with them, and nothing runs twice. */

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startHead } from "../../head/shell/start.js";
import { Cable } from "../kit/cable.js";
import { type Running, Stage } from "../kit/daemons.js";

let stage: Stage;
let proxies: Cable[];
beforeEach(() => {
  // As on another machine than the head's: all goes over the connections that are cut.
  vi.stubEnv("GRAIN_SHARED_DIR", "");
  stage = new Stage();
  proxies = [];
});
afterEach(async () => {
  await stage.close();
  for (const proxy of proxies) await proxy.close();
  vi.unstubAllEnvs();
});

async function proxyTo(address: string): Promise<Cable> {
  const proxy = await Cable.to(address);
  proxies.push(proxy);
  return proxy;
}

const HEADER = `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { cores, currentTask, delayed, each, run } from "grain-scheduler";
const { LOG, GATE } = process.env as Record<string, string>;
`;

/** Runs a program against a head that it reaches through a proxy. */
function program(source: string, address: string, env: Record<string, string> = {}): Running {
  const file = stage.program(`program-${Math.random().toString(36).slice(2)}.ts`, HEADER + source);
  const LOG = `${stage.directory}/log`;
  return stage.run(
    ["--import", "tsx", file],
    { GRAIN_ADDRESS: address, LOG, GATE: `${stage.directory}/gate`, ...env },
    stage.project,
  );
}

const log = () => readFileSync(`${stage.directory}/log`, "utf8").trimEnd().split("\n");

/** Resolves when the log has so many lines. */
async function logged(lines: number): Promise<void> {
  for (;;) {
    try {
      if (log().length >= lines) return;
    } catch {}
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Cuts a connection again and again, each time after so much has come through, until the program has ended. */
async function cutting(proxy: Cable, everyBytes: number, running: Running): Promise<number> {
  let cuts = 0;
  let over = false;
  void running.ended.then(() => {
    over = true;
  });
  while (!over) {
    await Promise.race([proxy.passes(everyBytes), running.ended]);
    if (over) break;
    proxy.cut();
    cuts += 1;
  }
  return cuts;
}

describe("connections that are cut again and again", () => {
  it("lose none of many short tasks, and run none twice", async () => {
    const { address } = await stage.head();
    const [forWorker, forClient] = [await proxyTo(address), await proxyTo(address)];
    await stage.worker(forWorker.address, ["--cpus", "2"]);
    const running = program(
      `
const double = delayed(function double(n: number, log: string) { appendFileSync(log, n + " " + currentTask().attempt + "\\n"); return 2 * n; });
await run(async () => {
  const sums: number[] = [];
  for (let round = 0; round < 10; round += 1)
    sums.push((await each(Array.from({ length: 300 }, (_, n) => double.with(cores(1))(300 * round + n, LOG!)))).reduce((a, b) => a + b, 0));
  console.log(sums.reduce((a, b) => a + b, 0));
});
`,
      forClient.address,
    );
    const cuts = await Promise.all([cutting(forWorker, 20_000, running), cutting(forClient, 6_000, running)]);
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(running.stdout.trim()).toBe(String(3000 * 2999));
    expect(Math.min(...cuts)).toBeGreaterThan(2);
    const lines = log();
    expect(new Set(lines).size).toBe(3000);
    // One whose assignment never reached the worker has another number, but has run once too.
    expect(lines.length).toBe(3000);
  }, 120_000);

  it("damage no large value that is moved", async () => {
    // As between machines: nothing is handed over in shared memory.
    const apart = { GRAIN_SHARED_DIR: "" };
    const { address } = await stage.head();
    const [forWorker, forClient] = [await proxyTo(address), await proxyTo(address)];
    const worker = stage.start("grain-worker", ["--address", forWorker.address, "--cpus", "2"], apart);
    await worker.until(/Joined the head/);
    const running = program(
      `
const turn = delayed(function turn(bytes: Uint8Array) { return bytes.map((byte) => byte ^ 255); });
await run(async () => {
  const inputs = Array.from({ length: 8 }, (_, n) => new Uint8Array(3_000_000).fill(n));
  const outputs = await each(inputs.map((input) => turn.with(cores(1))(input)));
  console.log(outputs.every((output, n) => output.length === 3_000_000 && output.every((byte) => byte === (n ^ 255))));
});
`,
      forClient.address,
      apart,
    );
    const cuts = await Promise.all([
      cutting(forWorker, 4_000_000, running),
      cutting(forClient, 4_000_000, running),
    ]);
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(running.stdout.trim()).toBe("true");
    expect(Math.min(...cuts)).toBeGreaterThan(0);
  }, 120_000);
});

const HOLD = `
const hold = delayed(async function hold(n: number, log: string, gate: string) {
  appendFileSync(log, "start " + n + " " + currentTask().worker + " " + currentTask().attempt + "\\n");
  while (!existsSync(gate)) await pause(5);
  appendFileSync(log, "end " + n + "\\n");
  return n;
});
await run(async () => {
  console.log(JSON.stringify(await each(Array.from({ length: 2 }, (_, n) => hold.with(cores(1))(n, LOG!, GATE!)))));
});
`;

async function openGate(): Promise<void> {
  const { writeFile } = await import("node:fs/promises");
  await writeFile(`${stage.directory}/gate`, "");
}

describe("a connection for large values", () => {
  it("that hangs is given up when the connection to the head comes back", async () => {
    const apart = { GRAIN_SHARED_DIR: "" };
    const { address } = await stage.head();
    const proxy = await proxyTo(address);
    const worker = stage.start("grain-worker", ["--address", proxy.address, "--cpus", "1"], apart);
    await worker.until(/Joined the head/);
    const running = program(
      `
const size = delayed(function size(bytes: Uint8Array) { return bytes.length; });
await run(async () => { console.log(await size.with(cores(1))(new Uint8Array(3_000_000))); });
`,
      address,
      apart,
    );
    await Promise.race([proxy.strand(1_500_000), running.ended]);
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(running.stdout.trim()).toBe("3000000");
    expect(worker.stderr).toMatch(/The connection to the head is back/);
  });
});

describe("a worker that is cut off", () => {
  it("goes on with what it runs, and reports what ended meanwhile", async () => {
    const { head, address } = await stage.head();
    const proxy = await proxyTo(address);
    const worker = await stage.worker(proxy.address, ["--name", "w1", "--cpus", "2"]);
    const running = program(HOLD, address);
    await logged(2);
    proxy.lets = false;
    await head.until(/worker "w1" is cut off/);
    await openGate();
    await logged(4);
    proxy.lets = true;
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(running.stdout.trim()).toBe("[0,1]");
    expect(
      log()
        .filter((line) => line.startsWith("start"))
        .sort(),
    ).toEqual(["start 0 w1 1", "start 1 w1 1"]);
    expect(worker.stderr).toMatch(/The connection to the head is back/);
  }, 60_000);

  it("for too long loses its tasks to another, and ends them when it is back", async () => {
    const { head, address } = await stage.head(["--resume", "1s"]);
    const proxy = await proxyTo(address);
    const worker = await stage.worker(proxy.address, ["--name", "w1", "--cpus", "2"]);
    const running = program(HOLD, address);
    await logged(2);
    proxy.lets = false;
    await head.until(/worker "w1" is lost/);
    await worker.until(/its tasks here were ended/);
    await stage.worker(address, ["--name", "w2", "--cpus", "2"]);
    await logged(4);
    await openGate();
    expect((await running.ended).code, running.stderr).toBe(0);
    const starts = log().filter((line) => line.startsWith("start"));
    expect(starts.sort()).toEqual(["start 0 w1 1", "start 0 w2 2", "start 1 w1 1", "start 1 w2 2"]);
    proxy.lets = true;
    await worker.until(/Joined the head.*Joined the head/s);
  }, 60_000);

  it("because it was stopped for longer than heartbeats allow goes on when it is continued", async () => {
    const head = await startHead({ listen: ["127.0.0.1:0"], heartbeatMs: 500 });
    try {
      const address = head.addresses[0]!;
      const worker = await stage.worker(address, ["--name", "w1", "--cpus", "2"]);
      const running = program(HOLD, address);
      await logged(2);
      worker.kill("SIGSTOP");
      const isSilent = () => head.head.status().workers[0]!.state === "suspect";
      while (!isSilent()) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(head.head.status().workers[0]).toMatchObject({ name: "w1", running: 2 });
      expect(head.head.explain(1, 1).text).toMatch(/connection to that worker was lost/);
      await openGate();
      worker.kill("SIGCONT");
      expect((await running.ended).code, running.stderr).toBe(0);
      expect(
        log()
          .filter((line) => line.startsWith("start"))
          .sort(),
      ).toEqual(["start 0 w1 1", "start 1 w1 1"]);
    } finally {
      await head.close();
    }
  }, 60_000);
});

describe("a program that is cut off", () => {
  it("goes on when it is back, and says what it waits for", async () => {
    const { head, address } = await stage.head();
    const proxy = await proxyTo(address);
    await stage.worker(address, ["--name", "w1", "--cpus", "2"]);
    const running = program(HOLD, proxy.address);
    await logged(2);
    proxy.lets = false;
    await head.until(/client .* is cut off/);
    await running.until(/lost the connection to the head at .*; trying again/);
    await openGate();
    await logged(4);
    proxy.lets = true;
    expect((await running.ended).code, running.stderr).toBe(0);
    expect(running.stdout.trim()).toBe("[0,1]");
  }, 60_000);

  it("for longer than its lease fails, and its tasks are ended", async () => {
    const { head, address } = await stage.head(["--lease", "1s"]);
    const proxy = await proxyTo(address);
    await stage.worker(address, ["--name", "w1", "--cpus", "2"]);
    const running = program(HOLD, proxy.address);
    await logged(2);
    proxy.lets = false;
    await head.until(/client .* left \(cut off for 1 s\)/);
    expect((await running.ended).code).toBe(1);
    expect(running.stderr).toMatch(
      /ConnectionError: The connection to the head at .* was lost .*2 unfinished calls/,
    );
    expect(log().some((line) => line.startsWith("end"))).toBe(false);
  }, 60_000);
});
