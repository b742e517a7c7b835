/** Handshakes that do not fit, and which side is to be upgraded. */

import { describe, expect, it } from "vitest";
import { refuseHello } from "../../../head/shell/check/hello.js";
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
