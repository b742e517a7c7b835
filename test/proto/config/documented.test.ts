import { readFile } from "node:fs/promises";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { toConfig } from "../../../proto/config/config.js";
import { KEYS } from "../../../proto/config/entries.js";
import { readText } from "../../../proto/config/load.js";
import { configTables } from "../../kit/config-rows.js";
import { codeBlocks, read } from "../../kit/markdown.js";

const document = read("docs/config.md");

describe("docs/config.md", () => {
  it.each(configTables())("has every entry of [$name]", ({ name, text }) => {
    const heading = name === "" ? "### At the top" : `### [${name}]`;
    const section = document.split(`${heading}\n`)[1]?.split(/^##/m)[0] ?? "";
    expect(section).toContain(text);
  });

  it.each(
    codeBlocks(document)
      .filter(({ language }) => language === "toml")
      .map(({ code }) => [code]),
  )("has examples that can be read: %j", async (code) => {
    const { warnings } = toConfig("/g", await readText({ text: code, file: "/g" }));
    expect(warnings).toEqual([]);
  });
});

/** Every entry that the Python original has, as its users know them. */
const ORIGINAL: Readonly<Record<string, readonly string[]>> = {
  "": ["system", "contextmod", "address"],
  head: ["name", "main_log_file", "log_file", "listen", "cmd"],
  "head.gnaw": ["enabled", "log_file", "max_conn", "idle_quit", "swarm", "extra_args"],
  worker: ["name", "log_file", "dial", "cli_dial", "specialized_type", "res"],
  script: ["shebang", "queue", "walltime", "cores", "memory", "extra_args", "setup_cleanup"],
};
const SCRIPTS = ["script", "head.script", "worker.script"];

describe("the entries of the original", () => {
  const keys = Object.entries(ORIGINAL).flatMap(([table, names]) =>
    (table === "script" ? SCRIPTS : [table]).flatMap((each) =>
      names.map((name) => (each === "" ? name : `${each}.${name}`)),
    ),
  );

  it("are all known", () => {
    expect(KEYS).toEqual(expect.arrayContaining(keys));
  });

  it("are all in the file of its users that other tests read", async () => {
    const file = parse(await readFile(new URL("original.toml", import.meta.url), "utf8"));
    const at = (key: string) =>
      key
        .split(".")
        .reduce<unknown>((table, name) => (table as Record<string, unknown> | undefined)?.[name], file);
    for (const [table, names] of Object.entries(ORIGINAL))
      for (const name of names) {
        const key = table === "" ? name : `${table}.${name}`;
        expect(at(key), key).toBeDefined();
      }
  });

  it("are each set, or told of once", async () => {
    const file = "/site/g";
    const text = await readFile(new URL("original.toml", import.meta.url), "utf8");
    const useless = text
      .replace('contextmod = ""', 'contextmod = "my.context"')
      .replace("enabled = true", "enabled = false")
      .replace('extra_args = ""', 'extra_args = ["-v"]')
      .replace('specialized_type = ""', 'specialized_type = "my.Server"');
    const { entries, warnings } = toConfig(file, await readText({ text: useless, file }));
    const told = warnings.map((warning) => /^\S+: (\S+) has no effect/.exec(warning)?.[1]);
    expect(told).toEqual([
      "contextmod",
      "head.gnaw.enabled",
      "head.gnaw.extra_args",
      "worker.specialized_type",
    ]);
    for (const [table, names] of Object.entries(ORIGINAL))
      for (const name of names) {
        const key = table === "" ? name : `${table}.${name}`;
        expect(entries.has(key as (typeof KEYS)[number]), key).toBe(!told.includes(key));
      }
  });
});

describe("the settings of a head", () => {
  /** About one start of one head, or about security, which whoever starts it says aloud. */
  const FLAGS_ONLY = [
    "config",
    "verbose",
    "version",
    "help",
    "insecure",
    "yes-really",
    "tls-cert",
    "tls-key",
    "tls-ca",
  ];
  const ENTRY_OF: Readonly<Record<string, string>> = {
    "no-journal": "head.journal",
    edge: "head.listen",
    access: "access",
  };

  it("can all be written in the file: every flag of grain-head has its entry", () => {
    const section = read("docs/daemons.md").split("## grain-head\n")[1]!.split("\n## ")[0]!;
    const flags = [...section.matchAll(/`--([a-z-]+)/g)].map(([, flag]) => flag!);
    expect(flags.length).toBeGreaterThan(10);
    for (const flag of flags.filter((each) => !FLAGS_ONLY.includes(each)))
      expect(KEYS).toContain(ENTRY_OF[flag] ?? `head.${flag.replaceAll("-", "_")}`);
  });
});
