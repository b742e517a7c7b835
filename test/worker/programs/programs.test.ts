/** `$`: a program, its arguments, its environment, its failures. */

import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Program, RunProgram } from "../../../proto/task.js";
import { disposePrograms } from "../../../worker/programs/index.js";
import { failure, make, NODE, programDirectory } from "./kit.js";

const dir = programDirectory();

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
    const sub = join(dir.path, "a dir's");
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

describe("a program's process id", () => {
  const own = "echo $$";

  it("can be had at once, while it runs and after its end", async () => {
    const $ = make();
    const early = $`sh -c ${own}`;
    expect(String(await early.pid)).toBe((await early).stdout);
    const late = $`sh -c ${own}`;
    const { stdout } = await late;
    expect(String(await late.pid)).toBe(stdout);
    expect(late.pid).toBe(late.pid);
  });

  it("is that of its program, however many have run in the lane since", async () => {
    const $ = make();
    const programs: Program[] = [];
    for (let i = 0; i < 150; i++) {
      programs.push($`sh -c ${own}`);
      await programs.at(-1);
    }
    const printed = (await Promise.all(programs)).map(({ stdout }) => Number(stdout));
    expect(await Promise.all(programs.map(({ pid }) => pid))).toEqual(printed);
    const never = $({ signal: AbortSignal.abort() })`true`;
    await expect(never.pid).rejects.toThrow("was not started, because its signal fired");
    await failure(never);
  });

  it("can be had when its launcher has ended", async () => {
    const program = make()`sh -c ${own}`;
    const { stdout } = await program;
    await disposePrograms();
    expect(String(await program.pid)).toBe(stdout);
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

  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL", "SIGSEGV", "SIGABRT", "SIGUSR1"])(
    "reports %s",
    async (signal) => {
      const $ = make();
      const own = await failure($`sh -c ${`kill -${signal.slice(3)} $$`}`);
      expect(own).toMatchObject({ signal });
      expect(own.exitCode).toBeUndefined();
      expect(own.message).toContain(`was ended by ${signal}`);
      expect((await $`echo next`).stdout).toBe("next");
    },
  );

  it.each<[string, (program: RunProgram) => Program, RegExp]>([
    [
      "a program that is not there",
      ($) => $`no-such-program x`,
      /was not started: no program "no-such-program" is in any of the \d+ directories of PATH\. Install it/,
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
