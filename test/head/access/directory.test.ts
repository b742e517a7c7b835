/** Access directories: their first start, what they hold, and what is refused. */

import { chmod, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { ensureDirectory } from "../../../head/access/directory.js";
import {
  listCredentials,
  newCredential,
  revokeCredential,
  rotateCredentials,
} from "../../../head/access/issue.js";
import { credentialFile, findCredential, parseCredential } from "../../../proto/access/credential.js";
import { chooseAccess } from "../../../proto/access/place.js";
import { AuthError, ConfigError } from "../../../proto/errors.js";
import { scratch } from "./scratch.js";

const directory = scratch();
const other = scratch();

describe("a first start", () => {
  it("makes one authority, of however many heads that start at once", async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => ensureDirectory(directory)));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await readdir(dirname(directory))).toEqual(["access"]);
    const issuers = ["head", "admin", "client", "worker", "viewer"].map(
      (role) => findCredential(credentialFile(directory, role as "head"), "command")!.authorities,
    );
    expect(new Set(issuers).size).toBe(1);
  });

  it("keeps everything to its user", async () => {
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(directory, { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(name.parentPath, name.name));
      expect(mode & 0o077, name.name).toBe(0);
    }
  });

  it("does not take over a directory of credentials from elsewhere", async () => {
    await mkdir(other, { mode: 0o700 });
    await mkdir(join(other, "something"));
    await expect(ensureDirectory(other)).rejects.toThrow(/holds no authority.*--access/);
  });
});

describe("what is open to others is refused with the command that mends it", () => {
  it("a file", async () => {
    const file = credentialFile(directory, "viewer");
    await chmod(file, 0o640);
    expect(() => findCredential(file, "command")).toThrow(AuthError);
    expect(() => findCredential(file, "command")).toThrow(`mode 0640); close it with: chmod 600 ${file}`);
    await chmod(file, 0o600);
  });

  it("a directory", async () => {
    await chmod(directory, 0o755);
    expect(() => findCredential(directory, "client")).toThrow(`chmod 700 ${directory}`);
    await expect(ensureDirectory(directory)).rejects.toThrow(`chmod 700 ${directory}`);
    await chmod(directory, 0o700);
  });
});

describe("credentials", () => {
  it("are issued for a time, listed, revoked", async () => {
    const { text, record } = await newCredential(directory, {
      role: "worker",
      name: "rack 7",
      validMs: 60_000,
    });
    const credential = parseCredential(text, "file");
    expect(credential).toMatchObject({ id: record.id, role: "worker" });
    expect(Math.abs(credential.expiresAt.getTime() - Date.now() - 60_000)).toBeLessThan(30_000);
    const listed = async () => (await listCredentials(directory)).find(({ id }) => id === record.id);
    expect(await listed()).toMatchObject({ role: "worker", name: "rack 7", state: "valid" });
    await revokeCredential(directory, record.id);
    expect(await listed()).toMatchObject({ state: "revoked" });
  });

  it("are not there to be revoked by a wrong name", async () => {
    await expect(revokeCredential(directory, "../client.pem")).rejects.toThrow(
      /No credential "\.\.\/client\.pem"/,
    );
  });

  it.each([0, -1, Number.POSITIVE_INFINITY])("are not issued for %d ms", async (validMs) => {
    await expect(newCredential(directory, { role: "client", validMs })).rejects.toThrow(ConfigError);
  });

  it("are renewed by the same authority", async () => {
    const before = findCredential(directory, "client")!;
    await rotateCredentials(directory);
    const after = findCredential(directory, "client")!;
    expect(after.id).not.toBe(before.id);
    expect(after.authorities).toBe(before.authorities);
  });

  it("that are damaged are told without their text", async () => {
    const text = await readFile(credentialFile(directory, "client"), "utf8");
    const damaged = text.replace(/(BEGIN CERTIFICATE-----\n)....../, "$1AAAAAA");
    expect(() => parseCredential(damaged, "mine.pem")).toThrow(/^mine\.pem holds a damaged certificate/);
    expect(() => parseCredential(text.split("-----END PRIVATE KEY")[0]!, "mine.pem")).toThrow(
      /^mine\.pem is no credential/,
    );
  });
});

describe("the place", () => {
  it.each([
    [{ access: "/a" }, { GRAIN_ACCESS_DIR: "/b" }, "/a"],
    [{}, { GRAIN_ACCESS_DIR: "/b", XDG_CONFIG_HOME: "/c" }, "/b"],
    [{}, { GRAIN_ACCESS_DIR: "", XDG_CONFIG_HOME: "/c" }, "/c/grain/access"],
    [{}, { XDG_CONFIG_HOME: "relative" }, expect.stringMatching(/\/\.config\/grain\/access$/)],
  ])("%j in %j is %s", (flags, env, place) => {
    expect(chooseAccess(flags, env).place).toEqual(place);
  });

  it.each([
    [{}, {}, "no"],
    [{ insecure: true }, {}, "here"],
    [{ insecure: true, yesReally: true }, {}, "anywhere"],
    [{}, { GRAIN_INSECURE: "1" }, "here"],
    [{}, { GRAIN_INSECURE: "yes-really" }, "anywhere"],
  ])("%j in %j means insecure: %s", (flags, env, insecure) => {
    expect(chooseAccess(flags, env).insecure).toBe(insecure);
  });
});
