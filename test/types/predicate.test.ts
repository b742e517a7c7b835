import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SNIPPET = `
import type { Delayed } from ${JSON.stringify(join(ROOT, "client/delayed/delayed.js"))};
declare const r: Delayed<boolean>;
declare const list: Delayed<number[]>;
declare function go(): void;
if (r) go();
if (list.length) go();
export const chosen = r ? 1 : 2;
`;

/** Compiles a folder; gives what the compiler prints. */
function compile(folder: string): Promise<string> {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, "-p", folder, "--pretty", "false"], (_error, stdout) => resolve(stdout));
  });
}

it("a Delayed as a condition is a compile-time error", async () => {
  const folder = await mkdtemp(join(tmpdir(), "grain-types-"));
  try {
    await writeFile(join(folder, "predicate.mts"), SNIPPET);
    const compilerOptions = { rootDir: parse(folder).root, typeRoots: [join(ROOT, "node_modules/@types")] };
    const config = { extends: join(ROOT, "tsconfig.json"), compilerOptions, include: ["*.mts"] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
    const lines = (await compile(folder)).split("\n").filter((line) => line.includes("error TS"));
    expect(lines.map((line) => /predicate\.mts\((\d+),\d+\): error (TS\d+)/.exec(line)?.slice(1, 3))).toEqual(
      [
        ["6", "TS2801"],
        ["7", "TS2801"],
        ["8", "TS2801"],
      ],
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
