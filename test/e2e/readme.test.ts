/** The documentation is true: its programs run and print what they promise, and what it names exists. */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { USAGE as BENCH_USAGE } from "../../bench/options.js";
import { LEAVES } from "../client/cli/leaves.js";
import { ROOT, type Running, Stage, withoutChance } from "../kit/daemons.js";
import { codeBlocks, documents, isProgram, read, readmeProgram } from "../kit/markdown.js";

const GRAIN = join(ROOT, "dist/bin/grain.js");
const COMMANDS = ["grain-head", "grain-worker", "grain"] as const;

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

/** Runs a program as the documentation says: in its project, with `grain run`. */
async function grainRun(name: string, code: string, env: Record<string, string> = {}): Promise<Running> {
  stage.program(name, code);
  const running = stage.run([GRAIN, "run", name], env, stage.project);
  const { code: exitCode } = await running.ended;
  expect(exitCode, running.stderr).toBe(0);
  expect(withoutChance(running.stderr)).toBe("");
  return running;
}

describe("the README's program", () => {
  const { code, prints } = readmeProgram();

  it("prints what is promised, on this machine", async () => {
    expect((await grainRun("sweep.ts", code)).stdout).toBe(prints);
  });

  it.each(["{}", '{ "type": "commonjs" }'])("prints the same where package.json is %s", async (manifest) => {
    stage.program("package.json", manifest);
    expect((await grainRun("sweep.ts", code)).stdout).toBe(prints);
  });

  it("prints the same over a head with workers", async () => {
    const { address } = await stage.head();
    await stage.worker(address, ["--cpus", "1", "--mem", "8G"]);
    expect((await grainRun("sweep.ts", code, { GRAIN_ADDRESS: address })).stdout).toBe(prints);
    const ls = stage.start("grain", ["ls", "--address", address]);
    await ls.ended;
    expect(ls.stdout, ls.stderr).toMatch(/WORKER/);
  });
});

describe("a program of docs", () => {
  const programs = documents().flatMap((document) =>
    codeBlocks(read(document))
      .filter((block) => document.startsWith("docs/") && isProgram(block))
      .map((block, index) => ({ title: `${document} ${index + 1}`, block })),
  );

  it("is there to be run", () => {
    expect(programs.length).toBeGreaterThan(5);
  });

  it.each(programs)("$title prints what is promised", async ({ block: { code, next } }) => {
    expect(next?.language, "what the program prints is to follow it").toBe("text");
    expect((await grainRun("program.ts", code)).stdout).toBe(next!.code);
  });

  it.each(programs)("$title prints the same on a worker", async ({ block: { code, next } }) => {
    const { address } = await stage.head(["--journal", `${stage.directory}/journal`]);
    await stage.worker(address, ["--cpus", "2"]);
    expect((await grainRun("program.ts", code, { GRAIN_ADDRESS: address })).stdout).toBe(next!.code);
  });
});

/** What a command's --help says; for `grain` with that of its subcommands. */
function help(command: (typeof COMMANDS)[number]): string {
  const ask = (...args: string[]) =>
    execFileSync(process.execPath, [join(ROOT, `dist/bin/${command}.js`), ...args, "--help"], {
      encoding: "utf8",
    });
  return command === "grain" ? LEAVES.reduce((all, { name }) => all + ask(...name.split(" ")), ask()) : ask();
}

const helps = Object.fromEntries(COMMANDS.map((command) => [command, help(command)])) as Record<
  (typeof COMMANDS)[number],
  string
>;

function flagsIn(text: string): string[] {
  return [...new Set(text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [])];
}

/** Of other programs, in our documents. */
const FOREIGN_FLAGS = new Set([
  "--runs",
  "--omit",
  "--only",
  "--list",
  "--compare",
  "--profile",
  "--hostfile",
  "--events",
  "--minutes",
  "--seed",
  "--tasks",
  "--account",
  "--cores",
  "--gres",
  "--queue",
  "--time",
  "--omit",
  "--max-old-space-size",
  "--patch-file",
]);

describe("what the documentation names", () => {
  it.each(documents())("in %s: links lead somewhere", (document) => {
    for (const [, target] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [path, anchor] = target!.split("#");
      const file = path === "" ? document : join(dirname(document), path!);
      expect(existsSync(join(ROOT, file)), `${document} links to ${target}`).toBe(true);
      if (anchor !== undefined)
        expect(anchorsOf(read(file)), `${document} links to ${target}`).toContain(anchor);
    }
  });

  it.each(documents())("in %s: npm scripts exist", (document) => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    for (const [, name] of read(document).matchAll(/npm run (?:--silent )?([\w:-]+)/g))
      expect(Object.keys(scripts), document).toContain(name);
  });

  it.each(documents())("in %s: files exist", (document) => {
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !["dist", "node_modules"].includes(entry.name))
      .map(({ name }) => name);
    for (const [, path] of read(document).matchAll(/`([\w.-]+\/[\w./-]*)`/g)) {
      if (!folders.includes(path!.split("/")[0]!)) continue;
      expect(existsSync(join(ROOT, path!)), `${document} names ${path}`).toBe(true);
    }
  });

  it.each(documents())("in %s: flags are those of the commands", (document) => {
    const own = [...Object.values(helps), BENCH_USAGE].join("\n");
    const known = new Set([...flagsIn(own), ...FOREIGN_FLAGS]);
    for (const flag of flagsIn(read(document))) expect([...known], document).toContain(flag);
    for (const { code } of codeBlocks(read(document)).filter(({ language }) => language === "sh")) {
      for (const line of code.split("\n")) {
        const command = COMMANDS.find((name) => new RegExp(`(^|\\s)${name}(\\s|$)`).test(line));
        if (command === undefined) continue;
        for (const flag of flagsIn(line.replace(/#.*/, ""))) expect(helps[command], line).toContain(flag);
      }
    }
  });

  it.each(LEAVES)("is $path, in docs/commands.md", ({ name }) => {
    expect(read("docs/commands.md")).toMatch(new RegExp(`^#+ grain ${name}$|\\bgrain ${name}\\b`, "m"));
  });

  it("is every flag of the daemons", () => {
    const text = read("docs/daemons.md");
    for (const command of ["grain-head", "grain-worker"] as const)
      for (const flag of flagsIn(helps[command]))
        expect(text, `${command} has ${flag}`).toContain(`\`${flag}`);
  });

  it("is every variable that the sources read, and no other", () => {
    const used = new Set<string>();
    for (const folder of ["proto", "head", "worker", "client", "provider", "bin"])
      for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }))
        if (name.endsWith(".ts"))
          for (const [variable] of readFileSync(join(ROOT, folder, name), "utf8").matchAll(
            /\bGRAIN_[A-Z_]+\b/g,
          ))
            used.add(variable);
    for (const document of documents())
      for (const [variable] of read(document).matchAll(/\bGRAIN_[A-Z_]+\b/g))
        if (!/^GRAIN_(SIM|FUZZ)_/.test(variable)) expect([...used], document).toContain(variable);
    for (const variable of used) expect(read("docs/daemons.md")).toContain(`\`${variable}`);
  });
});

/** Headings as GitHub makes anchors of them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
