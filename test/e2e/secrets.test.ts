/**
 * Secrets stay where they are kept: nothing that a full run with --verbose writes, shows or hands on holds a part
 * of one. In the run a task starts programs, one fails, one crashes, the head is killed and comes back, and
 * people come with credentials that are wrong in every way.
 */

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readAuthority } from "../../head/access/directory.js";
import { newCredential, revokeCredential } from "../../head/access/issue.js";
import { issueCertificate } from "../../head/access/x509.js";
import { parseCredential } from "../../proto/access/credential.js";
import { AuthError } from "../../proto/errors.js";
import { connectAdmin } from "../../proto/link/grpc/connect.js";
import { marked, type Running, Stage } from "../kit/daemons.js";
import { LastingHead } from "../kit/lasting-head.js";
import { keysIn, type Secret, secretOfBytes, secretsIn, textsBelow } from "../kit/secrets.js";

let stage: Stage;
/** Beside what is searched: the credentials, and what the client's process has told of its own. */
let hidden: string;
let access: string;
beforeEach(() => {
  stage = new Stage();
  hidden = mkdtempSync(join(tmpdir(), "grain-test-"));
  access = join(hidden, "access");
});
afterEach(async () => {
  await stage.close();
  vi.unstubAllEnvs();
  rmSync(hidden, { recursive: true });
});

/** Notes the tokens by which the client's sessions come back: only its process and the head ever see them. */
const RECORDER = `
import crypto from "node:crypto";
import { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
const { randomBytes } = crypto;
crypto.randomBytes = (size, ...more) => {
  const bytes = randomBytes(size, ...more);
  // Who asked for them is the frame after this one: a field of a new session.
  if (/HeadSession\\.<instance_members_initializer>/.test(new Error().stack.split("\\n")[2])) appendFileSync(process.env.TOKENS, bytes.toString("hex") + "\\n");
  return bytes;
};
syncBuiltinESMExports();
`;

const PROGRAM = `
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { cores, currentTask, delayed, run } from "grain-scheduler";
const looks = delayed(async function looks(gate: string) {
  const { $ } = currentTask();
  const { stdout } = await $\`sh -c \${"cat /proc/$$/environ /proc/$$/cmdline; ls -l /proc/$$/fd"}\`;
  console.log(JSON.stringify(process.env), process.execArgv, process.argv);
  const waits = $\`sh -c \${"while [ ! -e " + gate + " ]; do sleep 0.05; done"}\`;
  await waits.pid;
  console.log("looked");
  await waits;
  return stdout;
});
const large = delayed(async function large(bytes: Uint8Array) { return bytes.map((byte) => byte + 1); });
const fails = delayed(async function fails() { throw new Error("on purpose"); });
const crashes = delayed(async function crashes() { process.kill(process.pid, "SIGSEGV"); await pause(60_000); });
await run(async () => {
  console.log(await looks.with(cores(1))(process.env.GATE!));
  console.log((await large.with(cores(1))(new Uint8Array(1_000_000))).length);
});
for (const task of [fails, crashes])
  await run(async () => { await task.with(cores(1))(); }).catch((error) => console.log(error, error.cause, error.stack));
console.log("done");
`;

/** What anybody on the machine who may look sees of the processes: command lines, environments, open files. */
async function seenOfProcesses(): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  for (const pid of marked(stage.marker)) {
    for (const name of ["cmdline", "environ"]) {
      const path = `/proc/${pid}/${name}`;
      try {
        seen.set(path, readFileSync(path, "latin1"));
      } catch {
        // It has ended.
      }
    }
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      try {
        seen.set(`/proc/${pid}/fd/${fd}`, readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        // It was closed.
      }
    }
  }
  return seen;
}

