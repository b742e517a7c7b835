/** One program over a real head and real workers, in directories that hold none of its files. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, Stage } from "../kit/daemons.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const SQUARES = `
import { writeFileSync } from "node:fs";
import { cores, currentTask, delayed, each, run } from "grain-scheduler";

const offset: number = 1000;
const square = delayed(async function square(n: number): Promise<{ value: number; worker: string; cores: number[]; cwd: string }> {
  const { worker, resources } = currentTask();
  return { value: n * n + offset, worker, cores: resources.cores, cwd: process.cwd() };
});

await run(async () => {
  const onOne = square.with(cores(1));
  const results = await each(Array.from({ length: 20 }, (_, n) => onOne(n)));
  console.log(JSON.stringify(results));
});
`;

interface Square {
  value: number;
  worker: string;
  cores: number[];
  cwd: string;
}

const expected = Array.from({ length: 20 }, (_, n) => n * n + 1000);

describe("a program without a guard", () => {
  it("runs embedded and, unchanged, on workers that have none of its files", async () => {
    const file = stage.program("squares.ts", SQUARES);
    const alone = await stage.play(file);
    expect(alone.stderr).toBe("");
    const local = JSON.parse(alone.stdout) as Square[];
    expect(local.map(({ value }) => value)).toEqual(expected);

    const { address } = await stage.head();
    const workers = [
      await stage.worker(address, ["--name", "east", "--cpus", "1"]),
      await stage.worker(address, ["--name", "west", "--cpus", "1"]),
    ];
    const remote = await stage.play(file, { GRAIN_ADDRESS: address });
    expect(remote.code, remote.stderr).toBe(0);
    const results = JSON.parse(remote.stdout) as Square[];
    expect(results.map(({ value }) => value)).toEqual(expected);
    for (const { worker } of results) expect(["east", "west"]).toContain(worker);
    for (const { cwd } of results)
      expect(workers.some(({ directory }) => cwd.startsWith(directory) || cwd !== stage.project)).toBe(true);
  });

  it("runs through `grain run`, TypeScript and JavaScript alike", async () => {
    const typescript = stage.program("squares.ts", SQUARES);
    const javascript = stage.program(
      "plain.mjs",
      `import { cores, delayed, run } from "grain-scheduler";
const double = delayed(function double(n) { return 2 * n; });
const result = await run(async () => await double.with(cores(1))(21));
console.log(result);
`,
    );
    for (const [file, shown] of [
      [typescript, /"value":1361/],
      [javascript, /^42$/m],
    ] as const) {
      const running = stage.start("grain", ["run", file]);
      expect((await running.ended).code, running.stderr).toBe(0);
      expect(running.stdout).toMatch(shown);
    }
  });

  it("waits for a head and for workers, which may come in any order", async () => {
    const socket = `unix://${stage.directory}/head.sock`;
    const worker = stage.start("grain-worker", ["--address", socket, "--cpus", "2"]);
    await worker.until(/still trying|No head/i);
    const file = stage.program("squares.ts", SQUARES);
    const program = stage.run(["--import", "tsx", file], { GRAIN_ADDRESS: socket }, stage.project);
    await program.until(/still trying|No head/i);
    stage.start("grain-head", ["--listen", socket]);
    expect((await program.ended).code, program.stderr).toBe(0);
    expect((JSON.parse(program.stdout) as Square[]).map(({ value }) => value)).toEqual(expected);
  });
});

describe("several at once", () => {
  const NAMED = `
import { cores, delayed, each, run } from "grain-scheduler";
const tag = delayed(function tag(name: string, n: number) { return name + n; });
const me = process.env.ME!;
await run(async () => {
  const results = await each(Array.from({ length: 300 }, (_, n) => tag.with(cores(1))(me, n)));
  console.log(results.every((result, n) => result === me + n) ? "all mine" : "mixed up");
});
`;

  it("gives each client its own results only", async () => {
    const { address } = await stage.head();
    await stage.worker(address, ["--cpus", "2"]);
    const file = stage.program("named.ts", NAMED);
    const programs = await Promise.all(
      ["ann", "bob", "cyd"].map((ME) => stage.play(file, { GRAIN_ADDRESS: address, ME })),
    );
    for (const { stdout, stderr } of programs) expect(stdout, stderr).toBe("all mine\n");
  });

  it("lets workers come and go; what a killed one had runs elsewhere", async () => {
    const { address } = await stage.head(["--resume", "1s"]);
    const file = stage.program(
      "slow.ts",
      `
import { appendFileSync } from "node:fs";
import { cores, currentTask, delayed, each, run } from "grain-scheduler";
const hold = delayed(async function hold(n: number, log: string) {
  appendFileSync(log, "start " + n + " " + currentTask().worker + " " + currentTask().attempt + "\\n");
  if (currentTask().worker === "doomed") await new Promise(() => setInterval(() => {}, 1000));
  return n;
});
await run(async () => {
  console.log(JSON.stringify(await each(Array.from({ length: 6 }, (_, n) => hold.with(cores(1))(n, process.env.LOG!)))));
});
`,
    );
    const LOG = `${stage.directory}/log`;
    const doomed = await stage.worker(address, ["--name", "doomed", "--cpus", "2"]);
    const program = stage.run(["--import", "tsx", file], { GRAIN_ADDRESS: address, LOG }, stage.project);
    const { readFile } = await import("node:fs/promises");
    for (
      let text = "";
      (text.match(/doomed/g) ?? []).length < 2;
      text = await readFile(LOG, "utf8").catch(() => "")
    ) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    doomed.kill("SIGKILL");
    await doomed.ended;
    await stage.worker(address, ["--name", "saviour", "--cpus", "2"]);
    expect((await program.ended).code, program.stderr).toBe(0);
    expect(JSON.parse(program.stdout)).toEqual([0, 1, 2, 3, 4, 5]);
    const log = await readFile(LOG, "utf8");
    expect(log).toMatch(/start 0 saviour 2/);
    expect(log).toMatch(/start 5 saviour 1/);
  });

  it("takes the prioritized client's tasks first", async () => {
    const { address } = await stage.head();
    const file = stage.program(
      "order.ts",
      `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { cores, delayed, each, run } from "grain-scheduler";
const note = delayed(async function note(log: string, name: string, gate: string) {
  while (!existsSync(gate)) await pause(5);
  appendFileSync(log, name + "\\n");
});
const { LOG, GATE, NAME, COUNT } = process.env as Record<string, string>;
await run(async () => {
  const tasks = Array.from({ length: Number(COUNT) }, () => note.with(cores(1))(LOG!, NAME!, GATE!));
  console.log("submitted");
  await each(tasks);
}, { prioritized: NAME === "urgent" });
`,
    );
    await stage.worker(address, ["--cpus", "1"]);
    const LOG = `${stage.directory}/order`;
    const GATE = `${stage.directory}/gate`;
    const common = { GRAIN_ADDRESS: address, LOG, GATE };
    const start = async (NAME: string, COUNT: string) => {
      const program = stage.run(["--import", "tsx", file], { ...common, NAME, COUNT }, stage.project);
      await program.until(/submitted/);
      return program;
    };
    const plain = await start("plain", "8");
    const urgent = await start("urgent", "4");
    const ask = async () => {
      const asked = stage.start("grain", ["ls", "--json", "--address", address]);
      await asked.ended;
      return asked;
    };
    for (;;) {
      const { sessions } = JSON.parse(await answerOf(ask)) as {
        sessions: { queued: number; running: number }[];
      };
      if (sessions.reduce((sum, { queued, running }) => sum + queued + running, 0) === 12) break;
    }
    const { writeFile, readFile } = await import("node:fs/promises");
    await writeFile(GATE, "");
    expect((await plain.ended).code, plain.stderr).toBe(0);
    expect((await urgent.ended).code, urgent.stderr).toBe(0);
    const order = (await readFile(LOG, "utf8")).trim().split("\n");
    // What ran, or had been sent ahead, when the urgent client came, is not taken away again.
    expect(order.indexOf("urgent")).toBeLessThanOrEqual(2);
    expect(order.lastIndexOf("urgent")).toBeLessThanOrEqual(5);
  });
});
