/** Secrets stay in their files: nothing that a run with --verbose writes or shows holds a part of one. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { marked, Stage } from "../kit/daemons.js";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const PROGRAM = `
import { delayed, cores, run } from "grain-scheduler";
const shown = delayed(async function shown() { return 7; });
await run(async () => console.log(await shown.with(cores(1))()));
const fails = delayed(async function fails() { throw new Error("on purpose"); });
await run(async () => { await fails.with(cores(1))(); }).catch((error) => console.log(error));
`;

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

it("are in no log, output, command line, trace or file beside the access directory", async () => {
  const access = join(stage.directory, "access");
  const env = { GRAIN_ACCESS_DIR: access };
  const trace = join(stage.directory, "head.trace");
  const head = stage.start("grain-head", ["--listen", "127.0.0.1:0", "--verbose", "--trace", trace], env);
  const [, address] = await head.until(/listening on (\S+)/);
  const worker = stage.start("grain-worker", ["--address", address!, "--cpus", "1", "--verbose"], env);
  await worker.until(/Joined the head/);
  const program = await stage.play(stage.program("secret.ts", PROGRAM), { ...env, GRAIN_ADDRESS: address! });
  expect(program.stdout).toMatch(/^7\n/);
  const issued = stage.start("grain", [
    "access",
    "new",
    "--role",
    "client",
    "--expires",
    "1h",
    "--access",
    access,
  ]);
  await issued.ended;
  expect(issued.stdout).toMatch(/BEGIN PRIVATE KEY/);
  const ls = stage.start("grain", ["access", "ls", "--access", access]);
  await ls.ended;
  expect(ls.stdout, ls.stderr).toMatch(/client/);
  const refused = await stage.play(stage.program("refused.ts", PROGRAM), {
    GRAIN_ADDRESS: address!,
    GRAIN_ACCESS_DIR: join(access, "worker.pem"),
  });
  expect(refused.stderr + refused.stdout).toMatch(/AuthError.*may not submit tasks/);

  const pems = [issued.stdout, ...filesIn(access).map((file) => readFileSync(file, "utf8"))];
  // Every whole line of every private key.
  const secrets = pems.flatMap((text) =>
    [...text.matchAll(/BEGIN PRIVATE KEY-----\n([\s\S]+?)-----END/g)].flatMap(([, key]) =>
      key!.trim().split("\n"),
    ),
  );
  expect(secrets.length).toBeGreaterThan(10);
  const outputs = [head, worker, program, ls, refused].map(({ stdout, stderr }) => stdout + stderr);
  const commands =
    process.platform === "linux"
      ? marked(stage.marker).map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8"))
      : [];
  const kept = [stage.directory, stage.project]
    .flatMap(filesIn)
    .filter((file) => !file.startsWith(`${access}/`))
    .map((file) => readFileSync(file, "latin1"));
  expect(kept.length).toBeGreaterThan(2);
  for (const text of [...outputs, ...commands, ...kept])
    for (const secret of secrets) expect(text.includes(secret)).toBe(false);
});
