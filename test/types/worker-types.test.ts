import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const DECLARED = `
declare module "grain-scheduler" {
  interface WorkerTypes {
    context: { scratch: string };
  }
}
`;
const PROGRAM = `
import { currentTask } from "grain-scheduler";
import type { SetUpContext, StartService, ConnectService } from "grain-scheduler/worker";

export const setUp: SetUpContext<{ scratch: string }> = ({ worker, resources }) => ({
  value: { scratch: worker + resources.cores.length },
  async [Symbol.asyncDispose]() {},
});
export const start: StartService<number> = () => ({ connection: 1, async [Symbol.asyncDispose]() {} });
export const connect: ConnectService<number, Date> = (port, { executor }) => ({
  value: new Date(port + executor),
  async [Symbol.asyncDispose]() {},
});
export const length: number = currentTask().context.scratch.length;
export const service: unknown = currentTask().service;
export const port: number = currentTask().service.port;
`;

/** The lines and codes of what a compiler says of a program that has this package installed. */
async function errorsOf(source: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "grain-types-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/grain-scheduler"));
  writeFileSync(join(folder, "program.mts"), source);
  const compilerOptions = { rootDir: parse(folder).root, typeRoots: [join(ROOT, "node_modules/@types")] };
  const config = { extends: join(ROOT, "tsconfig.json"), compilerOptions, include: ["*.mts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, [tsc, "-p", folder, "--pretty", "false"], (_, stdout) => resolve(stdout));
  });
  const lines = source.split("\n");
  return [...printed.matchAll(/program\.mts\((\d+),\d+\): error (TS\d+)/g)].map(
    ([, line, code]) => `${code} ${lines[Number(line) - 1]}`,
  );
}

it("currentTask().context has the type that the program declares, and is unknown without", async () => {
  const context = "export const length: number = currentTask().context.scratch.length;";
  const service = "export const port: number = currentTask().service.port;";
  expect(await errorsOf(PROGRAM + DECLARED)).toEqual([`TS2571 ${service}`]);
  expect(await errorsOf(PROGRAM)).toEqual([`TS2571 ${context}`, `TS2571 ${service}`]);
});
