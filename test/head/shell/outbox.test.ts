import { describe, expect, it } from "vitest";
import { Outbox, SLOW_READER_BYTES } from "../../../head/shell/outbox.js";
import type { Link } from "../../../proto/link/link.js";

/** A link whose reader has so much unread. */
function slowLink() {
  const calls: string[] = [];
  let release: () => void = () => {};
  const state = { pendingBytes: 0 };
  const link: Link<string, string> = {
    send: (message) => void calls.push(`send ${message}`),
    flush: () => void calls.push("flush"),
    receive() {},
    get pendingBytes() {
      return state.pendingBytes;
    },
    drained: () =>
      new Promise((resolve) => {
        release = resolve;
      }),
    pause: (paused) => void calls.push(paused ? "pause" : "resume"),
    close() {},
    destroy() {},
  };
  return { link, calls, state, release: () => release() };
}

describe("an outbox", () => {
  it("asks to be flushed once per turn", () => {
    const { link, calls } = slowLink();
    let touched = 0;
    const outbox = new Outbox(link, {
      touch() {
        touched += 1;
      },
    });
    outbox.send("a");
    outbox.send("b");
    expect(touched).toBe(1);
    outbox.flush();
    outbox.send("c");
    expect(touched).toBe(2);
    expect(calls).toEqual(["send a", "send b", "flush", "send c"]);
  });

  it("does not read from a peer that does not read, until it has caught up", async () => {
    const { link, calls, state, release } = slowLink();
    const outbox = new Outbox(link, { touch() {} });
    state.pendingBytes = SLOW_READER_BYTES;
    outbox.flush();
    expect(calls).toEqual(["flush"]);
    state.pendingBytes += 1;
    outbox.flush();
    outbox.flush();
    expect(calls).toEqual(["flush", "flush", "pause", "flush"]);
    release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls.at(-1)).toBe("resume");
  });
});
