/** What an executor loads before its first task: each file delays the start of every one of them. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { relative } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ROOT } from "../kit/daemons.js";

/** Sources of what is loaded with the package's main entry, and files of other packages; relative to the repository. */
function loaded(): string[] {
  const hooks = `import { writeSync } from "node:fs";
  export async function load(url, context, next) {
    writeSync(1, url + "\\n");
    return next(url, context);
  }`;
  const program = `import { register } from "node:module";
    register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hooks)}));
    await import(${JSON.stringify(`${ROOT}dist/client/index.js`)});`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout
    .split("\n")
    .filter((url) => url.startsWith("file:"))
    .flatMap((url) => (url.includes("/node_modules/") ? [url] : sourcesOf(url)));
}

/** What a file of the build was made of, as its map says. */
function sourcesOf(url: string): string[] {
  const { sources } = JSON.parse(readFileSync(new URL(`${url}.map`), "utf8")) as { sources: string[] };
  return sources.map((source) => relative(ROOT, fileURLToPath(new URL(source, url))));
}

describe("the package's main entry", () => {
  it("loads nothing that only a client program needs", () => {
    const files = loaded();
    expect(files).toContain("client/delayed/function.ts");
    const needless =
      /client\/(session|running|connection|conduct|scope|local|progress)|proto\/grain|acorn|protobufjs|grpc/;
    expect(files.filter((file) => needless.test(file))).toEqual([]);
  });
});

describe("an executor", () => {
  it("loads few files before its first task, and no native add-on", async () => {
    const hooks = `import { writeSync } from "node:fs";
    export async function load(url, context, next) {
      writeSync(1, url + "\\n");
      return next(url, context);
    }`;
    const preload = `import { register } from "node:module";
      register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hooks)}));
      process.on("exit", () => {
        const native = process.report.getReport().sharedObjects.filter((file) => file.endsWith(".node"));
        process.stdout.write(native.join("\\n"));
      });`;
    const args = ["--import", `data:text/javascript,${encodeURIComponent(preload)}`];
    const main = `${ROOT}dist/worker/executor/main.js`;
    const child = spawn(process.execPath, [...args, main], { stdio: ["ignore", "pipe", "inherit", "pipe"] });
    const pipe = child.stdio[3] as Socket;
    const output = text(child.stdout!);
    await once(pipe, "data");
    pipe.end();
    const files = (await output).split("\n").filter((line) => /^file:|\.node$/.test(line));
    expect(files.filter((file) => file.endsWith(".node"))).toEqual([]);
    expect(files.length).toBeGreaterThan(20);
    expect(files.length).toBeLessThan(50);
  });
});
