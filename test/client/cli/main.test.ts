import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parseTarget } from "../../../client/cli/session-name.js";
import { startHead } from "../../../head/index.js";
import type { ClientMessage, HeadToClient } from "../../../proto/grain.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { VERSION } from "../../../proto/version.js";
import { ScriptedClient } from "../../kit/peers.js";

const COMMAND = fileURLToPath(new URL("../../../bin/grain.ts", import.meta.url));
const BUILT = fileURLToPath(new URL("../../../dist/client/index.js", import.meta.url));
const TSX = import.meta.resolve("tsx");
let dir: string;

beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), "grain-cli-")));
  await writeFile(
    join(dir, "show.ts"),
    `const shown: Record<string, unknown> = {
  args: process.argv.slice(1), address: process.env.GRAIN_ADDRESS, config: process.env.GRAIN_CONFIG };
console.log(JSON.stringify(shown));
process.exitCode = 3;
export {};
`,
  );
  await writeFile(join(dir, "throws.ts"), 'const n: number = 1;\nthrow new Error("mine " + n);\n');
  await writeFile(
    join(dir, "module.ts"),
    'import { VERSION } from "./lib.js";\nconsole.log(await VERSION);\n',
  );
  await writeFile(
    join(dir, "own.ts"),
    'import { delayed } from "grain-scheduler";\nconsole.log(typeof delayed);\n',
  );
  await writeFile(join(dir, "lib.ts"), "export const VERSION: Promise<number> = Promise.resolve(5);\n");
  await writeFile(join(dir, "common.cjs"), 'console.log(require("node:path").sep, typeof __dirname);\n');
  await writeFile(join(dir, "later.mjs"), "setImmediate(() => { process.exitCode = 4; });\n");
  await writeFile(join(dir, "grain.toml"), "");
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function grain(...args: string[]) {
  const env = { ...process.env, GRAIN_ADDRESS: "", GRAIN_CONFIG: undefined };
  const child = spawn(process.execPath, ["--import", TSX, COMMAND, ...args], {
    cwd: dir,
    env: { ...env, NODE_PATH: "" },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

describe("grain", () => {
  it("says its version, and what it can do", async () => {
    expect(await grain("--version")).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
    const help = await grain("--help");
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/run .*<file>.*\n(.*\n)*.*ls /);
  });

  it.each([[["nonsense"]], [["run"]], [["ls", "--wrong"]], [[]]])("refuses %j", async (args) => {
    const { code, stderr } = await grain(...args);
    expect(code).toBe(2);
    expect(stderr).not.toBe("");
  });
});

describe("grain run", () => {
  it("runs TypeScript with its arguments, and ends as it does", async () => {
    const { code, stdout, stderr } = await grain("run", "show.ts", "-c", "--address", "x y");
    expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      args: [join(dir, "show.ts"), "-c", "--address", "x y"],
      address: "",
    });
  });

  it("names the head and the configuration", async () => {
    const { stdout } = await grain("run", "-c", "grain.toml", "--address", "h:1", "show.ts");
    expect(JSON.parse(stdout)).toMatchObject({ address: "h:1", config: join(dir, "grain.toml") });
  });

  it("shows what the program throws, at its own line", async () => {
    const { code, stderr } = await grain("run", "throws.ts");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: mine 1\n {4}at .*throws\.ts:2:7\)\n( {4}at .*throws\.ts:2.*\n)?$/);
  });

  it.each([
    ["in a callback", "setImmediate(() => { null.x; });", /^TypeError: .*\n {4}at .*uncaught\.mjs:1.*\n$/],
    [
      "as a rejection",
      'void Promise.reject(new Error("lost"));',
      /^Error: lost\n {4}at .*uncaught\.mjs:1.*\n$/,
    ],
    ["by its syntax", "const = 1;", /uncaught\.mjs:1\nconst = 1;/],
  ])("shows what the program throws %s, and none of our own code", async (_, source, message) => {
    await writeFile(join(dir, "uncaught.mjs"), source);
    const { code, stderr } = await grain("run", "uncaught.mjs");
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/client\/cli|bin\/grain/);
  });

  it("leaves errors to a program that listens for them", async () => {
    const source = 'process.on("uncaughtException", () => process.exit(7));\nthrow new Error("own");\n';
    await writeFile(join(dir, "listens.mjs"), source);
    expect(await grain("run", "listens.mjs")).toEqual({ code: 7, stdout: "", stderr: "" });
  });

  it("runs a module that awaits at its top level, in a project that says nothing of modules", async () => {
    expect(await grain("run", "module.ts")).toEqual({ code: 0, stdout: "5\n", stderr: "" });
  });

  it.each(["module.ts", "module.js"])(
    "runs %s also where package.json says commonjs, as npm init writes it",
    async (name) => {
      const project = join(dir, "commonjs");
      await mkdir(project, { recursive: true });
      await writeFile(join(project, "package.json"), '{ "type": "commonjs" }');
      await writeFile(join(project, "lib.ts"), "export const five: number = 5;\n");
      await writeFile(
        join(project, name),
        'import { sep } from "node:path";\nimport { five } from "./lib.js";\nconsole.log(await Promise.resolve(five), sep);\n',
      );
      expect(await grain("run", join("commonjs", name))).toEqual({ code: 0, stdout: "5 /\n", stderr: "" });
      // What is CommonJS there stays so.
      await writeFile(
        join(project, "old.ts"),
        'import { sep } from "node:path";\nconsole.log(sep, typeof require);\n',
      );
      expect((await grain("run", "commonjs/old.ts")).stdout).toBe("/ function\n");
    },
  );

  // The package's own name leads to what was built.
  it.runIf(existsSync(BUILT))("gives a program this package, where its project has none", async () => {
    expect(await grain("run", "own.ts")).toEqual({ code: 0, stdout: "function\n", stderr: "" });
  });

  it("runs CommonJS", async () => {
    expect(await grain("run", "common.cjs")).toEqual({ code: 0, stdout: "/ string\n", stderr: "" });
  });

  it("respects an exit code set later", async () => {
    expect((await grain("run", "later.mjs")).code).toBe(4);
  });

  it.each([
    [["none.ts"], "grain: none.ts cannot be run: there is no such file.\n"],
    [["."], "grain: . cannot be run: it is not a file.\n"],
    [
      ["-c", "none.toml", "show.ts"],
      "grain: show.ts cannot be run: the configuration none.toml cannot be read.\n",
    ],
  ])("says in one line why it cannot run %j", async (args, message) => {
    expect(await grain("run", ...args)).toEqual({ code: 2, stdout: "", stderr: message });
  });
});

