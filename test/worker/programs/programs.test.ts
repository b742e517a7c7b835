import { spawn } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ProgramError } from "../../../proto/errors.js";
import type { Program, RunProgram } from "../../../proto/task.js";
import { createPrograms, disposePrograms, type ProgramsOptions } from "../../../worker/programs/index.js";

let dir: string;
const NODE = process.execPath;

beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), "grain-test-")));
});
afterEach(disposePrograms);
afterAll(() => rm(dir, { recursive: true, force: true }));

function make(options: Partial<ProgramsOptions> = {}): RunProgram {
  return createPrograms({ env: {}, signal: new AbortController().signal, print: () => {}, ...options });
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has ended, though nobody has collected it yet.
    return !/^State:\tZ/m.test(readStatus(pid));
  } catch {
    return false;
  }
}

function readStatus(pid: number): string {
  return existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, "utf8") : "";
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

async function firstLine(program: Program): Promise<string> {
  for await (const line of program) return line;
  throw new Error("no line");
}

async function failure(program: Promise<unknown>): Promise<ProgramError> {
  const error = await program.then(
    () => expect.unreachable(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProgramError);
  return error as ProgramError;
}

/** Where launchers keep their files. */
function launcherFiles(): string[] {
  return ["/dev/shm", tmpdir()].flatMap((place) =>
    existsSync(place) ? readdirSync(place).filter((name) => /^grain-\w{6}$/.test(name)) : [],
  );
}

describe("a program", () => {
  it("gives what it printed", async () => {
    const $ = make();
    const result = await $`sh -c ${"echo out; echo err >&2"}`;
    expect(result).toMatchObject({ stdout: "out", stderr: "err", exitCode: 0, signal: undefined });
    expect(result.command).toBe("sh -c 'echo out; echo err >&2'");
    expect(result.durationMs).toBeGreaterThan(0);
  });

  it("gets any arguments as they are", async () => {
    const $ = make();
    const show = "process.stdout.write(JSON.stringify(process.argv.slice(1)))";
    const hard = [
      "a b",
      "it's",
      '"',
      "\n\nx\n",
      "",
      "$HOME",
      "`id`",
      "*",
      "\\",
      "é\u0081\u0088ÿ",
      "日本🎉",
      "-n",
      "a=b",
      "\t",
    ];
    expect(JSON.parse((await $`${NODE} -e ${show} -- ${hard}`).stdout)).toEqual(hard);
  });

  it("gets any arguments as they are, whatever they are", async () => {
    const $ = make();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
        const argument = text.replaceAll("\0", "");
        const { stdout } = await $({ stripFinalNewline: false })`printf %s ${argument}`;
        expect(stdout).toBe(argument);
      }),
      { numRuns: 100 },
    );
  });

  it("is never one of the shell's own commands", async () => {
    const $ = make();
    for (const builtin of ["exit", "cd", "eval", "wait", "p", "e", "__grain_pid"])
      expect((await failure($`${builtin} 3`)).exitCode).toBe(127);
    expect((await $`echo A=b -e x`).stdout).toBe("A=b -e x");
  });

  it("takes a long command and long input", async () => {
    const $ = make();
    const text = "x'y z\n".repeat(15_000);
    expect((await $({ stripFinalNewline: false })`printf %s ${text}`).stdout).toBe(text);
    const input = Buffer.alloc(3_000_000, "line\n");
    expect((await $({ input })`wc -c`).stdout.trim()).toBe("3000000");
    expect((await $({ input: "é" })`cat`).stdout).toBe("é");
    expect((await $`cat`).stdout).toBe("");
  });

  it("runs where and with what it is told", async () => {
    const sub = join(dir, "a dir's");
    await mkdir(sub);
    const $ = make({ env: { GRAIN_A: "task's", GRAIN_B: "b", PATH: process.env.PATH } });
    const one = $({ cwd: sub, env: { GRAIN_B: undefined, "odd-name": "x\ny", GRAIN_C: "1" } });
    const show = `echo "$PWD|$GRAIN_A|\${GRAIN_B-none}|$GRAIN_C|$GRAIN_D" >&2`;
    expect((await one({ env: { GRAIN_D: "d" } })`sh -c ${show}`).stderr).toBe(`${sub}|task's|none|1|d`);
    expect((await one`${NODE} -p ${'process.env["odd-name"]'}`).stdout).toBe("x\ny");
    expect((await $`sh -c ${"echo $GRAIN_B$GRAIN_C; pwd"}`).stdout).toBe(`b\n${process.cwd()}`);
    await writeFile(join(sub, "tool"), "#!/bin/sh\necho tool $1\n");
    await chmod(join(sub, "tool"), 0o755);
    expect((await $({ cwd: sub })`./tool ${1}`).stdout).toBe("tool 1");
  });

  it("has nothing open but its three streams, and no signal ignored", async () => {
    const $ = make();
    const { stdout } =
      await $`sh -c ${"ls -l /proc/self/fd | grep -c 'grain-'; grep SigIgn /proc/self/status"}`;
    expect(stdout).toMatch(/^1\nSigIgn:\t0{16}$/);
  });

  it("keeps final newlines when asked", async () => {
    const $ = make();
    expect((await $`printf ${"a\n\n"}`).stdout).toBe("a\n");
    expect((await $({ stripFinalNewline: false })`printf ${"a\n\n"}`).stdout).toBe("a\n\n");
  });

  it("echoes when asked", async () => {
    const printed: [string, boolean][] = [];
    const $ = make({ print: (text, stderr) => printed.push([Buffer.from(text).toString(), stderr]) });
    await $`echo quiet`;
    await $({ echo: true })`sh -c ${"echo a; echo b >&2"}`;
    expect(printed).toEqual([
      ["a\n", false],
      ["b\n", true],
    ]);
  });

  it("is bound to its cores", async () => {
    const all = (await make()`grep Cpus_allowed_list /proc/self/status`).stdout;
    const core = Number(/\t(\d+)/.exec(all)?.[1]);
    const bound = make({ cores: [core] });
    expect((await bound`grep Cpus_allowed_list /proc/self/status`).stdout).toBe(
      `Cpus_allowed_list:\t${core}`,
    );
    expect((await make()`grep Cpus_allowed_list /proc/self/status`).stdout).toBe(all);
  });
});

