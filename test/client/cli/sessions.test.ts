/** Commands about sessions, against a head with scripted programs. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { hostname, tmpdir, userInfo } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findSession } from "../../../client/cli/session-name.js";
import { type ListeningHead, startHead } from "../../../head/index.js";
import type { ClientMessage, HeadToClient } from "../../../proto/grain.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { ScriptedClient } from "../../kit/peers.js";
import { COMMAND, grain, TSX } from "./command.js";
import { busy } from "./statuses.js";

let head: ListeningHead;
let address: string;
let sweep: ScriptedClient;

/** A program with tasks that wait. */
async function program(name: string, tasks: number): Promise<ScriptedClient> {
  const [mine, heads] = memoryLink<ClientMessage, HeadToClient>();
  head.head.acceptClient(heads);
  const client = new ScriptedClient(mine);
  await client.open({ name });
  client.define(1, { name: "energy" });
  if (tasks === 0) return client;
  client.submit(
    1,
    1,
    Array.from({ length: tasks }, () => new Uint8Array(1)),
  );
  return client;
}

beforeAll(async () => {
  head = await startHead({ listen: ["127.0.0.1:0"] });
  address = head.addresses[0]!;
  sweep = await program("sweep", 3);
  await program("twin", 1);
  await program("twin", 0);
});
afterAll(() => head.close());

const hasScript = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux");
const line = (text: RegExp) => expect.stringMatching(new RegExp(`^grain: ${text.source}[^\n]*\n$`));

describe("grain jobs", () => {
  it("lists sessions, for people and as JSON", async () => {
    const { code, stdout } = await grain(address, "jobs");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^ID {2}NAME +STATE +QUEUED +RUN +DONE +FAILED +AGE +CLIENT\n 1 {2}sweep {2}connected +3 +0 +0 +0 /,
    );
    const json = JSON.parse((await grain(address, "jobs", "--json")).stdout);
    expect(json).toMatchObject([{ session: 1, name: "sweep", queued: 3, state: "connected" }, {}, {}]);
  });
});

describe("grain job", () => {
  it("shows one, by number or name", async () => {
    const byName = await grain(address, "job", "sweep");
    expect(byName.stdout).toMatch(
      /^Session 1 "sweep", connected, .*\n3 queued, .*\n\nFUNCTION(.*\n)energy +1 core +3 /,
    );
    const { stdout } = await grain(address, "job", "1", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      name: "sweep",
      functions: [{ function: "energy", why: "no workers" }],
    });
  });

  it.each([
    ["nope", 1, line(/There is no session "nope".*`grain jobs`/)],
    ["99", 1, line(/There is no session 99/)],
    ["twin", 1, line(/2 sessions are named "twin": give the number of one \(2, 3\)/)],
  ])("says in one line that %s is none", async (name, code, stderr) => {
    expect(await grain(address, "job", name)).toEqual({ code, stdout: "", stderr });
  });
});

describe("grain explain", () => {
  it("takes a session", async () => {
    expect(await grain(address, "explain", "sweep")).toEqual({
      code: 0,
      stderr: "",
      stdout:
        "Task 1.1 (energy) is queued; it asks for 1 core.\n" +
        "No workers are connected to the head: start some with grain-worker.\n",
    });
    expect((await grain(address, "explain", "3")).stdout).toBe("Nothing of session 3 waits for a worker.\n");
    expect(JSON.parse((await grain(address, "explain", "1", "--json")).stdout)).toMatchObject([{ task: 1 }]);
  });
});

describe("grain cancel", () => {
  it("ends a task, then all of a session, and says who wanted it", async () => {
    expect(await grain(address, "cancel", "1.2")).toEqual({
      code: 0,
      stdout: "Task 1.2 is cancelled.\n",
      stderr: "",
    });
    const failure = await sweep.inbox.take("failure");
    expect(failure.task).toBe(2);
    expect(failure.message).toContain(`by ${userInfo().username}@${hostname()} (credential `);
    const again = await grain(address, "cancel", "1.2");
    expect(again).toEqual({ code: 1, stdout: "", stderr: line(/Task 1\.2 is not known/) });
    const all = await grain(address, "cancel", "sweep", "--json");
    expect(JSON.parse(all.stdout)).toEqual({ session: 1, task: null, cancelled: 2 });
    expect((await grain(address, "cancel", "1")).stdout).toBe(
      "Session 1 has no tasks that have not ended.\n",
    );
  });

  it.each([
    [[], line(/missing required argument 'session\|task'/)],
    [["1."], line(/"1\." is not a task/)],
    [["1", "2"], line(/too many arguments: "2"/)],
  ])("refuses %j", async (args, stderr) => {
    expect(await grain(address, "cancel", ...args)).toEqual({ code: 2, stdout: "", stderr });
  });
});

describe("grain ls --watch", () => {
  it("prints again and again into a pipe, and ends well when it is interrupted", async () => {
    const args = ["--import", TSX, COMMAND, "ls", "--watch", "100ms", "--json", "--address", address];
    const child = spawn(process.execPath, args, { cwd: tmpdir(), stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    const twice = new Promise<void>((resolve) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        if (stdout.split("\n").length > 2) resolve();
      });
    });
    const ended = once(child, "close");
    await Promise.race([twice, ended]);
    child.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
    for (const each of stdout.trimEnd().split("\n")) expect(JSON.parse(each)).toMatchObject({ workers: [] });
  });

  it.runIf(hasScript)("draws in place on a terminal until Ctrl-C, and gives the cursor back", async () => {
    const command = [
      process.execPath,
      "--import",
      TSX,
      COMMAND,
      "ls",
      "--watch",
      "100ms",
      "--address",
      address,
    ];
    // Without exec some shells stay in between, and end as interrupted themselves.
    const line = `exec ${command.map((part) => `'${part}'`).join(" ")}`;
    const child = spawn("script", ["-qec", line, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
    let seen = "";
    const redrawn = new Promise<void>((resolve) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        seen += text.replaceAll("\u001b", "␛");
        if (/␛\[\d+A\r/.test(seen)) resolve();
      });
    });
    const ended = once(child, "close");
    await Promise.race([redrawn, ended]);
    child.stdin.write("\u0003");
    expect(await ended).toEqual([0, null]);
    expect(seen).toContain("␛[?25l");
    expect(seen.trimEnd().endsWith("␛[?25h")).toBe(true);
  });

  it("ends well when nobody reads any more", async () => {
    const args = ["--import", TSX, COMMAND, "ls", "--watch", "100ms", "--address", address];
    const child = spawn(process.execPath, args, { cwd: tmpdir(), stdio: ["ignore", "pipe", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const ended = once(child, "close");
    await Promise.race([once(child.stdout, "data"), ended]);
    child.stdout.destroy();
    expect(await ended).toEqual([0, null]);
    expect(stderr).toBe("");
  });
});

describe("a session's name", () => {
  const known = { status: async () => busy };

  it("is its number, or what its program gave", async () => {
    expect(await findSession(known, "13")).toBe(13);
    expect(await findSession(known, "scan")).toBe(1);
  });

  it("that is a number leads to the session of that number first", async () => {
    const sessions = [
      { ...busy.sessions[0]!, session: 1, name: "2" },
      { ...busy.sessions[0]!, session: 2, name: "x" },
      { ...busy.sessions[0]!, session: 3, name: "44" },
    ];
    expect(await findSession({ status: async () => ({ sessions }) }, "2")).toBe(2);
    expect(await findSession({ status: async () => ({ sessions }) }, "44")).toBe(3);
  });
});
