/** The `grain-head` command as a process of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { connectClient } from "../../../proto/link/grpc/connect.js";
import { ScriptedClient } from "../../kit/peers.js";

const MAIN = fileURLToPath(new URL("../../../head/main.ts", import.meta.url));
const SCRIPT = `import { main } from ${JSON.stringify(MAIN)}; process.exitCode = await main(process.argv.slice(1));`;

const STATE = mkdtempSync(join(tmpdir(), "grain-test-"));
afterAll(() => rmSync(STATE, { recursive: true, force: true }));

interface Head {
  readonly process: ChildProcess;
  /** Resolves to the exit code, or the signal's name. */
  readonly exit: Promise<number | string>;
  output(): { stdout: string; stderr: string };
  /** Resolves to the address in the line that says that it is ready. */
  ready(): Promise<string>;
}

function grainHead(...args: string[]): Head {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "-e", SCRIPT, "--", ...args],
    {
      stdio: ["ignore", "pipe", "pipe"],
      // A journal of the user's own must neither be read nor written.
      env: { ...process.env, XDG_STATE_HOME: STATE },
    },
  );
  const output = { stdout: "", stderr: "" };
  child.stderr.on("data", (data) => {
    output.stderr += data;
  });
  const lines = createInterface(child.stdout);
  const first = once(lines, "line") as Promise<[string]>;
  lines.on("line", (line) => {
    output.stdout += `${line}\n`;
  });
  const exit = once(child, "close").then(([code, signal]) => code ?? signal);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  return {
    process: child,
    exit,
    output: () => output,
    async ready() {
      const [line] = await Promise.race([first, exit.then(() => Promise.reject(new Error(output.stderr)))]);
      return /^grain-head \d+\.\d+\.\d+ listening on (\S+)$/.exec(line)![1]!;
    },
  };
}

async function connect(address: string): Promise<ScriptedClient> {
  const connection = await connectClient(address, { giveUpMs: 30_000 });
  onTestFinished(() => connection.close());
  return new ScriptedClient(connection.link);
}

describe("grain-head", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("says goodbye and ends at %s", async (signal) => {
    const head = grainHead("--listen", "127.0.0.1:0");
    const client = await connect(await head.ready());
    await client.open();
    head.process.kill(signal);
    expect((await client.inbox.take("refused")).message).toContain("shutting down");
    expect(await head.exit).toBe(0);
    expect(head.output().stderr).toContain(`ending: got ${signal}`);
  });

  it("ends when there has been no client for as long as --idle-quit says", async () => {
    const head = grainHead("--listen", "127.0.0.1:0", "--idle-quit", "100ms");
    await head.ready();
    expect(await head.exit).toBe(0);
    expect(head.output().stderr).toContain("ending: no client for");
  });

  it("writes its log to a file: who joined and who left", async () => {
    const directory = await mkdtemp(join(tmpdir(), "grain-test-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, "head.log");
    const head = grainHead("--listen", "127.0.0.1:0", "--log-file", file, "--max-clients", "1");
    const client = await connect(await head.ready());
    await client.open({ name: "scan" });
    client.closeSession();
    await client.inbox.take("closed");
    head.process.kill("SIGTERM");
    await head.exit;
    const messages = (await readFile(file, "utf8"))
      .trim()
      .split("\n")
      .map((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO (.*)$/.exec(line)?.[1]);
    expect(messages).toEqual([
      expect.stringMatching(/^listening on 127\.0\.0\.1:\d+/),
      expect.stringMatching(/^client "scan" \(session 1, .*\) joined; 1 client, 0 workers$/),
      expect.stringMatching(/^client "scan" \(session 1, .*\) left \(closed\); 0 clients, 0 workers$/),
      "ending: got SIGTERM",
      "ended",
    ]);
    expect(head.output().stderr).toBe("");
  });

  it("fails with one line when its address is taken", async () => {
    const address = await grainHeadReady();
    const second = grainHead("--listen", address);
    expect(await second.exit).toBe(1);
    expect(second.output().stderr).toMatch(
      new RegExp(`^grain-head: ${address} is in use by another program[^\\n]*\\n$`),
    );
  });

  it.each([
    [["--listen", "nowhere"], /"nowhere" is not an address/],
    [["--insecure", "--listen", "0.0.0.0:1"], /other machines could reach it/],
    [["--max-clients", "0"], /whole number from 1/],
    [["--idle-quit", "soon"], /"soon" is not a duration/],
    [["--swarm", "many"], /whole number from 0/],
    [["extra"], /too many arguments/],
    [["--config", "/nowhere/grain.toml"], /\/nowhere\/grain\.toml cannot be read/],
    [["--log-file", "/nowhere/head.log"], /\/nowhere\/head\.log cannot be written/],
  ])("%j is bad usage: one line, exit code 2", async (args, message) => {
    const head = grainHead(...args);
    expect(await head.exit).toBe(2);
    expect(head.output().stderr).toMatch(message);
    expect(head.output().stderr.trim().split("\n")).toHaveLength(1);
    expect(head.output().stdout).toBe("");
  });

  it.each([
    ["--version", /^0\.1\.0\n$/],
    ["--help", /^Usage: grain-head \[options\]/],
  ])("%s is answered", async (flag, expected) => {
    const head = grainHead(flag);
    expect(await head.exit).toBe(0);
    expect(head.output().stdout).toMatch(expected);
  });
});

async function grainHeadReady(): Promise<string> {
  return grainHead("--listen", "127.0.0.1:0").ready();
}