/** Credentials of people who must not come in, as files. */
async function wrongCredentials(): Promise<{ files: Record<string, string>; texts: string[] }> {
  const authority = readAuthority(access);
  const good = await newCredential(access, { role: "client" });
  const revoked = await newCredential(access, { role: "client" });
  await revokeCredential(access, revoked.record.id);
  const foreign = parseCredential(
    (await newCredential(join(hidden, "foreign"), { role: "client" })).text,
    "",
  );
  const old = await issueCertificate(authority, { id: "old", unit: "client", expiresAt: new Date(1e9) });
  const { certificate, authorities } = parseCredential(good.text, "");
  const texts: Record<string, string> = {
    revoked: revoked.text,
    foreign: [foreign.certificate, foreign.key, authorities].join("\n"),
    expired: [old.certificate, old.key, authorities].join("\n"),
    mismatched: [certificate, foreign.key, authorities].join("\n"),
    "damaged key": good.text.replace(/(BEGIN PRIVATE KEY-----\n)..../, "$1AAAA"),
    "damaged certificate": good.text.replace(/(BEGIN CERTIFICATE-----\n)..../, "$1AAAA"),
    "half a file": good.text.slice(0, good.text.indexOf("-----END PRIVATE KEY")),
    open: good.text,
    "of a worker": readFileSync(join(access, "worker.pem"), "utf8"),
  };
  const files: Record<string, string> = {};
  for (const [name, text] of Object.entries(texts)) {
    files[name] = join(hidden, `${name}.pem`);
    writeFileSync(files[name]!, text, { mode: 0o600 });
  }
  chmodSync(files.open!, 0o644);
  return { files, texts: [good.text, ...Object.values(texts)] };
}

/** The head has seen that a credential was revoked: it looks once a second. */
async function isShutOut(address: string, place: string): Promise<void> {
  for (;;) {
    const options = { giveUpMs: 60_000, access: { place, insecure: "no" as const } };
    const connection = await connectAdmin(address, options).catch((error: unknown) => {
      expect(error).toBeInstanceOf(AuthError);
    });
    if (connection === undefined) return;
    connection.close();
  }
}

async function cameWithWrong(address: string, files: Record<string, string>): Promise<Running[]> {
  const came: Running[] = [];
  const flags = (file: string) => ["--address", address, "--access", file];
  for (const [name, file] of Object.entries(files)) {
    const ls = stage.start("grain", ["ls", ...flags(file)]);
    expect(await ls.ended, name).toMatchObject({ code: 1 });
    expect(ls.stderr, name).toMatch(/^grain: [^\n]+\n$/);
    came.push(ls);
    if (name === "of a worker") continue;
    const worker = stage.start("grain-worker", [...flags(file), "--cpus", "1", "--verbose"]);
    expect(await worker.ended, name).toMatchObject({ code: 1 });
    came.push(worker);
  }
  return came;
}