describe("output", () => {
  it("arrives whole, however much it is", async () => {
    const $ = make();
    const { stdout, stderr } =
      await $`sh -c ${"head -c 50000000 /dev/zero | tr '\\0' a; head -c 3000000 /dev/zero | tr '\\0' b >&2"}`;
    expect(stdout.length).toBe(50_000_000);
    expect(stderr.length).toBe(3_000_000);
  });

  it("is read line by line while the program runs", async () => {
    const $ = make();
    const fifo = join(dir, "go");
    await $`mkfifo ${fifo}`;
    const program = $`sh -c ${`echo é1; read -r x <"$0"; echo "got $x"; printf end`} ${fifo}`;
    const lines: string[] = [];
    for await (const line of program) {
      lines.push(line);
      if (line === "é1") await writeFile(fifo, "word\n");
    }
    expect(lines).toEqual(["é1", "got word", "end"]);
    const again: string[] = [];
    for await (const line of program) again.push(line);
    expect(again).toEqual(lines);
    expect((await program).stdout).toBe("é1\ngot word\nend");
  });

  it("tells readers of a failure", async () => {
    const program = make()`sh -c ${"echo a; exit 4"}`;
    const lines: string[] = [];
    const read = async () => {
      for await (const line of program) lines.push(line);
    };
    expect((await failure(read())).exitCode).toBe(4);
    expect(lines).toEqual(["a"]);
  });

  it("may be closed early by the program", async () => {
    const fifo = join(dir, "closed");
    await make()`mkfifo ${fifo}`;
    const program = make()`sh -c ${'echo a; exec >&-; echo on >&2; read -r x <"$0"; echo "$x" >&2'} ${fifo}`;
    await program.pid;
    await writeFile(fifo, "b\n");
    expect(await program).toMatchObject({ stdout: "a", stderr: "on\nb" });
  });

  it("does not wait for a process that the program leaves behind, nor mix what it prints into others'", async () => {
    const $ = make();
    const fifo = join(dir, "left");
    await $`mkfifo ${fifo}`;
    const left = `(read -r x <"$0"; echo late; echo done >"$0") & echo $!`;
    const { stdout } = await $`sh -c ${left} ${fifo}`;
    const pid = Number(stdout);
    expect(alive(pid)).toBe(true);
    const others = await Promise.all(Array.from({ length: 20 }, (_, i) => $`echo ${i}`));
    await writeFile(fifo, "go\n");
    expect((await readFile(fifo, "utf8")).trim()).toBe("done");
    await until(() => !alive(pid));
    others.push(...(await Promise.all(Array.from({ length: 20 }, (_, i) => $`echo ${i}`))));
    expect(others.map((result) => result.stdout)).toEqual(
      [...Array(20).keys(), ...Array(20).keys()].map(String),
    );
  });
});

