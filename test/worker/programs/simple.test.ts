/** Programs that are started as simple commands of a lane: what the shell does by itself must not show. */

import { readlinkSync } from "node:fs";
import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ProgramError } from "../../../proto/errors.js";
import { simpleCode } from "../../../worker/programs/command.js";
import { withoutSignalLine } from "../../../worker/programs/signal-line.js";
import { failure, firstLine, make, programDirectory, readStatus, until } from "./kit.js";

const dir = programDirectory();

describe("a program's process id", () => {
  const own = "echo $$";

  it("can be had when it is asked for at once, however short the program", async () => {
    const $ = make();
    for (let i = 0; i < 20; i++) {
      const program = $`sh -c ${own}`;
      const pid = await program.pid;
      expect(String(pid)).toBe((await program).stdout);
    }
  });

  it("can be had while the program runs", async () => {
    const fifo = join(dir.path, "pid");
    await make()`mkfifo ${fifo}`;
    const program = make()`sh -c ${`${own}; read x <"$0"`} ${fifo}`;
    const pid = Number(await firstLine(program));
    expect(await program.pid).toBe(pid);
    await writeFile(fifo, "x\n");
    await program;
    expect(await program.pid).toBe(pid);
  });

  it("is right or refused when it is asked for late, and kept where that is wanted", async () => {
    const program = make()`sh -c ${own}`;
    const { stdout } = await program;
    const late: unknown = await program.pid.catch((error: unknown) => error);
    if (late instanceof ProgramError)
      expect(late.message).toContain("ended before its process id was asked for");
    else expect(String(late)).toBe(stdout);
    const kept = make({ keepsPids: true })`sh -c ${own}`;
    const first = (await kept).stdout;
    expect(String(await kept.pid)).toBe(first);
  });
});

describe("a simple command", () => {
  it.each(["SIGTERM", "SIGSEGV", "SIGKILL", "SIGABRT", "SIGINT"])(
    "that %s ends has only its own words on standard error",
    async (signal) => {
      const kill = `printf 'own words' >&2; kill -${signal.slice(3)} $$`;
      const error = await failure(make()`sh -c ${kill}`);
      expect(error).toMatchObject({ signal, stderr: "own words" });
    },
  );

  it("leaves its lane in no directory of the user's", async () => {
    const [sub, fifo] = [join(dir.path, "sub"), join(dir.path, "cwd")];
    await mkdir(sub);
    await make()`mkfifo ${fifo}`;
    const program = make()({ cwd: sub })`sh -c ${'pwd; echo $$; read x <"$0"'} ${fifo}`;
    const lines: string[] = [];
    for await (const line of program) if (lines.push(line) === 2) break;
    expect(lines[0]).toBe(sub);
    const lane = /^PPid:\t(\d+)/m.exec(readStatus(Number(lines[1])))?.[1];
    await writeFile(fifo, "x\n");
    await program;
    await until(() => readlinkSync(`/proc/${lane}/cwd`) === "/");
    await rmdir(sub);
    expect((await failure(make()({ cwd: sub })`true`)).message).toContain(`there is no directory ${sub}`);
  });

  it("is none when the shell would take it otherwise", () => {
    const command = { words: ["ls"], cwd: "/", env: new Map<string, string | undefined>([["A", "it's"]]) };
    expect(simpleCode(command)).toContain("d '/'&&A='it'\\''s' 'ls' ");
    for (const word of ["echo", "true", "p", "["])
      expect(simpleCode({ ...command, words: [word] })).toBeUndefined();
    for (const [name, value] of [
      ["PATH", "/bin"],
      ["A", undefined],
      ["odd-name", "x"],
      ["IFS", "x"],
    ] as const)
      expect(simpleCode({ ...command, env: new Map([[name, value]]) })).toBeUndefined();
  });
});

describe("the line of a signal", () => {
  it("is left out at the end only, and only that of this signal", () => {
    const without = (text: string, signal: string) => withoutSignalLine(Buffer.from(text), signal).toString();
    expect(without("a\nSegmentation fault (core dumped)\n", "SIGSEGV")).toBe("a\n");
    expect(without("Killed\nKilled\n", "SIGKILL")).toBe("Killed\n");
    for (const [text, signal] of [
      ["Killed\n", "SIGTERM"],
      ["Killed", "SIGKILL"],
      ["Interrupt\n", "SIGINT"],
    ] as const)
      expect(without(text, signal)).toBe(text);
  });
});
