/** Secrets stay in their files: nothing that a run with --verbose writes or shows holds a part of one. */

import { createPrivateKey } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { marked, type Running, Stage } from "../kit/daemons.js";

let stage: Stage;
let access: string;
beforeEach(() => {
  stage = new Stage();
  access = join(stage.directory, "access");
});
afterEach(() => stage.close());

/** Large and small values, output, a failure, a crash; and it waits until it has been looked at. */
const PROGRAM = `
import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { delayed, cores, run } from "grain-scheduler";
const shown = delayed(async function shown(text: string) { console.log("shown"); return text + text; });
const fails = delayed(async function fails() { throw new Error("on purpose"); });
const crashes = delayed(async function crashes() { process.abort(); });
await run(async () => {
  console.log((await shown.with(cores(1))("x".repeat(200_000))).length);
  await fails.with(cores(1))().catch((error) => console.log(error));
  await crashes.with(cores(1))().catch((error) => console.log(error));
  console.log("waiting");
  while (!existsSync(process.env.GATE!)) await setTimeout(20);
});
`;

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Every form in which a key of these files could be somewhere: lines of its PEM, its number as bytes, hex, base64. */
function secretsOf(pems: readonly string[]): Buffer[] {
  return pems.flatMap((text) =>
    [...text.matchAll(/-----BEGIN PRIVATE KEY-----\n([\s\S]+?)-----END PRIVATE KEY-----/g)].flatMap(
      ([pem, lines]) => {
        const number = Buffer.from(createPrivateKey(pem).export({ format: "jwk" }).d!, "base64url");
        const forms = [...lines!.trim().split("\n"), number.toString("hex"), number.toString("base64url")];
        return [number, ...forms.map((form) => Buffer.from(form))];
      },
    ),
  );
}

function commandLines(): Buffer[] {
  if (process.platform !== "linux") return [];
  return marked(stage.marker).flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`)];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

/** Files that cannot be used, made of one that can. */
function spoilt(pem: string): Record<string, string> {
  const made = {
    "damaged.pem": pem.replace(/(BEGIN CERTIFICATE-----\n)....../, "$1AAAAAA"),
    "cut.pem": pem.slice(0, pem.indexOf("-----END PRIVATE KEY")),
    "key.pem": pem.replace(/(BEGIN PRIVATE KEY-----\n)....../, "$1AAAAAA"),
    "open.pem": pem,
  };
  for (const [name, text] of Object.entries(made))
    writeFileSync(join(stage.directory, name), text, { mode: 0o600 });
  chmodSync(join(stage.directory, "open.pem"), 0o644);
  return made;
}

async function command(...args: string[]): Promise<Running> {
  const running = stage.start("grain", args);
  await running.ended;
  return running;
}

it("are in no log, output, error, command line, journal, trace, bundle or other file beside the access directory", async () => {
  const env = { GRAIN_ACCESS_DIR: access, GATE: join(stage.directory, "gate") };
  const kept = [
    "--trace",
    join(stage.directory, "head.trace"),
    "--journal",
    join(stage.directory, "journal"),
  ];
  const edge = join(stage.directory, "grain.edge");
  const head = stage.start(
    "grain-head",
    [
      "--listen",
      "127.0.0.1:0",
      "--edge",
      edge,
      "--verbose",
      "--log-file",
      join(stage.directory, "log"),
      ...kept,
    ],
    env,
  );
  const [, address] = await head.until(/listening on (\S+)/);
  const worker = stage.start(
    "grain-worker",
    ["--address", `edge://${edge}`, "--cpus", "1", "--verbose"],
    env,
  );
  await worker.until(/Joined the head/);
  const file = stage.program("secret.ts", PROGRAM);
  const program = stage.run(
    ["--import", "tsx", file],
    { ...env, GRAIN_ADDRESS: `edge://${edge}` },
    stage.project,
  );
  await program.until(/^waiting$/m);
  expect(program.stdout, program.stderr).toMatch(/^400000$/m);
  expect(program.stdout).toMatch(/on purpose/);
  const commands = commandLines();
  if (process.platform === "linux") expect(commands.length).toBeGreaterThan(3);
  const lasting = ["journal", "cache", "state", "log", "head.trace", "grain.edge"].flatMap((name) =>
    filesIn(stage.directory)
      .filter((path) => path.startsWith(join(stage.directory, name)))
      .map((path) => [path, readFileSync(path)] as const),
  );
  writeFileSync(env.GATE, "");
  expect((await program.ended).code, program.stderr).toBe(0);

  const issued = await command("access", "new", "--role", "client", "--expires", "1h", "--access", access);
  expect(issued.stdout).toMatch(/BEGIN PRIVATE KEY/);
  const ls = await command("access", "ls", "--access", access);
  expect(ls.stdout, ls.stderr).toMatch(/client/);
  const refused = await stage.play(file, {
    GRAIN_ADDRESS: address!,
    GRAIN_ACCESS_DIR: join(access, "worker.pem"),
  });
  expect(refused.stderr + refused.stdout).toMatch(/AuthError.*may not submit tasks/);
  const wrong: Running[] = [];
  for (const name of Object.keys(spoilt(readFileSync(join(access, "admin.pem"), "utf8")))) {
    const place = join(stage.directory, name);
    const failed = await command("ls", "--address", address!, "--access", place);
    expect((await failed.ended).code, name).toBe(1);
    expect(failed.stderr, name).toContain(name);
    wrong.push(failed);
  }
  head.kill();
  await Promise.all([head.ended, worker.ended]);

  const pems = [issued.stdout, ...filesIn(access).map((path) => readFileSync(path, "utf8"))];
  const secrets = secretsOf(pems);
  expect(secrets.length).toBeGreaterThan(30);
  const outputs = [head, worker, program, ls, refused, ...wrong].map(
    ({ stdout, stderr, child }) => [child.spawnargs.join(" "), Buffer.from(stdout + stderr)] as const,
  );
  const left = [stage.directory, stage.project]
    .flatMap(filesIn)
    .filter((path) => !path.startsWith(`${access}/`) && !/(damaged|cut|key|open)\.pem$/.test(path))
    .map((path) => [path, readFileSync(path)] as const);
  for (const name of ["journal/", "head.trace", "log", "bundles/"])
    expect([...lasting, ...left].some(([path, content]) => path.includes(name) && content.length > 0)).toBe(
      true,
    );
  const shown = commands.map((line) => [line.toString("latin1"), line] as const);
  for (const [where, content] of [...outputs, ...shown, ...lasting, ...left])
    for (const secret of secrets) expect(content.includes(secret), where).toBe(false);
});