describe("a failure", () => {
  it("names the command, the code and the end of standard error, and where it was called", async () => {
    const error = await failure(make()`sh -c ${"echo part; seq 30 >&2; exit 3"}`);
    expect(error).toMatchObject({
      exitCode: 3,
      stdout: "part",
      command: "sh -c 'echo part; seq 30 >&2; exit 3'",
    });
    expect(error.signal).toBeUndefined();
    expect(error.message).toMatch(/^The program sh -c .* ended with exit code 3\. .*\n21\n(\d+\n)*30$/s);
    expect(error.stderr).toContain("\n30");
    expect(error.stack).toContain("programs.test.ts");
  });

  it.each([0, 1, 2, 42, 126, 127, 255])("reports exit code %i", async (code) => {
    const result = await make()({ reject: false })`sh -c ${`exit ${code}`}`;
    expect(result).toMatchObject({ exitCode: code, signal: undefined });
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL", "SIGSEGV", "SIGUSR1"])("reports %s", async (signal) => {
    const $ = make();
    const own = await failure($`sh -c ${`kill -${signal.slice(3)} $$`}`);
    expect(own).toMatchObject({ signal });
    expect(own.exitCode).toBeUndefined();
    expect(own.message).toContain(`was ended by ${signal}`);
    expect((await $`echo next`).stdout).toBe("next");
  });

  it.each<[string, (program: RunProgram) => Program, RegExp]>([
    [
      "a program that is not there",
      ($) => $`no-such-program x`,
      /was not started: no program "no-such-program" is found in PATH \(/,
    ],
    ["a path that is not there", ($) => $`/no/such x`, /\/no\/such is not there, or not executable/],
    [
      "a file that cannot be executed",
      ($) => $`/etc/passwd`,
      /\/etc\/passwd is not there, or not executable/,
    ],
    [
      "a directory that is not there",
      ($) => $({ cwd: "/no/such" })`true`,
      /there is no directory \/no\/such/,
    ],
  ])("says what is wrong with %s", async (_, act, message) => {
    expect((await failure(act(make()))).message).toMatch(message);
    expect((await failure(act(make()({ reject: false })))).message).toMatch(message);
  });
});

describe("ending a program", () => {
  /** Prints its own and a descendant's process id, then waits; `trap` is what it does about signals. */
  const family = (trap: string) =>
    `${trap} sh -c '${trap} echo $$; read x <"$0"; read x <"$0"' "$0" & echo $$; wait; wait; wait`;
  let fifo: string;
  let count = 0;

  async function start($: RunProgram, trap = ""): Promise<{ program: Program; pids: number[] }> {
    fifo = join(dir, `wait${++count}`);
    await make()`mkfifo ${fifo}`;
    const program = $`sh -c ${family(trap)} ${fifo}`;
    const pids: number[] = [];
    for await (const line of program) if (pids.push(Number(line)) === 2) break;
    expect(pids.every(alive)).toBe(true);
    return { program, pids };
  }

  it("reaches its whole process group", async () => {
    const { program, pids } = await start(make());
    expect(pids).toContain(await program.pid);
    program.kill();
    expect((await failure(program)).signal).toBe("SIGTERM");
    await until(() => !pids.some(alive));
  });

  it("by SIGKILL is sure, and later programs run", async () => {
    const $ = make();
    const { program, pids } = await start($, 'trap "" TERM INT;');
    program.kill("SIGTERM");
    program.kill("SIGKILL");
    expect((await failure(program)).signal).toBe("SIGKILL");
    expect(pids.some(alive)).toBe(false);
    expect((await $`echo on`).stdout).toBe("on");
  });

  it("spares other programs", async () => {
    const $ = make();
    const [one, other] = [await start($), await start($)];
    one.program.kill("SIGKILL");
    await failure(one.program);
    expect(other.pids.every(alive)).toBe(true);
    other.program.kill("SIGINT");
    expect((await failure(other.program)).signal).toBe("SIGINT");
  });

  it("may come before it has started", async () => {
    const program = make()`cat ${fifo}`;
    program.kill("SIGKILL");
    expect((await failure(program)).signal).toBe("SIGKILL");
    await expect(program.pid).resolves.toBeGreaterThan(0);
  });

  it("pauses and goes on", async () => {
    const { program, pids } = await start(make());
    program.kill("SIGSTOP");
    await until(() => pids.every((pid) => /^State:\tT/m.test(readStatus(pid))));
    program.kill("SIGCONT");
    program.kill("SIGTERM");
    expect((await failure(program)).signal).toBe("SIGTERM");
  });

  it("follows the task's signal, and says so", async () => {
    const task = new AbortController();
    const $ = make({ signal: task.signal });
    const { program, pids } = await start($);
    const reason = new Error("cancelled");
    task.abort(reason);
    const error = await failure(program);
    expect(error.signal).toBe("SIGTERM");
    expect(error.message).toContain("because its task is to end");
    expect(error.cause).toBe(reason);
    await until(() => !pids.some(alive));
    const later = await failure($`echo never`);
    expect(later.message).toContain("was not started, because its task is to end");
  });

  it("follows its own signal and time limit", async () => {
    const own = new AbortController();
    const { program } = await start(make()({ signal: own.signal }));
    own.abort();
    expect((await failure(program)).message).toContain("because its signal fired");
    const limited = await failure(make()({ timeoutMs: 20 })`cat ${fifo}`);
    expect(limited).toMatchObject({ signal: "SIGTERM" });
    expect(limited.message).toContain("longer than 20 ms");
  });

  it("leaves no listeners behind", async () => {
    const task = new AbortController();
    const $ = make({ signal: task.signal });
    await Promise.all(Array.from({ length: 5 }, () => $`true`));
    expect(getEventListeners(task.signal, "abort")).toHaveLength(0);
  });

  it("ends with the task what it left behind", async () => {
    const task = new AbortController();
    const left = make({ signal: task.signal })`sh -c ${'read x <"$0" & echo $!'} ${fifo}`;
    const pid = Number((await left).stdout);
    expect(alive(pid)).toBe(true);
    task.abort();
    await until(() => !alive(pid));
  });
});

describe("many programs", () => {
  it("run two at a time, 200 in all, each with its own output", async () => {
    const $ = make();
    const seen: string[] = [];
    const chain = async (from: number) => {
      for (let i = from; i < 200; i += 2) seen.push((await $`echo ${i}`).stdout);
    };
    await Promise.all([chain(0), chain(1)]);
    expect(seen.map(Number).sort((a, b) => a - b)).toEqual([...Array(200).keys()]);
  });

  it("run 300 at once", async () => {
    const $ = make();
    const results = await Promise.all(
      Array.from(
        { length: 300 },
        (_, i) => $({ input: `in${i}`, env: { GRAIN_I: String(i) } })`sh -c ${"cat; echo $GRAIN_I >&2"}`,
      ),
    );
    expect(results.map(({ stdout, stderr }) => `${stdout} ${stderr}`)).toEqual(
      results.map((_, i) => `in${i} ${i}`),
    );
  });
});

describe("the launcher", () => {
  it("leaves nothing when disposed of, and starts again", async () => {
    const before = launcherFiles();
    const $ = make();
    const fifo = join(dir, "dispose");
    await $`mkfifo ${fifo}`;
    const running = $`sh -c ${'echo $$; read x <"$0"'} ${fifo}`;
    const pid = Number(await firstLine(running));
    const shell = Number(/^PPid:\t(\d+)/m.exec(readStatus(pid))?.[1]);
    const launcher = Number(/^PPid:\t(\d+)/m.exec(readStatus(shell))?.[1]);
    expect(launcherFiles().length).toBe(before.length + 1);
    const left = Number((await $`sh -c ${'read x <"$0" & echo $!'} ${fifo}`).stdout);
    const ended = failure(running);
    await disposePrograms();
    expect((await ended).message).toContain("because this process is ending");
    await until(() => ![pid, shell, launcher, left].some(alive));
    expect(launcherFiles()).toEqual(before);
    expect((await $`echo again`).stdout).toBe("again");
  });

  it("that dies fails what runs, and is replaced", async () => {
    const $ = make();
    const fifo = join(dir, "lost");
    await $`mkfifo ${fifo}`;
    const running = $`sh -c ${'echo $$; read x <"$0"'} ${fifo}`;
    const pid = Number(await firstLine(running));
    const shell = Number(/^PPid:\t(\d+)/m.exec(readStatus(pid))?.[1]);
    process.kill(Number(/^PPid:\t(\d+)/m.exec(readStatus(shell))?.[1]), "SIGKILL");
    expect((await failure(running)).message).toContain("was lost: the launcher has ended (SIGKILL)");
    await until(() => !alive(pid));
    expect((await $`echo again`).stdout).toBe("again");
  });

  it.each(["SIGKILL", "exit"])("cleans up by itself when its owner ends: %s", async (how) => {
    const fifo = join(dir, `owner-${how}`);
    await make()`mkfifo ${fifo}`;
    const file = join(dir, `owner-${how}.mts`);
    const source = new URL("../../../worker/programs/index.ts", import.meta.url).href;
    await writeFile(
      file,
      `import { createPrograms } from ${JSON.stringify(source)};
const $ = createPrograms({ env: {}, signal: new AbortController().signal, print: () => {} });
const program = $\`sh -c \${'sh -c "trap : TERM; echo \\\\$\\\\$; read x <$0" & echo $$; wait'} ${fifo}\`;
program.catch(() => {});
let count = 0;
for await (const line of program) { console.log(line); if (++count === 2) break; }
process.stdin.on("data", () => process.exit(0));
`,
    );
    const before = launcherFiles();
    const owner = spawn(NODE, ["--import", "tsx", file], {
      stdio: ["pipe", "pipe", "inherit"],
      detached: true,
    });
    const pids: number[] = [];
    for await (const line of createInterface(owner.stdout)) if (pids.push(Number(line)) === 2) break;
    expect(pids.every(alive)).toBe(true);
    expect(launcherFiles().length).toBe(before.length + 1);
    if (how === "exit") owner.stdin.write("x");
    else process.kill(-(owner.pid ?? 0), "SIGKILL");
    await once(owner, "exit");
    await until(() => !pids.some(alive) && launcherFiles().length === before.length);
  });

  it("does not keep the process alive when nothing runs", async () => {
    const file = join(dir, "idle.mts");
    const source = new URL("../../../worker/programs/index.ts", import.meta.url).href;
    await writeFile(
      file,
      `import { createPrograms } from ${JSON.stringify(source)};
const $ = createPrograms({ env: {}, signal: new AbortController().signal, print: () => {} });
setTimeout(() => {}, 0);
console.log((await $\`echo one\`).stdout, (await $\`sh -c \${"sleep 0.02; echo two"}\`).stdout);
`,
    );
    const owner = spawn(NODE, ["--import", "tsx", file], { stdio: ["ignore", "pipe", "inherit"] });
    const [[text]] = await Promise.all([once(owner.stdout, "data"), once(owner, "exit")]);
    expect(String(text)).toBe("one two\n");
  });
});
