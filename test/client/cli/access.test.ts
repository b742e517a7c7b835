/** `grain access`: the file that a shell makes for a secret. */

import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { ROOT } from "../../kit/daemons.js";

it("grain access new > FILE leaves a file that only its owner reads", () => {
  const directory = mkdtempSync(join(tmpdir(), "grain-access-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "rack7.pem");
  const descriptor = openSync(file, "w", 0o644);
  chmodSync(file, 0o644);
  const args = [join(ROOT, "dist/bin/grain.js"), "access", "new", "--role", "worker"];
  const { status, stderr } = spawnSync(process.execPath, args, {
    stdio: ["ignore", descriptor, "pipe"],
    encoding: "utf8",
  });
  closeSync(descriptor);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).toMatch(/PRIVATE KEY/);
});
