// Set-up shared by the commands: dependencies as locked, and a build that is newer than its sources.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = fileURLToPath(new URL("..", import.meta.url));

function newestMs(path) {
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

/** Installs what the lock file says unless it is installed. */
export function install() {
  const marker = join(root, "node_modules/.package-lock.json");
  if (existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs)
    return;
  const [command, ...args] = process.platform === "win32" ? ["npm.cmd", "ci"] : ["npm", "ci"];
  execFileSync(command, [...args, "--no-audit", "--no-fund"], { cwd: root, stdio: "inherit" });
}

/** Builds unless dist/ is newer than every source. */
export function build() {
  const sources = [
    "proto",
    "provider",
    "head",
    "worker",
    "client",
    "bin",
    "tsconfig.json",
    "tsconfig.build.json",
    "scripts/build.mjs",
  ].map((name) => join(root, name));
  const built = join(root, "dist/bin/grain.js");
  if (existsSync(built) && newestMs(join(root, "dist")) >= Math.max(...sources.map(newestMs))) return;
  execFileSync(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root, stdio: "inherit" });
}
