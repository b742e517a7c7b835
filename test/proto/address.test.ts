import { describe, expect, it } from "vitest";
import { formatAddress, isLocal, parseAddress } from "../../proto/address.js";
import { ConfigError } from "../../proto/errors.js";

describe("addresses", () => {
  it.each([
    ["127.0.0.1:7700", { type: "tcp", host: "127.0.0.1", port: 7700 }, "127.0.0.1:7700", true],
    ["tcp://node7:80", { type: "tcp", host: "node7", port: 80 }, "node7:80", false],
    ["[::1]:7700", { type: "tcp", host: "::1", port: 7700 }, "[::1]:7700", true],
    ["localhost:0", { type: "tcp", host: "localhost", port: 0 }, "localhost:0", true],
    ["0.0.0.0:1", { type: "tcp", host: "0.0.0.0", port: 1 }, "0.0.0.0:1", false],
    ["unix:///run/grain.sock", { type: "unix", path: "/run/grain.sock" }, "unix:///run/grain.sock", true],
    [
      "edge:///shared/grain.edge",
      { type: "edge", path: "/shared/grain.edge" },
      "edge:///shared/grain.edge",
      false,
    ],
  ])("reads %s", (text, address, shown, local) => {
    expect(parseAddress(text)).toEqual(address);
    expect(formatAddress(parseAddress(text))).toBe(shown);
    expect(isLocal(parseAddress(text))).toBe(local);
  });

  it.each([
    ["", "is not an address"],
    ["7700", "is not an address"],
    ["host", "is not an address"],
    ["host:port", "is not an address"],
    ["host:70000", "ports go up to 65535"],
    ["http://host:1", "unknown scheme"],
    ["unix://relative.sock", "absolute path"],
    ["edge://relative.edge", "absolute path"],
    ["edge:///directory/", "names no file"],
    [`unix:///${"x".repeat(120)}`, "107 bytes"],
  ])("refuses %j", (text, why) => {
    expect(() => parseAddress(text)).toThrow(ConfigError);
    expect(() => parseAddress(text)).toThrow(why);
  });
});
