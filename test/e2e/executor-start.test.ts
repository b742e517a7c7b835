/** What an executor loads before its first task: each file delays the start of every one of them. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { ROOT } from "../kit/daemons.js";

/** Files that are loaded with the package's main entry, relative to the repository. */
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
    .map((url) => url.replace(/^.*?\/(?=dist\/|node_modules\/)/, ""));
}

describe("the package's main entry", () => {
  it("loads nothing that only a client program needs", () => {
    const files = loaded();
    expect(files).toContain("dist/client/index.js");
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
    expect(files.length).toBeGreaterThan(50);
    expect(files.length).toBeLessThan(100);
  });
});
