/** A head that ends: what becomes of its workers, and what their logs say. */

import { afterAll, describe, expect, it } from "vitest";
import { Stage, withoutChance } from "../kit/daemons.js";
import { lastingPort } from "../kit/port.js";

const stage = new Stage();
afterAll(() => stage.close());

/** Every line of a log has the same form. */
function linesOf(log: string): string[] {
  return withoutChance(log)
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [, text] = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:INFO|WARN) (.+)$/.exec(line) ?? [];
      return text ?? `not a line of a log: ${line}`;
    });
}

describe("a worker whose head", () => {
  it("says goodbye leaves as well, and says why", async () => {
    const { head, address } = await stage.head();
    const worker = await stage.worker(address, ["--name", "w1", "--cpus", "1"]);
    head.kill();
    expect(await worker.ended).toEqual({ code: 0, signal: null });
    expect(linesOf(worker.stderr)).toEqual([
      expect.stringMatching(/^Worker w1 offers 1 cores?, /),
      expect.stringMatching(/^Joined the head at /),
      expect.stringMatching(/^The head said goodbye \(the head is shutting down\);.*Leaving as well\.$/),
      "Worker w1 has left.",
    ]);
    expect((await head.ended).code).toBe(0);
    expect(linesOf(head.stderr)).toContainEqual(expect.stringMatching(/^worker "?w1"? .*joined/));
  });

  it("is killed waits for another one, and joins it", async () => {
    const listen = `127.0.0.1:${await lastingPort()}`;
    const { head, address } = await stage.head(["--listen", listen, "--resume", "1s"]);
    const worker = await stage.worker(address, ["--name", "w2", "--cpus", "1"]);
    head.kill("SIGKILL");
    await worker.until(/connection to the head was lost .*Joining again/);
    await stage.head(["--listen", address]);
    await worker.until(/Joined the head.*Joined the head/s);
  });
});
