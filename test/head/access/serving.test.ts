/** A locked head over real sockets: every way in which access fails, as its peers hear it, and what changes while it runs. */

import { once } from "node:events";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { readAuthority } from "../../../head/access/directory.js";
import { newCredential, revokeCredential, rotateCredentials } from "../../../head/access/issue.js";
import { issueCertificate } from "../../../head/access/x509.js";
import { type ListenOptions, startHead } from "../../../head/index.js";
import { credentialFile, findCredential } from "../../../proto/access/credential.js";
import type { Role } from "../../../proto/access/role.js";
import { AuthError, ConfigError, ConnectionError } from "../../../proto/errors.js";
import { connectAdmin, connectClient, connectWorker } from "../../../proto/link/grpc/connect.js";
import { ScriptedClient } from "../../kit/peers.js";
import { bytes } from "../shell/head-kit.js";
import { scratch } from "./scratch.js";

const directory = scratch();
const foreign = scratch();

async function serve(options: ListenOptions = {}) {
  const log: string[] = [];
  const head = await startHead({
    listen: ["127.0.0.1:0"],
    access: directory,
    log: { info: (line) => void log.push(line), warn: (line) => void log.push(line) },
    ...options,
  });
  onTestFinished(() => head.close());
  return { ...head, address: head.addresses[0]!, log };
}

function at(place: string) {
  return { giveUpMs: 30_000, access: { place, insecure: "no" as const } };
}

let files = 0;
/** A credential in a file of its own, as it is carried elsewhere. */
async function carried(role: Role, place = directory): Promise<{ file: string; id: string }> {
  const { text, record } = await newCredential(place, { role });
  return { file: await kept(text), id: record.id };
}

