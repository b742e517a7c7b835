/** Runs the command as users do, in a process of its own. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

export const COMMAND = fileURLToPath(new URL("../../../bin/grain.ts", import.meta.url));
export const TSX = import.meta.resolve("tsx");

/** What has come of it. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param address of the head; empty: none */
export async function grain(address: string, ...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["--import", TSX, COMMAND, ...args], {
    cwd: tmpdir(),
    env: { ...process.env, GRAIN_ADDRESS: address, GRAIN_CONFIG: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}
