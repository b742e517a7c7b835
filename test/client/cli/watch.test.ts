import { describe, expect, it } from "vitest";
import { outputOf } from "../../../client/cli/output.js";
import { readInterval, watch } from "../../../client/cli/watch.js";
import { AuthError, ConnectionError } from "../../../proto/errors.js";

/** Collects what is written, and ends the watching after so many looks. */
function stage({ terminal, rows = 6 }: { terminal: boolean; rows?: number }) {
  let written = "";
  const stream = {
    write: (text: string) => {
      written += text;
    },
    ...(terminal ? { isTTY: true, columns: 80, rows } : {}),
  };
  const out = outputOf(stream, { TERM: "xterm", NO_COLOR: "1" });
  const looks = (...seen: (string | Error)[]) => {
    let at = 0;
    return async () => {
      const next = seen[at++];
      if (at === seen.length) setImmediate(() => process.emit("SIGINT"));
      if (next instanceof Error) throw next;
      return next!;
    };
  };
  return { out, looks, written: () => written.replaceAll("\u001b", "␛") };
}

const soon = { intervalMs: 1, inPlace: true };
const listeners = () => process.listenerCount("SIGINT") + process.listenerCount("SIGTERM");

describe("watching", () => {
  it("draws over what it has drawn, and gives the cursor back when it is interrupted", async () => {
    const { out, looks, written } = stage({ terminal: true });
    const before = listeners();
    await watch(out, { ...soon, look: looks("one\ntwo\n", "three\n") });
    expect(written()).toBe("␛[?25lone␛[K\ntwo␛[K\n␛[J␛[2A\rthree␛[K\n␛[J␛[?25h");
    expect(listeners()).toBe(before);
  });

  it("shows no more lines than there are", async () => {
    const { out, looks, written } = stage({ terminal: true, rows: 4 });
    await watch(out, { ...soon, look: looks("1\n2\n3\n4\n5\n", "6\n") });
    expect(written()).toBe("␛[?25l1␛[K\n2␛[K\n…␛[K\n␛[J␛[3A\r6␛[K\n␛[J␛[?25h");
  });

  it("prints one below the other where there is no terminal", async () => {
    const { out, looks, written } = stage({ terminal: false });
    await watch(out, { ...soon, look: looks("one\n", "two\n") });
    expect(written()).toBe("one\ntwo\n");
  });

  it("asks again when the head does not answer any more", async () => {
    const { out, looks, written } = stage({ terminal: false });
    await watch(out, { ...soon, look: looks("one\n", new ConnectionError("gone."), "two\n") });
    expect(written()).toBe("one\nAsking again: gone.\none\ntwo\n");
  });

  it("fails when it could never see anything, or may not any more", async () => {
    const { out, looks, written } = stage({ terminal: true });
    const gone = watch(out, { ...soon, look: looks(new ConnectionError("gone."), "") });
    await expect(gone).rejects.toThrow("gone.");
    const revoked = watch(out, { ...soon, look: looks("one\n", new AuthError("revoked."), "") });
    await expect(revoked).rejects.toThrow("revoked.");
    expect(written().endsWith("␛[?25h")).toBe(true);
  });

  it("is done at once when it is interrupted while it waits for an answer", async () => {
    const { out } = stage({ terminal: false });
    const never = watch(out, { ...soon, look: () => new Promise(() => {}) });
    process.emit("SIGTERM");
    await never;
  });

  it("reads how often", () => {
    expect(readInterval("5s")).toBe(5_000);
    expect(() => readInterval("0")).toThrow(/at least 100 ms/);
    expect(() => readInterval("often")).toThrow(/is not a duration/);
  });
});
