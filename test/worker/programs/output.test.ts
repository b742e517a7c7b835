/** What programs print. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { alive, failure, make, programDirectory, until } from "./kit.js";

const dir = programDirectory();

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
    const fifo = join(dir.path, "go");
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
    const fifo = join(dir.path, "closed");
    await make()`mkfifo ${fifo}`;
    const program = make()`sh -c ${'echo a; exec >&-; echo on >&2; read -r x <"$0"; echo "$x" >&2'} ${fifo}`;
    await program.pid;
    await writeFile(fifo, "b\n");
    expect(await program).toMatchObject({ stdout: "a", stderr: "on\nb" });
  });

  it("does not wait for a process that the program leaves behind, nor mix what it prints into others'", async () => {
    const $ = make();
    const fifo = join(dir.path, "left");
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
