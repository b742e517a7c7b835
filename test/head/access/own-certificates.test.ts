/** A locked head with certificates of somebody's own authority: what it takes, and what changes while it runs. */

import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { ensureDirectory } from "../../../head/access/directory.js";
import { revokeName } from "../../../head/access/issue.js";
import { issueCertificate, makeAuthority } from "../../../head/access/x509.js";
import { type ListenOptions, startHead } from "../../../head/index.js";
import { AuthError, ConfigError } from "../../../proto/errors.js";
import { connectClient } from "../../../proto/link/grpc/connect.js";
import { secure } from "../../../proto/link/grpc/security.js";
import { ScriptedClient } from "../../kit/peers.js";
import { scratch } from "./scratch.js";

const directory = scratch();
beforeAll(() => ensureDirectory(directory));

async function serve(options: ListenOptions) {
  const head = await startHead({ listen: ["127.0.0.1:0"], access: directory, ...options });
  onTestFinished(() => head.close());
  return { address: head.addresses[0]! };
}

function at(place: string) {
  return { giveUpMs: 30_000, access: { place, insecure: "no" as const } };
}

let files = 0;
async function kept(text: string): Promise<string> {
  const file = join(dirname(directory), `${++files}.pem`);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

async function mkdirOf(name: string): Promise<string> {
  const place = join(dirname(directory), name);
  await mkdir(place, { mode: 0o700 });
  onTestFinished(() => rm(place, { recursive: true }));
  return place;
}

const failed = (attempt: Promise<unknown>) =>
  attempt.then(
    () => undefined,
    (error: Error) => error,
  );

function siteAuthority() {
  return makeAuthority("site", new Date(Date.now() + 3_600_000));
}

let sites = 0;

describe("certificates of one's own", () => {
  it("must be for the host, when another authority has issued them", () => {
    const access = { place: directory, insecure: "no" as const };
    const security = secure({ type: "tcp", host: "head.example.org", port: 1 }, access, "client");
    if (security.type !== "tls") throw new Error("there is a credential");
    const shown = (subject: object, name: string) =>
      security.checkHead("", { subject, subjectaltname: `DNS:${name}` } as never);
    expect(shown({ O: "Site", CN: "x" }, "head.example.org")).toBeUndefined();
    expect(shown({ O: "Site", CN: "x" }, "other.example.org")?.message).toMatch(/does not match/);
    expect(shown({ O: "grain", OU: "head" }, "other.example.org")).toBeUndefined();
    expect(shown({ O: "grain", OU: "worker" }, "head.example.org")?.message).toMatch(/not of a head/);
  });

  it("are taken when nobody else can read the key, with the roles that they name", async () => {
    const place = await mkdirOf("own");
    const { certificate, key } = await siteAuthority();
    const site = { certificate, key };
    const server = await issueCertificate(site, {
      id: "head.example.org",
      unit: "head",
      expiresAt: new Date(Date.now() + 60_000),
    });
    const [cert, keyFile, ca] = ["cert", "key", "ca"].map((name) => join(place, `${name}.pem`));
    await writeFile(cert!, server.certificate);
    await writeFile(keyFile!, server.key, { mode: 0o644 });
    await writeFile(ca!, certificate);
    const tls = { cert: cert!, key: keyFile!, ca: ca! };
    await expect(startHead({ listen: ["127.0.0.1:0"], tls })).rejects.toThrow(`chmod 600 ${keyFile}`);
    await chmod(keyFile!, 0o600);
    const { address } = await serve({ tls });
    const made = await issueCertificate(site, {
      id: "ada",
      unit: "client",
      expiresAt: new Date(Date.now() + 60_000),
    });
    const file = await kept([made.certificate, made.key, certificate].join("\n"));
    await (await connectClient(address, at(file))).close();
  });
});

describe("while it runs with certificates of one's own", () => {
  const soon = () => new Date(Date.now() + 600_000);

  async function site(log: string[] = []) {
    const place = await mkdirOf(`site${++sites}`);
    const [cert, key, ca] = ["cert", "key", "ca"].map((name) => join(place, `${name}.pem`)) as [
      string,
      string,
      string,
    ];
    const write = async (authority: Awaited<ReturnType<typeof siteAuthority>>) => {
      const server = await issueCertificate(authority, { id: "head", unit: "head", expiresAt: soon() });
      await writeFile(cert, server.certificate);
      await writeFile(key, server.key, { mode: 0o600 });
      await writeFile(ca, authority.certificate);
    };
    const first = await siteAuthority();
    await write(first);
    const lines = {
      info: (line: string) => void log.push(line),
      warn: (line: string) => void log.push(line),
    };
    const { address } = await serve({ access: join(place, "access"), tls: { cert, key, ca }, log: lines });
    const person = async (authority: typeof first, id: string, expiresAt = soon()) => {
      const made = await issueCertificate(authority, { id, unit: "client", expiresAt });
      return kept([made.certificate, made.key, authority.certificate].join("\n"));
    };
    return { address, first, write, person, key, access: join(place, "access") };
  }

  async function connected(address: string, file: string): Promise<ScriptedClient> {
    const connection = await connectClient(address, at(file));
    onTestFinished(() => connection.close());
    const client = new ScriptedClient(connection.link);
    await client.open();
    return client;
  }

  async function logged(log: string[], pattern: RegExp): Promise<void> {
    while (!log.some((line) => pattern.test(line))) await new Promise((resolve) => setImmediate(resolve));
  }

  it("takes new ones, when they fit each other, and who is connected stays", async () => {
    const log: string[] = [];
    const { address, first, write, person, key } = await site(log);
    const client = await connected(address, await person(first, "ada"));
    const before = await readFile(key, "utf8");
    await writeFile(key, (await siteAuthority()).key);
    await logged(log, /new certificate cannot be used, the one before stays: --tls-key: .* or not that of/);
    await connected(address, await person(first, "ben"));
    const second = await siteAuthority();
    await write(second);
    expect(await readFile(key, "utf8")).not.toBe(before);
    await logged(log, /certificate was renewed/);
    await connected(address, await person(second, "cyd"));
    const error = await failed(connectClient(address, at(await person(first, "dan"))));
    expect(error).toBeInstanceOf(AuthError);
    client.closeSession();
    await client.inbox.take("closed");
  });

  it.each(["ada", "Ada Lovelace/../1 %"])(
    "cuts off %j when that name is revoked, and no other",
    async (name) => {
      const { address, first, person, access } = await site();
      const file = await person(first, name);
      const [client, other] = [
        await connected(address, file),
        await connected(address, await person(first, "ben")),
      ];
      await revokeName(access, name);
      expect((await client.ended).type).toBe("broken");
      expect((await failed(connectClient(address, at(file))))?.message).toContain(`${name} was revoked`);
      other.closeSession();
      await other.inbox.take("closed");
    },
  );

  it("cuts off one that expires, and no other", async () => {
    const { address, first, person } = await site();
    const file = await person(first, "ada");
    const client = await connected(address, file);
    const other = await connected(address, await person(first, "ben", new Date(Date.now() + 3_600_000)));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 601_000 });
    onTestFinished(() => void vi.useRealTimers());
    expect((await client.ended).type).toBe("broken");
    expect((await failed(connectClient(address, at(file))))?.message).toMatch(/ada in .* expired on/);
    other.closeSession();
    await other.inbox.take("closed");
  });

  it.each(["", "..", "x".repeat(65), "a\nb"])("%j is no name to revoke", async (name) => {
    await expect(revokeName(directory, name)).rejects.toThrow(/is not the CN of a certificate/);
  });

  it("does not start with files that do not fit, and names the flag", async () => {
    const place = await mkdirOf("unfit");
    const authority = await siteAuthority();
    const files = { cert: authority.certificate, key: authority.key, other: (await siteAuthority()).key };
    for (const [name, text] of Object.entries({ ...files, nothing: "nothing" }))
      await writeFile(join(place, name), text, { mode: 0o600 });
    for (const [cert, key, ca, message] of [
      [
        "cert",
        "other",
        "cert",
        /^--tls-key: .*other holds no private key in PEM, .* or not that of the cert/,
      ],
      ["cert", "nothing", "cert", /^--tls-key: .*nothing holds no private key in PEM/],
      ["cert", "cert", "cert", /^--tls-key: .*cert holds no private key in PEM/],
      ["cert", ".", "cert", /^--tls-key: .* is a directory; name the file/],
      ["cert", "missing", "cert", /^--tls-key: there is no file .*missing/],
      ["key", "key", "cert", /^--tls-cert: .*key holds no certificate in PEM/],
      ["cert", "key", "nothing", /^--tls-ca: .*nothing holds no certificate in PEM/],
      ["missing", "key", "cert", /^--tls-cert: .*missing cannot be read/],
    ] as const) {
      const tls = { cert: join(place, cert), key: join(place, key), ca: join(place, ca) };
      const error = await failed(startHead({ listen: ["127.0.0.1:0"], tls }));
      expect(error).toBeInstanceOf(ConfigError);
      expect(error!.message).toMatch(message);
    }
  });
});
