import { describe, expect, it } from "vitest";
import { HeadSession } from "../../../client/session/session.js";
import { ConnectionError } from "../../../proto/errors.js";
import { Refused_Code } from "../../../proto/grain.js";
import { definitionOf, FakeHead, remoteCall, settingsFor } from "../../kit/fake-head.js";
import { resultOf, setUp } from "./session-kit.js";

describe("the end of a session", () => {
  it("rejects everything with a ConnectionError when the link ends", async () => {
    const { head, session, owner } = setUp();
    const calls = [1, 2].map((i) => session.submit(remoteCall(definitionOf("f"), i), owner));
    await head.until(() => head.tasks.size === 2);
    head.destroy("gone");
    for (const call of calls)
      await expect(resultOf(call.completion)).rejects.toThrow(
        /fake:1 ended: .*the other side.*2 unfinished calls are lost with it\. Look into/,
      );
    expect(() => session.submit(remoteCall(definitionOf("f")), owner)).toThrow(ConnectionError);
    expect(owner.numbers).toEqual([1, 2]);
    await session.close();
  });

  it("ends with the head's words when it is refused later", async () => {
    const { head, session, owner } = setUp();
    const call = session.submit(remoteCall(definitionOf("f")), owner);
    await head.until(() => head.tasks.size === 1);
    const refused = { code: Refused_Code.BAD_MESSAGE, message: "task 1: no", protocol: 1, version: "0" };
    head.send({ $case: "refused", refused });
    await expect(resultOf(call.completion)).rejects.toThrow(/refused this program: task 1: no/);
    await session.close();
  });

  it.each([
    [2, "2 unfinished calls are lost with it"],
    [1, "1 unfinished call is lost with it"],
  ])("with %i calls under way is told by the head that shuts down", async (count, lost) => {
    const { head, session, owner } = setUp();
    const calls = Array.from({ length: count }, () => session.submit(remoteCall(definitionOf("f")), owner));
    await head.until(() => head.tasks.size === count);
    const message = "shutting down: got SIGTERM";
    head.send({
      $case: "refused",
      refused: { code: Refused_Code.DRAINING, message, protocol: 1, version: "0" },
    });
    for (const { completion } of calls) {
      const error = await resultOf(completion).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(ConnectionError);
      expect((error as Error).message).toBe(
        `The head at fake:1 ended (shutting down: got SIGTERM), and ${lost}. Start it again, or choose another, and run this program again.`,
      );
    }
    await session.close();
  });

  it.each([
    [
      { code: Refused_Code.PROTOCOL, message: "versions differ", protocol: 9, version: "9.9.9" },
      /versions differ.*protocol 1.*9\.9\.9, protocol 9/,
    ],
    [
      {
        code: Refused_Code.TOO_MANY_CLIENTS,
        message: "8 clients are connected",
        protocol: 1,
        version: "0.1.0",
      },
      /fake:1 refused this program: 8 clients are connected$/,
    ],
  ])("is refused: %j", async (refused, message) => {
    const { head, session, owner } = setUp({ polite: false });
    const call = session.submit(remoteCall(definitionOf("f")), owner);
    await head.until(() => head.opened !== undefined);
    head.send({ $case: "refused", refused });
    await expect(session.open()).rejects.toThrow(message);
    await expect(session.open()).rejects.toThrow(ConnectionError);
    await expect(resultOf(call.completion)).rejects.toThrow(message);
    await session.close();
  });

  it("says why the head could not be had", async () => {
    const head = new FakeHead();
    const session = new HeadSession(settingsFor(head, { open: () => Promise.reject(new Error("no luck")) }));
    await expect(session.open()).rejects.toThrow("The head could not be reached: no luck");
    await session.close();
  });

  it("can be closed before it was opened, while it opens, and twice", async () => {
    const idle = setUp();
    await idle.session.close();
    expect(idle.head.messages).toEqual([]);
    const opening = setUp({ polite: false });
    const open = opening.session.open();
    await opening.head.until(() => opening.head.opened !== undefined);
    await Promise.all([
      opening.session.close(),
      opening.session.close(),
      expect(open).rejects.toThrow("closed"),
    ]);
    await opening.head.until(() => opening.head.closed);
  });

  it("releases what was started along with the connection, after closing it", async () => {
    const order: string[] = [];
    const head = new FakeHead();
    const session = new HeadSession(
      settingsFor(head, {
        open: async () => ({
          connection: {
            ...head.connection,
            close: async () => {
              order.push("close");
              await head.connection.close();
            },
          },
          release: async () => void order.push("release"),
        }),
      }),
    );
    await session.open();
    await session.close();
    expect(order).toEqual(["close", "release"]);
  });
});
