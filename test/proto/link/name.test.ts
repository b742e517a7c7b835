import { describe, expect, it } from "vitest";
import { parseAddress } from "../../../proto/address.js";
import { unknownName } from "../../../proto/link/grpc/name.js";

const fails = (code: string) => () => Promise.reject(Object.assign(new Error("no"), { code }));
const asked: string[] = [];
const knows = (host: string) => {
  asked.push(host);
  return Promise.resolve();
};

describe("the name of an address", () => {
  it("is what is wrong when it is not known", async () => {
    expect(await unknownName(parseAddress("headnode:7700"), fails("ENOTFOUND"))).toBe(
      "This machine does not know the name headnode (ENOTFOUND)",
    );
  });

  it("is right when it is known", async () => {
    expect(await unknownName(parseAddress("headnode:7700"), knows)).toBeUndefined();
    expect(asked).toEqual(["headnode"]);
  });

  it("is not asked for where there is none", async () => {
    for (const address of ["127.0.0.1:1", "[::1]:1", "unix:///a", "edge:///a"])
      expect(await unknownName(parseAddress(address), fails("ENOTFOUND"))).toBeUndefined();
  });

  it("is not waited for", async () => {
    expect(await unknownName(parseAddress("headnode:7700"), () => new Promise(() => {}))).toBeUndefined();
  });
});
