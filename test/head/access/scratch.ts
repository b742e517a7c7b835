/** Access directories of one test file. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** The path of an access directory that is not there yet; removed after the tests of the file. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "grain-test-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "access");
}
