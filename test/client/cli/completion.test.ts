/** The scripts for shells, in the shells that there are. */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandsOf } from "../../../client/cli/completion.js";
import { completionScript, SHELLS } from "../../../client/cli/completion-script.js";
import { startHead } from "../../../head/index.js";
import type { ClientMessage, HeadToClient } from "../../../proto/grain.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { ScriptedClient } from "../../kit/peers.js";
import { grain } from "./command.js";

let directory: string;
let scripts: Record<(typeof SHELLS)[number], string>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "grain-completion-"));
  // What a head would say: the lines are those of the shell that asks.
  const asked = join(directory, "grain");
  writeFileSync(asked, `#!/bin/sh\necho "$@" >> '${directory}/asked'\nprintf '12\\nsweep\\nswim\\n'\n`);
  chmodSync(asked, 0o755);
  const made = await Promise.all(
    SHELLS.map(async (shell) => [shell, (await grain("", "completion", shell)).stdout]),
  );
  scripts = Object.fromEntries(made);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const has = (shell: string) => spawnSync(shell, ["--version"]).error === undefined;

/** What bash would offer for this line, with the cursor at its end. */
function bash(line: string): { offered: string[]; files: boolean } {
  const program = `
${scripts.bash}
compopt() { files=yes; }
COMP_LINE=${quote(line)} COMP_POINT=${line.length}
_grain
printf '%s\\n' "\${COMPREPLY[@]}"
echo "files:$files"
`;
  const ran = spawnSync("bash", ["--norc", "-c", program], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${directory}:${process.env.PATH}` },
  });
  expect(ran.stderr).toBe("");
  const lines = ran.stdout.trimEnd().split("\n");
  return { offered: lines.slice(0, -1).filter((each) => each !== ""), files: lines.at(-1) === "files:yes" };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

describe.runIf(has("bash"))("bash completes", () => {
  it.each<[string, string[]]>([
    ["grain j", ["jobs", "job"]],
    ["grain cache ", ["ls", "rm"]],
    ["grain access re", ["revoke"]],
    ["grain ls --js", ["--json"]],
    ["grain ls --address 127.0.0.1:7700 --w", ["--watch"]],
    ["grain completion ", ["bash", "zsh", "fish"]],
    ["grain cancel sw", ["sweep", "swim"]],
    ["grain job --address h:1 1", ["12"]],
    ["grain frobnicate --nope", []],
  ])("%j", (line, offered) => {
    expect(bash(line)).toEqual({ offered, files: false });
  });

  it("all commands, none that is hidden", () => {
    const { offered } = bash("grain ");
    expect(offered).toEqual(
      expect.arrayContaining(["ls", "jobs", "job", "cancel", "explain", "completion", "run"]),
    );
    expect(offered.join(" ")).not.toContain("__");
  });

  it("files, where a file or any text is expected", () => {
    for (const line of ["grain run sw", "grain ls -c ", "grain ls --config gr", "grain simulate "])
      expect(bash(line), line).toEqual({ offered: [], files: true });
  });

  it("names with the flags of the line", () => {
    bash("grain cancel --address there:7 --access 'x y");
    const asked = spawnSync("cat", [join(directory, "asked")], { encoding: "utf8" }).stdout;
    expect(asked.trimEnd().split("\n").at(-1)).toMatch(/^__complete sessions cancel --address there:7/);
  });

  it("with a script that bash reads without a word", () => {
    const ran = spawnSync("bash", ["--norc", "-n"], { input: scripts.bash, encoding: "utf8" });
    expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: "" });
  });
});

describe.runIf(has("zsh"))("zsh", () => {
  it("reads its script without a word", () => {
    const ran = spawnSync("zsh", ["-f", "-n"], { input: scripts.zsh, encoding: "utf8" });
    expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: "" });
  });
});

describe.runIf(has("fish"))("fish completes", () => {
  it.each([
    ["grain j", ["job", "jobs"]],
    ["grain cache ", ["ls", "rm"]],
    ["grain cancel sw", ["sweep", "swim"]],
  ])("%j", (line, offered) => {
    const program = `${scripts.fish}\ncomplete -C ${quote(line)}`;
    const env = { ...process.env, PATH: `${directory}:${process.env.PATH}` };
    const ran = spawnSync("fish", ["--no-config", "-c", program], { encoding: "utf8", env });
    expect(
      ran.stdout
        .trimEnd()
        .split("\n")
        .map((each) => each.split("\t")[0]),
    ).toEqual(offered);
  });
});

describe("the scripts", () => {
  const program = new Command("tool").description("Does things.");
  program
    .command("make")
    .description("Makes it, and doesn't ask.")
    .option("-n, --number <n>", "how many: 'some'")
    .option("--deep [depth]", "how deep")
    .argument("<what>", "what");
  program.command("secret", { hidden: true });

  it.each(SHELLS)("are made of the commands: %s", (shell) => {
    expect(completionScript(shell, "tool", commandsOf(program), ["__names"])).toMatchSnapshot();
  });
});

describe("names", () => {
  it("are those that the head knows", async () => {
    const { head, addresses, close } = await startHead({ listen: ["127.0.0.1:0"] });
    const [mine, heads] = memoryLink<ClientMessage, HeadToClient>();
    head.acceptClient(heads);
    await new ScriptedClient(mine).open({ name: "sweep" });
    const [mine2, heads2] = memoryLink<ClientMessage, HeadToClient>();
    head.acceptClient(heads2);
    await new ScriptedClient(mine2).open({ name: "two words" });
    const asked = await grain("", "__complete", "sessions", "cancel", "--json", "--address", addresses[0]!);
    expect(asked).toEqual({ code: 0, stdout: "1\nsweep\n2\n", stderr: "" });
    expect((await grain(addresses[0]!, "__complete", "workers", "quit")).stdout).toBe("");
    await close();
  });

  it("are none where no head answers, without a word", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    const asked = await grain(`127.0.0.1:${port}`, "__complete", "sessions");
    expect(asked).toEqual({ code: 1, stdout: "", stderr: "" });
    silent.close();
    expect(await grain("", "__complete", "sessions")).toMatchObject({ code: 1, stderr: "" });
  });
});
