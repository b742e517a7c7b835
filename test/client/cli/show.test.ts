/** What commands print of made-up answers: as it is, at 80 columns, and with colours. */

import { describe, expect, it } from "vitest";
import { formatAge, formatRunTime } from "../../../client/cli/age.js";
import { showExplanations } from "../../../client/cli/explain.js";
import { detailJson, showDetail, showSessions } from "../../../client/cli/jobs.js";
import { showStatus } from "../../../client/cli/ls.js";
import { outputOf } from "../../../client/cli/output.js";
import { statusJson } from "../../../client/cli/status-json.js";
import { busy, detail, nothing } from "./statuses.js";

const pipe = outputOf({ write: () => true });
const stream = { isTTY: true, columns: 100, rows: 30, write: () => true };
const terminal = outputOf(stream, { TERM: "xterm" });

function fits(text: string, width = 80): string {
  for (const line of text.split("\n")) {
    expect(line.length, line).toBeLessThanOrEqual(width);
    expect(line).toBe(line.trimEnd());
  }
  return text;
}

describe("grain ls", () => {
  it("says what there is none of", () => {
    expect(showStatus(nothing)).toMatchInlineSnapshot(`
      "Head 0.1.0 on cluster, process 7, up 0:01:01

      No workers are connected.

      Nothing is queued.
      "
    `);
  });

  it("shows workers, the queue by demand, and clients", () => {
    expect(fits(showStatus(busy, pipe))).toMatchInlineSnapshot(`
      "Head 0.1.0 on cluster, process 7, up 0:01:01

      WORKER   STATE     CORES  MEMORY  GPUS  OTHER     RUN  AHEAD  DONE  AGE    LEFT
      w1       ready     1.5/4  1/8G    -                 3      2  1234  1m05s  -
      a-mach…  draining  0/4    0/8G    2/2   1/4 cap…    3      2  1234  1m05s  9m00s
      w3       suspect   1.5/4  1/8G    -                 0      0  1234  1d06h  -

      QUEUED  DEMAND              WHY         PRIO  CLIENT               FUNCTION
          17  2 cores             cores       3!    1 scan               energy, relax
           3  1 gpu, 24G memory…  never fits  0     2 a film with a ra…  render

      ID  NAME                   STATE      QUEUED  RUN  DONE  FAILED  AGE    CLIENT
       1  scan                   connected      17    4   100       1  2h02m  laptop:9
       2  a film with a rather…  detached       17    4   100       0  59s    laptop:9
      13                         cut off        17    4   100       0  -      laptop:9
      "
    `);
  });

  it("as JSON", () => {
    expect(statusJson(busy)).toMatchSnapshot();
  });

  it("uses the width and the colours of a terminal", () => {
    const shown = showStatus(busy, terminal).replaceAll("\u001b", "␛");
    expect(shown).toContain("␛[32mready␛[39m");
    expect(shown).toContain("␛[31msuspect␛[39m");
    expect(shown).toContain("␛[33mdraining␛[39m");
    const plain = shown.replace(/␛\[\d+m/g, "");
    fits(plain, 100);
    expect(plain.split("\n").some((line) => line.length > 80)).toBe(true);
    // Nothing but the colours differs.
    const same = outputOf(stream, { TERM: "xterm", NO_COLOR: "1" });
    expect(showStatus(busy, same)).toBe(plain);
    expect(showStatus(busy, outputOf(stream, { TERM: "dumb" }))).toBe(plain);
    expect(showStatus(busy, outputOf({ write: () => true }, { TERM: "xterm" }))).not.toContain("\u001b");
  });
});

describe("grain jobs", () => {
  it("shows sessions", () => {
    expect(showSessions([], pipe)).toBe("There are no sessions.\n");
    expect(fits(showSessions(busy.sessions, pipe))).toMatchInlineSnapshot(`
      "ID  NAME                   STATE      QUEUED  RUN  DONE  FAILED  AGE    CLIENT
       1  scan                   connected      17    4   100       1  2h02m  laptop:9
       2  a film with a rather…  detached       17    4   100       0  59s    laptop:9
      13                         cut off        17    4   100       0  -      laptop:9
      "
    `);
  });
});

describe("grain job", () => {
  it("shows functions and failures", () => {
    expect(fits(showDetail(detail, pipe))).toMatchInlineSnapshot(`
      "Session 1 "scan", connected, 2h02m old, of laptop:9
      17 queued, 4 on workers, 100 done, 1 failed

      FUNCTION  DEMAND            QUEUED  AHEAD  RUN  DONE  FAILED  MEAN   WHY
      energy    2 cores               12      1    3   100       1  1.23s  cores
      relax     2 cores or 1 gpu       5      0    0     0       0  -      retry later

      FAILED  FUNCTION  WORKER  AGO    ERROR
      1.17    energy    w1      1m30s  threw: did not converge after 100 iterations, …
      1.9     energy    w3      5s     out of memory
      "
    `);
  });

  it("says when errors are not for everybody, and when there is nothing", () => {
    const failures = detail.failures.map((failed) => ({ ...failed, message: "" }));
    expect(showDetail({ ...detail, failures, errors: false }, pipe)).toMatch(
      /threw\n.*\n\nWhat they threw is shown to /,
    );
    expect(showDetail({ ...detail, functions: [], failures: [] }, pipe)).toMatch(
      /failed\n\nNothing has been submitted\.\n$/,
    );
  });

  it("as JSON", () => {
    expect(detailJson(detail)).toMatchSnapshot();
  });
});

describe("grain explain", () => {
  it("shows what each demand of a session waits for", () => {
    expect(showExplanations(3, [])).toBe("Nothing of session 3 waits for a worker.\n");
    const explained = (text: string) => ({ text }) as never;
    expect(showExplanations(3, [explained("Task 3.1 …\nShort of …"), explained("Task 3.9 …")])).toBe(
      "Task 3.1 …\nShort of …\n\nTask 3.9 …\n",
    );
  });
});

describe("times", () => {
  it.each([
    [undefined, "-"],
    [-5, "0s"],
    [999, "0s"],
    [59_999, "59s"],
    [60_000, "1m00s"],
    [3_725_000, "1h02m"],
    [90_061_000, "1d01h"],
  ])("%s ms old is %s", (ms, text) => expect(formatAge(ms)).toBe(text));

  it.each([
    [undefined, "-"],
    [0.0123, "12us"],
    [1.234, "1.23ms"],
    [45.67, "45.7ms"],
    [999, "999ms"],
    [1_234, "1.23s"],
    [61_000, "1m01s"],
  ])("%s ms of run time is %s", (ms, text) => expect(formatRunTime(ms)).toBe(text));
});
