/** Handshakes that do not fit, and which side is to be upgraded. */

import { describe, expect, it } from "vitest";
import { badMessage, refuseHello } from "../../../head/shell/check/hello.js";
import { type Hello, Refused_Code } from "../../../proto/grain.js";

const ours: Hello = { protocol: 3, version: "3.1.0", node: "v22.4.0", host: "h", pid: 1, bundleFormat: 2 };

describe("a handshake", () => {
  it.each([
    ["the same", {}],
    ["of another minor version", { version: "3.0.9", node: "v22.11.0" }],
    ["of who does not run on Node.js", { node: "" }],
  ])("%s is taken", (_, fields) => {
    expect(refuseHello("client", { ...ours, ...fields }, ours)).toBeUndefined();
  });

  it.each([
    ["a host that is no line", { host: "two\nlines" }],
    ["a version that is no line", { version: "\u001b[31m1" }],
    ["a host longer than any", { host: "h".repeat(256) }],
  ])("with %s is refused", (_, fields) => {
    const refusal = refuseHello("client", { ...ours, ...fields }, ours);
    expect(refusal?.code).toBe(Refused_Code.BAD_MESSAGE);
    expect(refusal?.message).toMatch(/its hello has a text that is no line of 255 characters/);
  });

  it("of the first version, which does not name its form of bundles, is taken by its like", () => {
    const first = { ...ours, bundleFormat: 1 };
    expect(refuseHello("worker", { ...first, bundleFormat: 0 }, first)).toBeUndefined();
  });

  it.each([
    [
      { protocol: 2, version: "2.0.0" },
      /speaks protocol 2 .*2\.0\.0.*protocol 3 .*3\.1\.0.* Upgrade the worker/,
    ],
    [{ protocol: 4, version: "4.0.0" }, /protocol 4 .*protocol 3 .* Upgrade the head/],
    [{ bundleFormat: 0 }, /bundles of format 1 .*format 2 .* Upgrade the worker/],
    [{ bundleFormat: 3 }, /bundles of format 3 .*format 2 .* Upgrade the head/],
    [
      { node: "v20.19.0" },
      /Node\.js v20\.19\.0, the head on Node\.js v22\.4\.0\. Upgrade Node\.js of the worker/,
    ],
    [{ node: "v24.1.0" }, /Node\.js v24\.1\.0, .*v22\.4\.0\. Upgrade Node\.js of the head/],
  ])("%j is refused, naming both and which side to upgrade", (fields, message) => {
    expect(refuseHello("worker", { ...ours, ...fields }, ours)).toEqual({
      code: Refused_Code.PROTOCOL,
      message: expect.stringMatching(message),
    });
  });
});

describe("a refusal", () => {
  it("is one line of bounded length, whatever the message held", () => {
    const { message } = badMessage(`"${"x\n\u001b".repeat(10_000)}" is no hash`);
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(message.length).toBeLessThan(700);
  });
});
