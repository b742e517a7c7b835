/** The package as users get it: packed, installed into an empty project, and run from there. */

import { execFile, execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { VERSION } from "../../proto/version.js";
import { ROOT, Stage } from "../kit/daemons.js";
import {
  codeBlocks,
  documents,
  filesIn,
  isProgram,
  printedBy,
  read,
  readmeProgram,
} from "../kit/markdown.js";

const INSTALL_MS = 300_000;

const directory = mkdtempSync(join(tmpdir(), "grain-test-"));
const project = join(directory, "project");
const installed = join(project, "node_modules/grain-scheduler");
let packed: string[] = [];

const env = { ...process.env, GRAIN_ADDRESS: "", GRAIN_CONFIG: "", XDG_CACHE_HOME: join(directory, "cache") };
const execute = promisify(execFile);

/** Runs a program in the project. */
function inProject(command: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return execute(command, args, { cwd: project, env });
}

beforeAll(() => {
  // Without scripts: `prepack` would rebuild dist/, which other tests are running from.
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", directory];
  const [pack] = JSON.parse(execFileSync("npm", args, { cwd: ROOT, encoding: "utf8" })) as [
    { filename: string; files: { path: string }[] },
  ];
  packed = pack.files.map(({ path }) => path);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  const tarball = join(directory, pack.filename);
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball], {
    cwd: project,
    stdio: "pipe",
  });
}, INSTALL_MS);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("the tarball", () => {
  it("holds what runs, its types and its licence, and neither tests nor sources", () => {
    expect(packed).toEqual(
      expect.arrayContaining(["package.json", "README.md", "LICENSE", "CHANGELOG.md", "proto/grain.proto"]),
    );
    const strange = packed.filter(
      (path) =>
        !/^(dist\/|deploy\/|proto\/grain\.proto$|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(
          path,
        ),
    );
    expect(strange).toEqual([]);
    expect(
      packed.filter((path) => /(^|\/)(test|bench|examples)\/|\.test\.|(?<!\.d)\.ts$/.test(path)),
    ).toEqual([]);
  });

  it("has every entry that package.json names", () => {
    const { bin, exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
      bin: Record<string, string>;
      exports: Record<string, string | Record<string, string>>;
    };
    const targets = Object.values(exports).flatMap((entry) =>
      typeof entry === "string" ? [entry] : Object.values(entry),
    );
    for (const path of [...Object.values(bin), ...targets])
      expect(existsSync(join(installed, path)), path).toBe(true);
  });

  it("has its functions and classes under the names that are shown of them", async () => {
    for (const entry of ["client", "worker", "head"]) {
      const file = pathToFileURL(join(installed, "dist", entry, "index.js")).href;
      const all = Object.entries((await import(file)) as Record<string, unknown>);
      const named = all.filter((each): each is [string, Function] => typeof each[1] === "function");
      expect(named.map(([, { name }]) => name)).toEqual(named.map(([name]) => name));
    }
  });

  it("has source maps with their sources, so that stacks can be followed", () => {
    const maps = readdirSync(join(installed, "dist"), { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".js.map"),
    );
    expect(maps.length).toBeGreaterThan(100);
    for (const name of maps) {
      const map = JSON.parse(readFileSync(join(installed, "dist", name), "utf8")) as {
        sources: string[];
        sourcesContent?: (string | null)[];
      };
      expect(map.sourcesContent, name).toHaveLength(map.sources.length);
      for (const content of map.sourcesContent ?? []) expect(content, name).toBeTypeOf("string");
    }
  });
});

describe("installed in an empty project", () => {
  const { code, prints } = readmeProgram();

  it.each(["grain", "grain-head", "grain-worker"])("%s tells its version and its flags", async (command) => {
    const version = await inProject("npx", "--no-install", command, "--version");
    expect(version.stdout).toBe(`${VERSION}\n`);
    const help = await inProject("npx", "--no-install", command, "--help");
    expect(help.stdout).toMatch(new RegExp(`^Usage: ${command} `));
  });

  it("the README's program runs as it is written", async () => {
    writeFileSync(join(project, "sweep.ts"), code);
    const { stdout, stderr } = await inProject("npx", "--no-install", "grain", "run", "sweep.ts");
    expect(stdout, stderr).toBe(prints);
    // npm itself may have something to say of its configuration.
    expect(stderr.split("\n").filter((line) => line !== "" && !line.startsWith("npm "))).toEqual([]);
  });

  it("every entry can be imported", async () => {
    const entries = ["grain-scheduler", "grain-scheduler/worker", "grain-scheduler/head"];
    const source = `for (const entry of ${JSON.stringify(entries)}) console.log(Object.keys(await import(entry)).length > 0);`;
    const { stdout } = await inProject(process.execPath, "--input-type=module", "--eval", source);
    expect(stdout).toBe("true\ntrue\ntrue\n");
  });

  it("contexts and services work as they are written in docs/context.md", async () => {
    for (const [name, code] of filesIn("docs/context.md")) writeFileSync(join(project, name), code);
    const stage = new Stage();
    onTestFinished(() => stage.close());
    const scratch = mkdtempSync(join(directory, "scratch-"));
    const start = (name: string, ...args: string[]) =>
      stage.run([join(installed, `dist/bin/${name}.js`), ...args], { TMPDIR: scratch }, project);
    const head = start("grain-head", "--listen", "127.0.0.1:0");
    const [, address] = await head.until(/listening on (\S+)/);
    const worker = start(
      "grain-worker",
      "--address",
      address!,
      "--context",
      "context.ts",
      "--service",
      "service.ts",
    );
    await worker.until(/Joined the head/);
    for (const program of ["relax.ts", "ask.ts"]) {
      const ran = stage.run(
        [join(installed, "dist/bin/grain.js"), "run", program],
        { GRAIN_ADDRESS: address! },
        project,
      );
      await ran.ended;
      expect(ran.stdout, ran.stderr).toBe(printedBy("docs/context.md", program));
    }
    const isScratch = (name: string) => /^[\w.-]+-\d+-\w{6}$/.test(name);
    expect(readdirSync(scratch).filter(isScratch)).toHaveLength(1);
    worker.kill();
    expect(await worker.ended).toMatchObject({ code: 0 });
    expect(readdirSync(scratch).filter(isScratch)).toEqual([]);
  });

  it("the types resolve and check, strictly, with all programs of the documentation", async () => {
    const programs = documents().flatMap((document) => codeBlocks(read(document)).filter(isProgram));
    for (const [index, program] of programs.entries())
      writeFileSync(join(project, `program-${index}.ts`), program.code);
    writeFileSync(
      join(project, "entries.ts"),
      `import { connect, type Session } from "grain-scheduler";
import { startHead } from "grain-scheduler/head";
import { startAgent } from "grain-scheduler/worker";
export const all: [typeof startHead, typeof startAgent, () => Promise<Session>] = [startHead, startAgent, connect];
// @ts-expect-error a resource is no number
export const wrong = () => connect({ local: 3 });
`,
    );
    const config = {
      compilerOptions: {
        target: "ES2022",
        lib: ["ES2023", "ESNext.Disposable"],
        module: "nodenext",
        moduleResolution: "nodenext",
        strict: true,
        noEmit: true,
        types: ["node"],
        typeRoots: [join(ROOT, "node_modules/@types")],
      },
      include: ["*.ts"],
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
    const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
    const { stdout } = await inProject(process.execPath, compiler, "-p", "tsconfig.json").catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe("");
  });

  it("has no client of Kubernetes, and says how to get it where it is wanted", async () => {
    expect(existsSync(join(project, "node_modules/@kubernetes"))).toBe(false);
    const toml = 'system = "kubernetes"\naddress = "head:7700"\n[kubernetes]\nimage = "grain"\n';
    writeFileSync(join(directory, "pods.toml"), toml);
    const failed = await inProject("npx", "grain", "up", "--dry", "-c", join(directory, "pods.toml")).catch(
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(
        /^grain: .* not installed here: npm install @kubernetes\/client-node@1$/m,
      ),
    });
  });
});
