/** Edge files as their readers see them. */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseAccess } from "../../../proto/access/place.js";
import { EdgeFinder } from "../../../proto/edge/finder.js";
import { type EdgeRecord, formatRecord, LEASE_MS, readRecord } from "../../../proto/edge/record.js";
import { Watch } from "../../../proto/edge/watch.js";
import { AuthError, ConfigError } from "../../../proto/errors.js";
import { thisProcess } from "../../../proto/process-name.js";

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "grain-test-"));
  file = join(directory, "grain.edge");
});
afterEach(() => rmSync(directory, { recursive: true }));

const elsewhere = { machine: "another machine", pid: 7, started: "1" };

function record(fields: Partial<EdgeRecord> = {}): EdgeRecord {
  return {
    id: "a",
    generation: 1,
    beat: 0,
    addresses: ["10.0.0.1:7700", "127.0.0.1:7700", "unix:///run/grain.sock"],
    process: elsewhere,
    host: "node7",
    version: "0.1.0",
    access: "",
    ...fields,
  };
}

function write(fields: Partial<EdgeRecord> = {}): void {
  writeFileSync(file, formatRecord(record(fields)), { mode: 0o644 });
}

const withTls = { place: "/nowhere", insecure: "no", isDefault: true } as const;

describe("an edge file", () => {
  it("says what its head has written, and whose it is", async () => {
    expect(await readRecord(file)).toBeUndefined();
    write();
    expect(await readRecord(file)).toMatchObject({ ...record(), isOwn: true });
    chmodSync(file, 0o664);
    expect(await readRecord(file)).toMatchObject({ isOwn: false });
  });

  it.each([
    ["", /is no edge file.*remove it/],
    ["{}", /is no edge file/],
    ["null", /is no edge file/],
    ['{"grainEdge":1,"id":"a"}', /is no edge file/],
    ['{"grainEdge":2}', /has format 2, .*one version on both sides/],
    ["x".repeat(100_000), /is no edge file/],
  ])("that holds %.20j is refused", async (text, why) => {
    writeFileSync(file, text);
    await expect(readRecord(file)).rejects.toThrow(ConfigError);
    await expect(readRecord(file)).rejects.toThrow(why);
  });

  it("that is a directory is refused", async () => {
    await expect(readRecord(directory)).rejects.toThrow(/cannot be read: EISDIR/);
  });
});

describe("whether its head lives", () => {
  let now: number;
  let watch: Watch;
  beforeEach(() => {
    now = 1e6;
    watch = new Watch(() => now);
  });
  const later = (ms: number, fields: Partial<EdgeRecord> = {}) => {
    // Looked at often.
    for (let passed = 0; passed < ms - 500; passed += 500) {
      now += 500;
      watch.see(record(fields));
    }
    now += 500;
    return watch.see(record(fields));
  };

  it("is seen by its changes, whatever its clock says", () => {
    expect(watch.see(record({ beat: 4 }))).toBe("unknown");
    expect(later(500, { beat: 5 })).toBe("alive");
    expect(later(LEASE_MS - 500, { beat: 5 })).toBe("alive");
    expect(later(500, { beat: 5 })).toBe("silent");
    expect(later(500, { beat: 6 })).toBe("alive");
  });

  it("is not known sooner of one that never changes", () => {
    watch.see(record());
    expect(later(LEASE_MS - 500)).toBe("unknown");
    expect(later(500)).toBe("silent");
  });

  it("is not judged by time in which nobody looked", () => {
    watch.see(record());
    now += 100 * LEASE_MS;
    expect(watch.see(record())).toBe("unknown");
  });

  it("begins anew with another head", () => {
    watch.see(record());
    expect(later(LEASE_MS)).toBe("silent");
    expect(later(500, { id: "b" })).toBe("unknown");
  });

  it("is seen at once of a process on this machine", () => {
    expect(watch.see(record({ process: thisProcess() }))).toBe("alive");
    expect(watch.see(record({ process: { ...thisProcess(), started: "0" } }))).toBe("ended");
  });
});

describe("who looks for the head", () => {
  it("finds nothing where there is no file", async () => {
    expect(await new EdgeFinder(file, withTls).look()).toMatchObject({ verdict: "absent", addresses: [] });
  });

  it("tries what can be reached from another machine only", async () => {
    write();
    const { addresses, head } = await new EdgeFinder(file, withTls).look();
    expect(addresses).toEqual([{ type: "tcp", host: "10.0.0.1", port: 7700 }]);
    expect(head).toBe("a");
  });

  it("tries first what is near, on the head's machine", async () => {
    write({ process: thisProcess() });
    const { addresses } = await new EdgeFinder(file, withTls).look();
    expect(addresses.map((address) => (address.type === "tcp" ? address.host : address.path))).toEqual([
      "127.0.0.1",
      "/run/grain.sock",
      "10.0.0.1",
    ]);
  });

  it("does not try a head whose process has ended", async () => {
    write({ process: { ...thisProcess(), started: "0" } });
    expect(await new EdgeFinder(file, withTls).look()).toMatchObject({ verdict: "ended", addresses: [] });
  });

  it("takes the head's access directory, unless one is named or another user wrote the file", async () => {
    write({ access: directory });
    const placeFor = async (access: typeof withTls | ReturnType<typeof chooseAccess>) =>
      (await new EdgeFinder(file, access).look()).access.place;
    expect(await placeFor(withTls)).toBe(directory);
    expect(await placeFor(chooseAccess({}, {}))).toBe(directory);
    expect(await placeFor(chooseAccess({ access: "/named" }, {}))).toBe("/named");
    expect(await placeFor(chooseAccess({}, { GRAIN_ACCESS_DIR: "/named" }))).toBe("/named");
    chmodSync(file, 0o666);
    expect(await placeFor(withTls)).toBe("/nowhere");
    write({ access: join(directory, "not-here") });
    expect(await placeFor(withTls)).toBe("/nowhere");
  });

  it("does not believe another user's file without TLS", async () => {
    write();
    chmodSync(file, 0o666);
    const looking = new EdgeFinder(file, { place: "/nowhere", insecure: "anywhere" }).look();
    await expect(looking).rejects.toThrow(AuthError);
    await expect(looking).rejects.toThrow(/leave out --insecure/);
  });
});