describe("grain ls", () => {
  it("says in one line that no head is named", async () => {
    const { code, stderr } = await grain("ls");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^grain: No head is named\. .*\n$/);
  });

  it("says in one line that an address is none", async () => {
    const { code, stderr } = await grain("ls", "--address", "no address!");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^grain: .*\n$/);
  });
});

describe("grain explain", () => {
  it("says where a task is, in words or as JSON", async () => {
    const { head, addresses, close } = await startHead({ listen: ["127.0.0.1:0"] });
    onTestFinished(() => close());
    const [mine, heads] = memoryLink<ClientMessage, HeadToClient>();
    head.acceptClient(heads);
    const client = new ScriptedClient(mine);
    await client.open();
    client.define(1, { name: "energy" });
    client.submit(1, 1, [new Uint8Array(1)]);
    const address = addresses[0]!;
    expect(await grain("explain", "1.1", "--address", address)).toEqual({
      code: 0,
      stdout: `Task 1.1 (energy) is queued; it asks for 1 core.
No workers are connected to the head: start some with grain-worker.
`,
      stderr: "",
    });
    const { stdout } = await grain("explain", "1.1", "--json", "--address", address);
    expect(JSON.parse(stdout)).toMatchObject({ session: 1, task: 1, state: "queued", function: "energy" });
  });

  it.each(["1.", "0.1", "1.0", "1.2.3", ".", "1.4294967296"])("refuses %j", async (name) => {
    expect(() => parseTarget(name)).toThrow(/is not a task/);
  });

  it("takes everything else for a session", () => {
    expect(parseTarget(" 1.6 ")).toEqual({ type: "task", session: 1, task: 6 });
    for (const name of ["1", "sweep", "x.1", "v1.2"])
      expect(parseTarget(name)).toEqual({ type: "session", name });
    expect(() => parseTarget(" ")).toThrow(/is to be named/);
  });

  it("says in one line what is wrong", async () => {
    const wrong = await grain("explain", "energy", "--address", "127.0.0.1:1");
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^grain: No head answered.*\n$/),
    });
    const unnamed = await grain("explain", "1.1");
    expect(unnamed).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^grain: No head is named\. .*\n$/),
    });
  });
});
