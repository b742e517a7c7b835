/** Workers by ssh, on a real sshd on loopback. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JobId } from "../../provider/provider.js";
import type { ProviderSettings } from "../../provider/settings.js";
import { ssh } from "../../provider/ssh.js";
import { JOB, settingsOf } from "./fakes.js";

const SSHD = "/usr/sbin/sshd";
const missing = !existsSync(SSHD) && !process.env.CI;
if (missing) console.warn("The tests of ssh are skipped: there is no sshd here (Debian: openssh-server).");

let directory: string;
let server: ChildProcess;
let port: number;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port: free } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return free;
}

async function startServer(): Promise<void> {
  const key = (name: string) =>
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(directory, name)]);
  for (const name of ["host", "mine", "stranger"]) key(name);
  const hostKey = readFileSync(join(directory, "host.pub"), "utf8");
  writeFileSync(join(directory, "authorized"), readFileSync(join(directory, "mine.pub")));
  writeFileSync(join(directory, "known"), `[127.0.0.1]:${port} ${hostKey}[localhost]:${port} ${hostKey}`);
  writeFileSync(
    join(directory, "sshd_config"),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${directory}/host`,
      `AuthorizedKeysFile ${directory}/authorized`,
      `PidFile ${directory}/sshd.pid`,
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "PermitRootLogin yes",
      "",
    ].join("\n"),
  );
  chmodSync(directory, 0o755);
  // It insists on its directory, which a package makes when its service is started.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  server = spawn(SSHD, ["-D", "-e", "-f", join(directory, "sshd_config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    server.once("exit", () => reject(new Error(`sshd ended: ${said}`)));
    server.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("Server listening")) resolve();
    });
  });
}

function settings(more: Partial<ProviderSettings> = {}, identity = "mine", to = port): ProviderSettings {
  const options = [
    "IdentitiesOnly=yes",
    `UserKnownHostsFile=${directory}/known`,
    "StrictHostKeyChecking=yes",
  ];
  return settingsOf(
    "ssh",
    { setupCleanup: ["defer echo cleaned up"] },
    {
      hosts: ["127.0.0.1", "localhost"],
      sshCommand: [
        "ssh",
        "-F",
        "none",
        "-p",
        String(to),
        "-i",
        join(directory, identity),
        ...options.flatMap((each) => ["-o", each]),
      ],
      sshDirectory: directory,
      ...more,
    },
  );
}

const job = () => ({
  ...JOB,
  logFile: join(directory, "logs", "it's-{{JOB}}.log"),
  command: [
    "sh",
    "-c",
    'trap "exit 0" TERM; echo "working as $0 in $(pwd)"; while :; do sleep 0.05; done',
    "w-{{JOB}}",
  ],
});

const log = (id: JobId) => readFileSync(join(directory, "logs", `it's-${id}.log`), "utf8");

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe.skipIf(missing)("by ssh", () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "grain-ssh-"));
    port = await freePort();
    await startServer();
  });

  afterAll(async () => {
    server.kill("SIGTERM");
    if (server.exitCode === null) await once(server, "exit");
    rmSync(directory, { recursive: true, force: true });
  });

  it("workers are started on each machine in turn, stay, are seen, and are ended with their clean-up", async () => {
    const provider = ssh(settings());
    const ids = await provider.submit(job(), 3);
    expect(ids.map((id) => id.replace(/:.*/, ""))).toEqual(["127.0.0.1", "localhost", "127.0.0.1"]);
    for (const id of ids)
      await until(() => existsSync(join(directory, "logs", `it's-${id}.log`)) && log(id) !== "");
    expect(log(ids[0]!)).toBe(`working as w-${ids[0]} in ${directory}\n`);
    // The scripts have removed themselves.
    expect(
      readdirSync(tmpdir()).filter(
        (name) => name.startsWith("tmp.") && readText(join(tmpdir(), name)).includes(directory),
      ),
    ).toEqual([]);
    expect([...(await provider.status([...ids, "127.0.0.1:1.1"])).values()]).toEqual([
      { type: "running", host: "127.0.0.1" },
      { type: "running", host: "localhost" },
      { type: "running", host: "127.0.0.1" },
      { type: "ended", reason: "its process has ended" },
    ]);
    await provider.cancel(ids);
    await until(async () => [...(await provider.status(ids)).values()].every(({ type }) => type === "ended"));
    for (const id of ids) expect(log(id)).toMatch(/cleaned up\n$/);
    await provider.cancel(ids);
  });

  it("a machine that does not let us in is named, after what was started", async () => {
    await expect(ssh(settings({}, "stranger")).submit(job(), 1)).rejects.toThrow(
      /^ssh does not get to 127\.0\.0\.1: .*Permission denied.*"ssh 127\.0\.0\.1 true" has to work without a question/,
    );
    const provider = ssh(settings({ hosts: ["localhost", "nobody@localhost"] }));
    const failed = await provider.submit(job(), 2).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      submitted: [expect.stringMatching(/^localhost:/)],
      message: expect.stringContaining("nobody@localhost"),
    });
    await provider.cancel((failed as { submitted: string[] }).submitted);
  });

  it("a machine that does not answer says nothing of its workers", async () => {
    const closed = ssh(settings({}, "mine", 1));
    expect(await closed.status(["127.0.0.1:1.1"])).toEqual(new Map([["127.0.0.1:1.1", { type: "unknown" }]]));
    await expect(closed.submit(job(), 1)).rejects.toThrow(
      /does not get to 127\.0\.0\.1: .*Connection refused/,
    );
  });

  it("a directory that is not there is told", async () => {
    await expect(ssh(settings({ sshDirectory: "/no/such" })).submit(job(), 1)).rejects.toThrow(
      /ssh to 127\.0\.0\.1 failed .*\/no\/such/,
    );
  });

  it("needs hosts, and takes no arguments", async () => {
    await expect(ssh(settings({ hosts: [] })).submit(job(), 1)).rejects.toThrow(/No hosts are named/);
    await expect(ssh(settings()).submit({ ...job(), extraArgs: ["-x"] }, 1)).rejects.toThrow(
      /no submit command/,
    );
    expect(ssh(settings({ sshCommand: ["ssh"] })).commandLine(JOB, 3)).toBe(
      "ssh -T -o BatchMode=yes -- HOST sh -s   (on 127.0.0.1, localhost, 127.0.0.1)",
    );
  });
});

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
