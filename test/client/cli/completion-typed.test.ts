/** Completion as people have it: typed into real shells, with Tab. Needs `script` (util-linux) for a terminal. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SHELLS, type Shell } from "../../../client/cli/completion-script.js";
import { grain } from "./spoken.js";

const has = (command: string) => spawnSync(command, ["--version"]).error === undefined;
const PROMPT = "READY> ";

/** How each is started in the directory of the test, with its script and a prompt that is known. */
const SHELL: Readonly<
  Record<Shell, { readonly file: string; readonly setup: string; readonly command: string }>
> = {
  bash: { file: "rc.bash", setup: `PS1='${PROMPT}'`, command: "bash --rcfile rc.bash -i" },
  zsh: {
    file: ".zshrc",
    setup: `PROMPT='${PROMPT}'; unsetopt prompt_sp; autoload -Uz compinit; compinit -u -D`,
    command: "zsh -d -i",
  },
  fish: {
    file: "rc.fish",
    setup: `function fish_prompt; printf '${PROMPT}'; end`,
    command: "fish --no-config -i -C 'source rc.fish'",
  },
};

let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "grain-typed-"));
  // Says what it was called with; names are those that a head would know.
  writeFileSync(
    join(directory, "grain"),
    `#!/bin/sh
case "$*" in
  "__complete sessions "*) printf '12\\nsweep\\nswim\\n' ;;
  "__complete workers "*) printf 'node7-1\\nrack-2\\n' ;;
  *) printf 'RAN'; printf ' [%s]' "$@"; echo . ;;
esac
`,
  );
  chmodSync(join(directory, "grain"), 0o755);
  for (const file of ["program.ts", "grain.toml"]) writeFileSync(join(directory, file), "");
  for (const shell of SHELLS) {
    const { stdout } = await grain("completion", shell);
    writeFileSync(join(directory, SHELL[shell].file), `${SHELL[shell].setup}\n${stdout}`);
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Types a line with its Tabs into a shell, then Return. @returns the words that the command was called with */
async function typed(shell: Shell, line: string): Promise<string[]> {
  const child = spawn("script", ["-qec", SHELL[shell].command, "/dev/null"], {
    cwd: directory,
    env: {
      PATH: `${directory}:${process.env.PATH}`,
      HOME: directory,
      ZDOTDIR: directory,
      TERM: "xterm",
      LANG: "C.UTF-8",
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let seen = "";
  const shown = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(seen);
        if (match !== null) resolve(match);
      };
      child.stdout.on("data", look);
      child.once("close", () => reject(new Error(`${shell} ended before ${pattern} was seen: ${seen}`)));
      look();
    });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    seen += text;
  });
  const closed = once(child, "close");
  await shown(/READY> /);
  child.stdin.write(`${line}\r`);
  const [ran] = await shown(/RAN( \[[^\]]*\])*\./);
  child.stdin.write("exit\r");
  await closed;
  return [...ran.matchAll(/\[([^\]]*)\]/g)].map(([, word]) => word!);
}

describe.each(SHELLS)("Tab in %s", (shell) => {
  it.skipIf(!has(shell) || !has("script")).each<[string, string[]]>([
    ["grain expl\t12", ["explain", "12"]],
    ["grain access rev\t", ["access", "revoke"]],
    ["grain ls --address h:1 --js\t", ["ls", "--address", "h:1", "--json"]],
    ["grain cancel swe\t", ["cancel", "sweep"]],
    ["grain quit --force nod\t", ["quit", "--force", "node7-1"]],
    ["grain completion fi\t", ["completion", "fish"]],
    ["grain ls -c grain.t\t--watch", ["ls", "-c", "grain.toml", "--watch"]],
    ["grain run prog\t", ["run", "program.ts"]],
  ])("%j", async (line, words) => {
    expect(await typed(shell, line)).toEqual(words);
  });
});
