/** Certificates of one's own: used, renewed and ended while the head runs. */

import { X509Certificate } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type Issued, issueCertificate, makeAuthority } from "../../../head/access/x509.js";
import { startHead } from "../../../head/index.js";
import type { Role } from "../../../proto/access/role.js";
import { AuthError, ConfigError } from "../../../proto/errors.js";
import { connectClient } from "../../../proto/link/grpc/connect.js";
import { ScriptedClient } from "../../kit/peers.js";

const soon = () => new Date(Date.now() + 600_000);

let place: string;
let site: Issued;
const file = (name: string) => join(place, name);
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "grain-test-"));
  site = await makeAuthority("site", soon());
  await show(await issueHead());
  await writeFile(file("ca.pem"), site.certificate);
  return () => rm(place, { recursive: true });
});

const issueHead = (authority = site) =>
  issueCertificate(authority, { id: "head", unit: "head", expiresAt: soon() });

/** The head's files. */
async function show({ certificate, key }: Pick<Issued, "certificate" | "key">): Promise<void> {
  await writeFile(file("cert.pem"), certificate);
  await writeFile(file("key.pem"), key, { mode: 0o600 });
}

const tls = () => ({ cert: file("cert.pem"), key: file("key.pem"), ca: file("ca.pem") });

async function serve() {
  const log: string[] = [];
  const add = (line: string) => void log.push(line);
  const options = { listen: ["127.0.0.1:0"], tls: tls(), access: file("access") };
  const { addresses, close } = await startHead({ ...options, log: { info: add, warn: add } });
  onTestFinished(() => close());
  const said = async (pattern: RegExp) => {
    while (!log.some((line) => pattern.test(line))) await new Promise((resolve) => setImmediate(resolve));
  };
  return { address: addresses[0]!, log, said };
}

/** A file for the other side. @param trusts who signed the head's */
async function issued(id: string, role: Role, expiresAt = soon(), by = site, trusts = site): Promise<string> {
  const made = await issueCertificate(by, { id, unit: role, expiresAt });
  const path = file(`${id}.pem`);
  await writeFile(path, [made.certificate, made.key, trusts.certificate].join("\n"), { mode: 0o600 });
  return path;
}

async function enter(address: string, credential: string) {
  const access = { place: credential, insecure: "no" as const };
  const connection = await connectClient(address, { giveUpMs: 60_000, access });
  onTestFinished(() => connection.close());
  const client = new ScriptedClient(connection.link);
  await client.open();
  return client;
}

/** The serial number of the certificate that a head shows now, seen by a stranger. */
function shown(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const port = Number(address.split(":")[1]);
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    socket.on("error", reject);
    socket.once("secureConnect", () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
  });
}

const serialOf = ({ certificate }: Pick<Issued, "certificate">) =>
  new X509Certificate(certificate).serialNumber;

const failed = (attempt: Promise<unknown>) =>
  attempt.then(
    () => undefined,
    (error: Error) => error,
  );

describe("while the head runs", () => {
  it("new ones are shown to who comes, and who is connected stays", async () => {
    const { address, said } = await serve();
    const ada = await enter(address, await issued("ada", "client"));
    const renewed = await issueHead();
    expect(await shown(address)).not.toBe(serialOf(renewed));
    await show(renewed);
    await said(/^the head's certificate was renewed$/);
    expect(await shown(address)).toBe(serialOf(renewed));
    await enter(address, await issued("ben", "client"));
    ada.closeSession();
    await ada.inbox.take("closed");
  });

  it("new ones that cannot be used change nothing but a line in the log", async () => {
    const { address, said, log } = await serve();
    const before = await shown(address);
    const { certificate } = await issueHead();
    // The key has not come yet.
    await writeFile(file("cert.pem"), certificate);
    await said(
      /new certificate cannot be used, the one before stays: --tls-key: .*key\.pem is not the key of/,
    );
    expect(await shown(address)).toBe(before);
    await enter(address, await issued("ada", "client"));
    await show(await issueHead());
    await said(/was renewed/);
    expect(await shown(address)).not.toBe(before);
    expect(log.filter((line) => line.includes("PRIVATE KEY"))).toEqual([]);
  });

  it("another authority for clients is taken up: its clients are let in, those of the one before are not", async () => {
    const { address, said } = await serve();
    const next = await makeAuthority("next", soon());
    const [early, late] = [
      await issued("early", "client"),
      await issued("late", "client", soon(), next, site),
    ];
    await enter(address, early);
    expect((await failed(enter(address, late)))?.message).toMatch(/did not accept the credential late/);
    await writeFile(file("ca.pem"), next.certificate);
    await said(/was renewed/);
    await enter(address, late);
    expect(await failed(enter(address, early))).toBeInstanceOf(AuthError);
  });

  it("one is ended by its name, in the access directory of the head", async () => {
    const { address } = await serve();
    const credential = await issued("ada", "client");
    const ada = await enter(address, credential);
    await mkdir(file("access/revoked"), { recursive: true, mode: 0o700 });
    await writeFile(file("access/revoked/ada"), "");
    expect((await ada.ended).type).toBe("broken");
    expect((await failed(enter(address, credential)))?.message).toContain("the credential ada was revoked");
    await enter(address, await issued("ben", "client"));
  });

  it("one that expires is cut off", async () => {
    const { address } = await serve();
    // Certificates count whole seconds.
    const credential = await issued("ada", "client", new Date(Date.now() + 3_000));
    const ada = await enter(address, credential);
    expect((await ada.ended).type).toBe("broken");
    expect((await failed(enter(address, credential)))?.message).toMatch(/credential ada in .* expired on/);
  });
});

describe("what cannot be used is refused at the start, naming the file", () => {
  it.each([
    [
      "a key of another certificate",
      async () => {
        await writeFile(file("key.pem"), (await issueHead()).key, { mode: 0o600 });
      },
      /^--tls-key: .*key\.pem is not the key of the certificate .*cert\.pem/,
    ],
    ["a key that others can read", () => chmod(file("key.pem"), 0o640), /chmod 600 .*key\.pem$/],
    ["no key", () => rm(file("key.pem")), /^--tls-key: there is no file .*key\.pem/],
    ["no certificate", () => rm(file("cert.pem")), /^--tls-cert: .*cert\.pem cannot be read/],
    [
      "a certificate that is none",
      () => writeFile(file("cert.pem"), "x"),
      /^--tls-cert: .*holds no certificate/,
    ],
    ["an authority that is none", () => writeFile(file("ca.pem"), "x"), /^--tls-ca: .*holds no certificate/],
  ] as const)("%s", async (_, spoil, message) => {
    await spoil();
    const error = await failed(startHead({ listen: ["127.0.0.1:0"], tls: tls(), access: file("access") }));
    expect(error instanceof ConfigError || error instanceof AuthError).toBe(true);
    expect(error!.message).toMatch(message);
    expect(error!.message).not.toMatch(/BEGIN|[A-Za-z0-9+/]{60}/);
  });
});
