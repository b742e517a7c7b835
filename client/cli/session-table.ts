/** Sessions as a table, for `ls` and `jobs`. */

import type { SessionInfo } from "../../proto/grain.js";
import { formatAge } from "./age.js";
import type { Output } from "./output.js";
import { stateOf } from "./status-json.js";
import { formatTable, type Toned } from "./table.js";

/** Lays sessions out. */
export function sessionTable(sessions: readonly SessionInfo[], out: Pick<Output, "width" | "paint">): string {
  return formatTable(
    ["ID", "NAME", "STATE", "QUEUED", "RUN", "DONE", "FAILED", "AGE", "CLIENT"],
    sessions.map((info) => [
      info.session,
      info.name,
      stateCell(info),
      info.queued,
      info.running,
      info.finished,
      failedCell(info.failed),
      formatAge(info.ageMs),
      `${info.host}:${info.pid}`,
    ]),
    out,
  );
}

/** What state a session is in, with its colour. */
export function stateCell(info: SessionInfo): Toned {
  const text = stateOf(info);
  return { text, tone: text === "connected" ? "good" : "warning" };
}

/** How many have failed, with its colour. */
export function failedCell(failed: number): Toned {
  return { text: failed, tone: failed > 0 ? "bad" : undefined };
}
