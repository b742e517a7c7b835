/** What tasks do wrong: it concerns them alone, and comes home with a reason. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Stage, withoutChance } from "../kit/daemons.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const HEADER = `
import { cores, currentTask, delayed, each, run, TaskError } from "grain-scheduler";
`;

async function onWorker(
  source: string,
  cpus = "2",
): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const { address } = await stage.head();
  await stage.worker(address, ["--name", "w1", "--cpus", cpus]);
  return stage.play(stage.program("program.ts", HEADER + source), { GRAIN_ADDRESS: address });
}

describe("errors come home", () => {
  it("with name, message, fields, nested cause, and the user's own file and line", async () => {
    const { stdout, stderr } = await onWorker(`
import { inspect } from "node:util";
class SolverError extends Error {
  override name = "SolverError";
  constructor(message: string, readonly iterations: number, options?: ErrorOptions) { super(message, options); }
}
const solve = delayed(async function solve(n: number) {
  throw new SolverError("did not converge", n, { cause: new RangeError("step too small") });
});
await run(async () => {
  try {
    await solve.with(cores(1))(42);
  } catch (error) {
    const { message, cause } = error as TaskError & { cause: Error & { iterations: number; cause: Error } };
    console.log(JSON.stringify({
      isTaskError: error instanceof TaskError, message, name: cause.name, text: cause.message,
      iterations: cause.iterations, inner: cause.cause.name + ": " + cause.cause.message,
      line: /program\\.ts:(\\d+)/.exec(cause.stack!)?.[1], stack: cause.stack,
      own: (error as Error).stack, printed: inspect(error),
    }));
  }
});
`);
    expect(withoutChance(stderr)).toBe("");
    const seen = JSON.parse(stdout);
    expect(seen).toMatchObject({
      isTaskError: true,
      name: "SolverError",
      text: "did not converge",
      iterations: 42,
      inner: "RangeError: step too small",
    });
    expect(seen.message).toMatch(/solve.*w1.*did not converge/s);
    expect(seen.line, seen.stack).toBe("10");
    // What a person prints: the same place, and nothing of this package.
    expect(seen.own).toMatch(
      /^TaskError: solve .*\n {4}at worker w1, task \d+\.\d+\n {4}at solve \(.*program\.ts:10/,
    );
    expect(seen.printed).toMatch(/^TaskError: solve \(task .*\[cause\]: .*SolverError\]?: did not converge/s);
    expect(seen.printed).not.toMatch(/(client|proto|dist)\/\w+/);
  });
});

describe("a task that dies", () => {
  it.each([
    ["process.exit(3)", "process.exit(3)", /exit(ed with)? code 3/],
    ["kill -9", "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})", /SIGKILL/],
    [
      "an uncaught exception",
      "setTimeout(() => { throw new Error('from a timer') }); await new Promise(() => {})",
      /from a timer/,
    ],
    [
      "an unhandled rejection",
      "void Promise.reject(new Error('nobody caught me')); await new Promise(() => {})",
      /nobody caught me/,
    ],
  ])("by %s fails alone, with the reason", async (_name, how, reason) => {
    const { stdout, stderr } = await onWorker(`
const die = delayed(async function die() { ${how}; });
const live = delayed(async function live(n: number) { return n; });
await run(async () => {
  const others = Array.from({ length: 10 }, (_, n) => live.with(cores(1))(n));
  const death = die.with(cores(1))().then(() => "survived", (error: Error) => error.name + ": " + error.message);
  console.log(JSON.stringify([await death, await each(others), await live.with(cores(1))(99)]));
});
`);
    // What Node itself says of an uncaught error comes home as the task's output.
    for (const line of withoutChance(stderr).trim().split("\n").filter(Boolean))
      expect(line).toMatch(/^\[die#\d+ w1\]/);
    const [death, others, last] = JSON.parse(stdout);
    expect(death).toMatch(reason);
    expect(death).toMatch(/^TaskError.*die/);
    expect(others).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(last).toBe(99);
  });

  it("is repeated as often as asked, with its attempt told", async () => {
    const { stdout, stderr } = await onWorker(`
const flaky = delayed(async function flaky() {
  const { attempt } = currentTask();
  if (attempt === 1) process.exit(1);
  if (attempt === 2) throw new Error("again");
  return attempt;
}, { retries: 2 });
await run(async () => console.log(await flaky.with(cores(1))()));
`);
    expect(stdout, stderr).toBe("3\n");
  });
});

describe("a task that spins", () => {
  it("delays no other task and no heartbeat", async () => {
    const { stdout, stderr } = await onWorker(`
import { existsSync, writeFileSync } from "node:fs";
const spin = delayed(function spin(gate: string) { while (!existsSync(gate)); return "spun"; });
const quick = delayed(function quick(n: number) { return n; });
await run(async () => {
  const gate = process.argv[1] + ".gate";
  const spun = spin.with(cores(1))(gate);
  for (let n = 0; n < 200; n += 1) if ((await quick.with(cores(1))(n)) !== n) throw new Error("wrong");
  // It would spin for ever if the others waited for it.
  writeFileSync(gate, "");
  console.log(await spun);
});
`);
    expect(stdout, stderr).toBe("spun\n");
  });
});

describe("cancelling", () => {
  it("ends siblings of a failure: their signal fires, their programs end", async () => {
    const { stdout, code } = await onWorker(`
import { appendFileSync, readFileSync } from "node:fs";
const log = process.argv[1] + ".log";
const watch = delayed(async function watch(log: string) {
  const { signal, $ } = currentTask();
  // A process that comes late to hear of its end is not ended for that.
  process.on("SIGTERM", () => {});
  const program = $\`sleep 600\`;
  appendFileSync(log, "pid " + (await program.pid) + "\\n");
  signal.addEventListener("abort", () => appendFileSync(log, "aborted\\n"));
  await program;
});
const fail = delayed(async function fail(log: string) {
  while (!readFileSync(log, "utf8").includes("pid")) await new Promise((resolve) => setTimeout(resolve, 5));
  throw new Error("enough");
});
appendFileSync(log, "");
try {
  await run(async () => {
    const watched = watch.with(cores(1))(log);
    await each(watched, fail.with(cores(1))(log));
  });
} catch (error) {
  const text = readFileSync(log, "utf8");
  const pid = Number(/pid (\\d+)/.exec(text)![1]);
  let alive = true;
  try { process.kill(pid, 0); } catch { alive = false; }
  console.log(JSON.stringify({ message: (error as Error).message, aborted: text.includes("aborted"), alive }));
}
`);
    expect(code).toBe(0);
    const seen = JSON.parse(stdout);
    expect(seen.message).toContain("enough");
    expect(seen).toMatchObject({ aborted: true, alive: false });
  });

  it("leaves no process when the program is killed", async () => {
    const { address } = await stage.head(["--lease", "1s"]);
    await stage.worker(address, ["--cpus", "1"]);
    const file = stage.program(
      "long.ts",
      `${HEADER}
const long = delayed(async function long() { console.log("pid", await currentTask().$\`sleep 600\`.pid); await new Promise(() => setInterval(() => {}, 1000)); });
await run(async () => { await long.with(cores(1))(); });
`,
    );
    const program = stage.run(["--import", "tsx", file], { GRAIN_ADDRESS: address }, stage.project);
    const [, pid] = await program.until(/pid (\d+)/);
    program.kill("SIGKILL");
    await program.ended;
    for (let alive = true; alive; ) {
      try {
        process.kill(Number(pid), 0);
        await new Promise((resolve) => setTimeout(resolve, 10));
      } catch {
        alive = false;
      }
    }
  });
});

describe("what tasks print", () => {
  it("appears at the client, prefixed, in order per task", async () => {
    const { stdout, stderr } = await onWorker(`
const talk = delayed(async function talk(n: number) {
  for (let i = 0; i < 50; i += 1) console.log("line", n, i);
  console.error("trouble", n);
  await currentTask().$({ echo: true })\`echo from a program\`;
});
await run(async () => { await each([1, 2, 3].map((n) => talk.with(cores(1))(n))); });
`);
    for (const n of [1, 2, 3]) {
      const lines = stdout.split("\n").filter((line) => line.includes(`line ${n} `));
      expect(lines.map((line) => Number(/line \d (\d+)/.exec(line)![1]))).toEqual(
        Array.from({ length: 50 }, (_, i) => i),
      );
      expect(lines[0]).toMatch(/^\[talk#\d+ w1\] line/);
      expect(stderr).toMatch(new RegExp(`^\\[talk#\\d+ w1\\] trouble ${n}$`, "m"));
    }
    expect(stdout.match(/^\[talk#\d+ w1\] from a program$/gm)).toHaveLength(3);
  });
});