async function kept(text: string): Promise<string> {
  files += 1;
  const file = join(dirname(directory), `${files}.pem`);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

beforeAll(async () => {
  await newCredential(directory, { role: "viewer" });
  await newCredential(foreign, { role: "viewer" });
});

const failed = (attempt: Promise<unknown>) =>
  attempt.then(
    () => undefined,
    (error: Error) => error,
  );

describe("who has no access hears why", () => {
  it("without a credential", async () => {
    const { address } = await serve();
    const error = await failed(connectClient(address, at("/nowhere/access")));
    expect(error).toBeInstanceOf(AuthError);
    expect(error!.message).toMatch(
      /There is no credential for a program in \/nowhere\/access.*--role client/,
    );
  });

  it("with an expired one, before anything is sent", async () => {
    const authority = readAuthority(directory);
    const expiresAt = new Date(Date.now() - 60_000);
    const made = await issueCertificate(authority, { id: "old1", unit: "client", expiresAt });
    const file = await kept([made.certificate, made.key, authority.certificate].join("\n"));
    const error = await failed(connectClient("127.0.0.1:1", at(file)));
    expect(error).toBeInstanceOf(AuthError);
    expect(error!.message).toMatch(/credential old1 in .* expired on \d{4}-.*grain access new --role client/);
  });

  it("with one of another head", async () => {
    const { address } = await serve();
    const error = await failed(connectClient(address, at(foreign)));
    expect(error).toBeInstanceOf(AuthError);
    expect(error!.message).toMatch(/is not the one that issued the credential \w+ in .*correct the address/);
  });

  it("with one of another authority that trusts this head", async () => {
    const { address, log } = await serve();
    const stranger = findCredential(foreign, "client")!;
    const file = await kept(
      [stranger.certificate, stranger.key, readAuthority(directory).certificate].join("\n"),
    );
    const error = await failed(connectClient(address, at(file)));
    expect(error).toBeInstanceOf(AuthError);
    expect(error!.message).toMatch(/did not accept the credential \w+ in .*another authority issued it/);
    expect(log.join("\n")).toMatch(/turned away a connection from 127\.0\.0\.1: it showed no certificate/);
  });

  it.each([
    ["worker", connectClient, /has the role worker and may not submit tasks; that takes the role client/],
    ["viewer", connectClient, /has the role viewer and may not submit tasks/],
    ["client", connectWorker, /has the role client and may not join as a worker; that takes the role worker/],
    ["worker", connectAdmin, /has the role worker and may not call Admin\/Status/],
  ] as const)("with the wrong role: %s", async (role, connect, message) => {
    const { address } = await serve();
    const { file } = await carried(role);
    const error = await failed(connect(address, at(file)));
    expect(error).toBeInstanceOf(AuthError);
    expect(error!.message).toMatch(message);
  });

  it("with a worker that pretends to be a head", async () => {
    const place = await mkdirOf("pretender");
    await copyFile(credentialFile(directory, "worker"), credentialFile(place, "head"));
    await copyFile(credentialFile(directory, "authority"), credentialFile(place, "authority"));
    const { address } = await serve({ access: place });
    const error = await failed(connectClient(address, at(directory)));
    expect(error).toBeInstanceOf(AuthError);
    expect(error!.message).toMatch(/is not the one that issued/);
  });

  it("when the other side does not encrypt, or this one", async () => {
    const plain = await serve({ insecure: true });
    expect(plain.log[0]).toMatch(/^INSECURE: whoever can connect to 127\.0\.0\.1:0 can run code/);
    const error = await failed(connectClient(plain.address, at(directory)));
    expect(error).toBeInstanceOf(AuthError);
    expect(error!.message).toMatch(/does not speak TLS.*--insecure/);
    const { address } = await serve();
    const access = { place: directory, insecure: "here" as const };
    const reverse = await failed(connectClient(address, { giveUpMs: 30_000, access }));
    expect(reverse!.message).toMatch(/asks for TLS.*leave out --insecure/);
    const far = await failed(connectClient("example.org:1", { giveUpMs: 1_000, access }));
    expect(far).toBeInstanceOf(ConfigError);
    expect(far!.message).toMatch(/on another machine.*--yes-really/);
  });

  it("and nobody at all is no matter of credentials", async () => {
    for (const place of [directory, "/nowhere/access"])
      expect(await failed(connectClient("127.0.0.1:1", { ...at(place), giveUpMs: 0 }))).toBeInstanceOf(
        ConnectionError,
      );
  });
});

async function mkdirOf(name: string): Promise<string> {
  const place = join(dirname(directory), name);
  await mkdir(place, { mode: 0o700 });
  onTestFinished(() => rm(place, { recursive: true }));
  return place;
}

describe("while it runs", () => {
  it("a revoked credential is cut off, and hears why when it comes again", async () => {
    const { address } = await serve();
    const { file, id } = await carried("client");
    const connection = await connectClient(address, at(file));
    onTestFinished(() => connection.close());
    const client = new ScriptedClient(connection.link);
    await client.open();
    await revokeCredential(directory, id);
    expect((await client.ended).type).toBe("broken");
    const error = await failed(connectClient(address, at(file)));
    expect(error).toBeInstanceOf(AuthError);
    expect(error!.message).toContain(`the credential ${id} was revoked; ask the head's administrator`);
  });

  it("its certificate is renewed, and who is connected stays", async () => {
    const { address, log } = await serve();
    const connection = await connectClient(address, at(directory));
    onTestFinished(() => connection.close());
    const client = new ScriptedClient(connection.link);
    await client.open();
    await rotateCredentials(directory);
    for (;;) {
      if (log.includes("the head's certificate was renewed")) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await (await connectClient(address, at(directory))).close();
    client.closeSession();
    await client.inbox.take("closed");
  });

  it("it ends though somebody never finishes a handshake", async () => {
    const { address, close } = await serve();
    const socket = connectTcp(Number(address.split(":")[1]), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    const ended = once(socket, "close");
    await close();
    await ended;
  });
});

describe("what clients see", () => {
  it("are their own sessions; administrators and viewers see all", async () => {
    const { address } = await serve();
    const [ada, ben, viewer] = [await carried("client"), await carried("client"), await carried("viewer")];
    const open = async (file: string) => {
      const connection = await connectClient(address, at(file));
      onTestFinished(() => connection.close());
      const client = new ScriptedClient(connection.link);
      const { session } = await client.open();
      client.define(1);
      client.submit(1, 1, [bytes("x")]);
      return session;
    };
    const own = await open(ada.file);
    await open(ben.file);
    const seen = async (place: string) => {
      const admin = await connectAdmin(address, at(place));
      onTestFinished(() => admin.close());
      const { sessions, queues } = await admin.status();
      expect(new Set(queues.map(({ session }) => session)).size).toBe(sessions.length);
      return { admin, sessions: sessions.map(({ session }) => session) };
    };
    expect((await seen(ada.file)).sessions).toEqual([own]);
    expect((await seen(viewer.file)).sessions).toHaveLength(2);
    expect((await seen(directory)).sessions).toHaveLength(2);
    const { admin } = await seen(ben.file);
    const error = await failed(admin.explain(own, 1));
    expect(error).toBeInstanceOf(AuthError);
    const notYours = new RegExp(`session ${own} has ended, or is not one that .* has opened`);
    expect(error!.message).toMatch(notYours);
    for (const attempt of [
      admin.session(own),
      admin.explainSession(own),
      admin.cancel({ session: own, by: "ben" }),
      admin.cancel({ session: own, task: 1, by: "ben" }),
      admin.cancel({ session: 77, by: "ben" }),
    ])
      expect((await failed(attempt))?.message).toMatch(/has ended, or is not one that .* has opened/);
    expect((await (await seen(ada.file)).admin.session(own)).session).toMatchObject({ queued: 1 });
  });
});

afterAll(async () => {
  for (let number = 1; number <= files; number += 1)
    await rm(join(dirname(directory), `${number}.pem`), { force: true });
});