describe.runIf(process.platform === "linux")("secrets", () => {
  it("are in no log, output, error, process, journal, trace, edge file or cache", async () => {
    const [gate, tokens, shared] = ["gate", "tokens", "shared"].map((name) => join(hidden, name));
    mkdirSync(shared!, { mode: 0o700 });
    vi.stubEnv("GRAIN_SHARED_DIR", shared!);
    const edge = join(stage.directory, "grain.edge");
    const head = await LastingHead.start(stage, [
      ...["--access", access, "--edge", edge, "--trace", join(stage.directory, "head.trace"), "--verbose"],
    ]);
    const lives = [head.running];
    const env = { GRAIN_ACCESS_DIR: access, GRAIN_ADDRESS: `edge://${edge}` };
    const worker = stage.start("grain-worker", ["--cpus", "1", "--verbose"], env);
    await worker.until(/Joined the head/);

    const recorder = join(hidden, "recorder.mjs");
    writeFileSync(recorder, RECORDER);
    const program = stage.run(
      ["--import", pathToFileURL(recorder).href, "--import", "tsx", stage.program("secret.ts", PROGRAM)],
      { ...env, GATE: gate!, TOKENS: tokens! },
      stage.project,
    );
    await program.until(/looked/);
    const seen = await seenOfProcesses();
    // Nobody has a credential open but who is reading it at the moment: what is started by tasks inherits none.
    const openCredentials = async () =>
      [...(await seenOfProcesses())].filter(([, target]) => target.startsWith(`${access}/`));
    await vi.waitFor(async () => expect(await openCredentials()).toEqual([]), { timeout: 30_000 });
    // The head, the worker, its executor, two programs, and the client.
    expect([...seen.keys()].filter((path) => path.endsWith("cmdline")).length).toBeGreaterThan(5);
    const proofs = [...textsBelow(shared!)].filter(([path]) => path.endsWith("/proof"));
    expect(proofs).toHaveLength(1);
    await head.restart();
    lives.push(head.running);
    writeFileSync(gate!, "");
    await program.ended;
    expect(program.stdout, program.stderr).toMatch(
      /GRAIN_ACCESS_DIR[\s\S]+1000000\n[\s\S]+on purpose[\s\S]+done\n$/,
    );

    const { files, texts } = await wrongCredentials();
    await isShutOut(head.address, files.revoked!);
    const came = await cameWithWrong(head.address, files);
    const issued = stage.start("grain", ["access", "new", "--role", "client", "--access", access]);
    await issued.ended;
    const listed = stage.start("grain", ["access", "ls", "--json", "--access", access]);
    await listed.ended;
    expect(JSON.parse(listed.stdout).length).toBeGreaterThan(5);

    const secrets: Secret[] = [
      ...[...textsBelow(access)].flatMap(([path, text]) => keysIn(path, text)),
      ...[...texts, issued.stdout].flatMap((text) => sound(text)),
      ...proofs.map(([path, text]) => secretOfBytes(path, Buffer.from(text, "hex"))),
      ...readFileSync(tokens!, "utf8")
        .trim()
        .split("\n")
        .map((token) => secretOfBytes("token", Buffer.from(token, "hex"))),
    ];
    // They are found where they are: six files of the access directory, and what was issued.
    expect(secrets.filter(({ name }) => name.endsWith(".pem"))).toHaveLength(6);
    expect(secrets.filter(({ name }) => name === "token")).toHaveLength(3);
    for (const secret of secrets)
      for (const form of secret.forms) expect(secretsIn(`x${form}x`, [secret])).toEqual([secret.name]);

    const outputs = [...lives, worker, program, ...came, listed].map(({ stdout, stderr }) => stdout + stderr);
    const kept = new Map([...textsBelow(stage.directory), ...textsBelow(stage.project)]);
    for (const part of [/\/journal\//, /\/cache\/.*\.mjs$/, /grain\.edge$/, /head\.trace$/])
      expect(
        [...kept.keys()].some((path) => part.test(path)),
        String(part),
      ).toBe(true);
    for (const [where, text] of [...outputs.entries(), ...kept, ...seen])
      expect(secretsIn(text, secrets), String(where)).toEqual([]);
  }, 180_000);

  it("that are given in the place of a path are not repeated", async () => {
    const { text } = await newCredential(access, { role: "client" });
    const program = stage.program("secret.ts", PROGRAM);
    const env = { GRAIN_ACCESS_DIR: text, GRAIN_ADDRESS: "127.0.0.1:1" };
    const said = [
      stage.start("grain", ["ls"], env),
      stage.start("grain", ["access", "ls", "--access", text]),
      stage.start("grain-head", ["--listen", "127.0.0.1:0", "--verbose"], env),
      stage.start("grain-worker", ["--cpus", "1", "--verbose"], env),
      await stage.play(program, env),
    ];
    const secrets = keysIn("key", text);
    for (const running of said) {
      expect((await running.ended).code).not.toBe(0);
      expect(running.stderr).toMatch(/is the text of a credential, not a path.*write it to a file/);
      expect(secretsIn(running.stdout + running.stderr, secrets)).toEqual([]);
    }
  });
});

/** Keys of a text, but those that were damaged on purpose. */
function sound(text: string): Secret[] {
  try {
    return keysIn("issued", text);
  } catch {
    return [];
  }
}
