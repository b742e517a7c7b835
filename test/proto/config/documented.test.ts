import { describe, expect, it } from "vitest";
import { toConfig } from "../../../proto/config/config.js";
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
