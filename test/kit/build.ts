/** Builds the package once before the tests: executors and daemons run from dist/. */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SOURCES = ["proto", "provider", "head", "worker", "client", "bin"];

function newestMs(directory: string): number {
  let newest = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    newest = Math.max(newest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return newest;
}

export default function setup(): void {
  const dist = join(ROOT, "dist");
  const sources = Math.max(...SOURCES.map((source) => newestMs(join(ROOT, source))));
  if (existsSync(dist) && newestMs(dist) > sources) return;
  try {
    execFileSync("npm", ["run", "--silent", "build"], { cwd: ROOT, stdio: "ignore" });
  } catch (error) {
    if (process.env.CI) throw error;
  }
}
