/** The launcher: what it leaves behind, and what happens without it. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { disposePrograms } from "../../../worker/programs/index.js";
import {
  alive,
  failure,
  firstLine,
  launcherFiles,
  make,
  NODE,
  programDirectory,
  readStatus,
  until,
} from "./kit.js";

const dir = programDirectory();

describe("the launcher", () => {
  it("leaves nothing when disposed of, and starts again", async () => {
    const before = launcherFiles();
    const $ = make();
    const fifo = join(dir.path, "dispose");
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
    const fifo = join(dir.path, "lost");
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
    const fifo = join(dir.path, `owner-${how}`);
    await make()`mkfifo ${fifo}`;
    const file = join(dir.path, `owner-${how}.mts`);
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
    const file = join(dir.path, "idle.mts");
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
