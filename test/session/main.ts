/** Writes the session of the README anew. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, Stage } from "../kit/daemons.js";
import { runSession, withSession } from "./session.js";

const readme = join(ROOT, "README.md");
const stage = new Stage();
// The head makes its credentials there, and leaves the user's own alone.
process.env.GRAIN_ACCESS_DIR = join(stage.directory, "access");
try {
  writeFileSync(readme, withSession(readFileSync(readme, "utf8"), await runSession(stage)));
} finally {
  await stage.close();
}
