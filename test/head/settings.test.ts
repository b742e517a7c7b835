import { describe, expect, it } from "vitest";
import { settingsOf } from "../../head/settings.js";
import { toConfig } from "../../proto/config/config.js";
import { readText } from "../../proto/config/load.js";

const configOf = async (text: string) =>
  toConfig("/site/g", await readText({ text, file: "/site/g" }, ["head", "scale", "access"]));
const none = { insecure: false, yesReally: false, verbose: false };
const env = { XDG_STATE_HOME: "/state", XDG_CONFIG_HOME: "/config" };

const FILE = `access = "keys"
[head]
listen = ["h:1", "unix:///run/grain"]
max_clients = 20
idle_quit = "30m"
journal = "journal"
cache = "200G"
memory = "2G"
spill = "/scratch"
resume = "1m"
lease = "5m"
log_file = "head-{{PID}}.log"
trace = "{{PID}}.trace"
[head.scheduling]
policy = "spread"
`;

describe("a head's settings", () => {
  it("are what they were without a configuration", async () => {
    expect(settingsOf(none, await configOf(""), env)).toEqual({
      options: {
        maxClients: 8,
        resumeMs: 30_000,
        leaseMs: 60_000,
        scheduling: {},
        journalDirectory: "/state/grain/journal/127.0.0.1_7700",
        blobs: {},
        access: undefined,
        insecure: false,
        yesReally: false,
      },
      goal: { type: "off" },
      listen: ["127.0.0.1:7700"],
      accessDirectory: "/config/grain/access",
      logFile: undefined,
      traceFile: undefined,
      idleQuitMs: undefined,
    });
  });

  it("come from the file where no flag says otherwise", async () => {
    expect(settingsOf(none, await configOf(FILE), env)).toEqual({
      options: {
        maxClients: 20,
        resumeMs: 60_000,
        leaseMs: 300_000,
        scheduling: { policy: "spread" },
        journalDirectory: "/site/journal",
        resultBytes: 200 * 1024 ** 3,
        blobs: { memoryBytes: 2 * 1024 ** 3, spillParent: "/scratch" },
        access: "/site/keys",
        insecure: false,
        yesReally: false,
      },
      goal: { type: "off" },
      listen: ["h:1", "unix:///run/grain"],
      accessDirectory: "/site/keys",
      logFile: `/site/head-${process.pid}.log`,
      traceFile: `/site/${process.pid}.trace`,
      idleQuitMs: 1_800_000,
    });
  });

  it("come from flags first", async () => {
    const flags = {
      ...none,
      goal: { type: "off" },
      listen: ["f:2"],
      maxClients: 3,
      idleQuit: 1,
      resume: 2,
      lease: 3,
      memory: 4,
      spill: "/f",
      logFile: "f.log",
      trace: "f.trace",
      journal: false,
      access: "/f",
    };
    expect(settingsOf(flags, await configOf(FILE), env)).toMatchObject({
      options: {
        maxClients: 3,
        resumeMs: 2,
        leaseMs: 3,
        journalDirectory: undefined,
        blobs: { memoryBytes: 4, spillParent: "/f" },
        access: "/f",
      },
      goal: { type: "off" },
      listen: ["f:2"],
      accessDirectory: "/f",
      logFile: "f.log",
      traceFile: "f.trace",
      idleQuitMs: 1,
    });
  });

  it("have an edge file beside other addresses, and a journal that is called after it", async () => {
    const settings = settingsOf(
      { ...none, edge: "/net/head" },
      await configOf(FILE.replace(/journal.*\n/, "")),
      env,
    );
    expect(settings.listen).toEqual(["h:1", "unix:///run/grain", "edge:///net/head"]);
    expect(settings.options.journalDirectory).toMatch(/^\/state\/grain\/journal\/.*net/);
    expect(settingsOf({ ...none, edge: "/net/head" }, await configOf(""), env).listen).toEqual([
      "edge:///net/head",
    ]);
  });

  it("name no credentials of ours where others are given, or none", async () => {
    const given = { ...none, tlsCert: "c", tlsKey: "k", tlsCa: "a" };
    for (const flags of [given, { ...none, insecure: true }])
      expect(settingsOf(flags, await configOf(FILE), env).accessDirectory).toBe("");
  });

  it("may do without a journal", async () => {
    const { options } = settingsOf(none, await configOf("[head]\njournal = false"), env);
    expect(options.journalDirectory).toBeUndefined();
  });

  it.each<[string, number | undefined, string, unknown]>([
    ["none", undefined, "", { type: "off" }],
    ["a fixed number", undefined, "[head]\nswarm = 4", { type: "fixed", workers: 4 }],
    ["that of the original", undefined, "[head.gnaw]\nswarm = 4", { type: "fixed", workers: 4 }],
    ["the flag's", 2, "[head]\nswarm = 4", { type: "fixed", workers: 2 }],
    ["none by the flag", 0, "[scale]\nmax = 4", { type: "off" }],
    [
      "by demand",
      undefined,
      '[scale]\nmax = 4\nidle = "1m"',
      { type: "demand", min: 0, max: 4, idleMs: 60_000 },
    ],
  ])("say how many workers to keep: %s", async (_, swarm, text, goal) => {
    const flags = swarm === undefined ? none : { ...none, swarm };
    expect(settingsOf(flags, await configOf(text), env).goal).toEqual(goal);
  });

  it.each<[string, string, RegExp]>([
    [
      "two numbers",
      "[head]\nswarm = 4\n[scale]\nmax = 4",
      /^Both `swarm` in \[head\] and `max` in \[scale\] are set/,
    ],
    [
      "bounds that cross",
      "[scale]\nmin = 5\nmax = 4",
      /^At least 5 workers and at most 4 do not go together/,
    ],
  ])("refuse %s", async (_, text, message) => {
    const config = await configOf(text);
    expect(() => settingsOf(none, config, env)).toThrow(message);
  });
});
