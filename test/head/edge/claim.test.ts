/** One head for one edge file: whoever starts, dies, or was taken for dead. */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newId, takeTurn, writeRecord } from "../../../head/edge/claim.js";
import { anywhere, reachableAt } from "../../../head/edge/interfaces.js";
import { type EdgeOptions, enterEdge, type Tenure } from "../../../head/edge/tenure.js";
import { type EdgeRecord, formatRecord, LEASE_MS, RENEW_MS, readRecord } from "../../../proto/edge/record.js";
import { ConfigError } from "../../../proto/errors.js";
import { thisProcess } from "../../../proto/process-name.js";

let directory: string;
let file: string;
const tenures: Tenure[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "grain-test-"));
  file = join(directory, "grain.edge");
});
afterEach(async () => {
  vi.useRealTimers();
  for (const tenure of tenures.splice(0)) await tenure.close();
  expect(readdirSync(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});

const options: EdgeOptions = { insecure: false, access: "", warn: () => {} };
const ended = { ...thisProcess(), started: "0" };

function record(fields: Partial<EdgeRecord> = {}): EdgeRecord {
  return {
    id: newId(),
    generation: 1,
    beat: 0,
    addresses: ["10.0.0.1:7700"],
    process: thisProcess(),
    host: "node7",
    version: "0.1.0",
    access: "",
    ...fields,
  };
}

async function enter() {
  const entry = await enterEdge([`edge://${file}`], options);
  if (entry.type === "head") {
    tenures.push(entry.tenure);
    await entry.tenure.publish(["127.0.0.1:7700"]);
  }
  return entry;
}

describe("of heads that start", () => {
  it("at once one has the file, and the others hear of it", async () => {
    const entries = await Promise.all(Array.from({ length: 10 }, enter));
    expect(entries.filter(({ type }) => type === "head")).toHaveLength(1);
    const [other] = entries.filter((entry) => entry.type === "elsewhere");
    expect(other!.message).toMatch(/runs already, on .* \(pid \d+\), listening on 127\.0\.0\.1:7700$/);
    expect(readdirSync(directory)).toEqual(["grain.edge"]);
  });

  it("when the last one has died one takes over", async () => {
    await writeRecord(file, record({ generation: 4, process: ended }));
    const entries = await Promise.all(Array.from({ length: 10 }, enter));
    expect(entries.filter(({ type }) => type === "head")).toHaveLength(1);
    expect(await readRecord(file)).toMatchObject({ generation: 5 });
  });

  it("when others have died before they wrote the file one takes over", async () => {
    for (const generation of [1, 2, 3])
      writeFileSync(`${file}.${generation}`, formatRecord(record({ generation, process: ended })));
    const entries = await Promise.all(Array.from({ length: 5 }, enter));
    expect(entries.filter(({ type }) => type === "head")).toHaveLength(1);
    expect(await readRecord(file)).toMatchObject({ generation: 4 });
    expect(readdirSync(directory)).toEqual(["grain.edge"]);
  });

  it("none takes a turn that was over before it got it", async () => {
    const dead = record({ process: ended });
    await writeRecord(file, dead);
    const [first, second] = await Promise.all([
      takeTurn(file, record()),
      // Somebody takes over and is gone again between its look at the file and its attempt.
      writeRecord(file, record({ generation: 2 })).then(() => takeTurn(file, record())),
    ]);
    const turns = [first, second].filter(({ type }) => type === "ours");
    for (const turn of turns) if (turn.type === "ours") rmSync(turn.turn);
    expect(turns.length).toBeLessThan(2);
    rmSync(file);
  });

  it.each([
    ["is silent, after its lease", false],
    ["goes on saying that it lives, none", true],
  ])("when the last one was on another machine and %s takes over", async (_, isAlive) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const process = { machine: "another", pid: 1, started: "" };
    let other = record({ generation: 4, process });
    await writeRecord(file, other);
    const startedAt = performance.now();
    let turn: Awaited<ReturnType<typeof takeTurn>> | undefined;
    void takeTurn(file, record()).then((taken) => {
      turn = taken;
    });
    for (let round = 1; turn === undefined; round += 1) {
      await vi.advanceTimersByTimeAsync(100);
      await new Promise((resolve) => setImmediate(resolve));
      if (!isAlive || round % 20 !== 0) continue;
      other = { ...other, beat: other.beat + 1 };
      await writeRecord(file, other);
    }
    expect(turn).toMatchObject(
      isAlive
        ? { type: "theirs", record: { id: other.id, generation: 4 } }
        : { type: "ours", record: { generation: 5 } },
    );
    if (turn.type === "ours") {
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(LEASE_MS);
      rmSync(turn.turn);
    }
    rmSync(file);
  });

  it("each ends when it is told to while nothing is clear", async () => {
    await writeRecord(file, record({ process: { machine: "another", pid: 1, started: "" } }));
    const stopped = Promise.resolve();
    const entry = await enterEdge([`edge://${file}`], { ...options, stopped });
    expect(entry).toMatchObject({ type: "elsewhere", message: expect.stringMatching(/told to end/) });
    rmSync(file);
  });

  it.each([
    [["edge:///a", "edge:///b"], /one edge file/],
    [["edge:///dev/null/grain.edge"], /\/dev\/null\/grain\.edge cannot be made: .*name another/],
  ])("%j is refused", async (listen, why) => {
    await expect(enterEdge(listen, options)).rejects.toThrow(ConfigError);
    await expect(enterEdge(listen, options)).rejects.toThrow(why);
  });
});

describe("a head that has the file", () => {
  it("says so again and again, and takes it away in the end", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await enter();
    const { beat, id } = (await readRecord(file))!;
    await vi.advanceTimersByTimeAsync(RENEW_MS);
    await vi.waitFor(async () => expect((await readRecord(file))!.beat).toBeGreaterThan(beat), {
      timeout: 30_000,
    });
    // Somebody has deleted it.
    rmSync(file);
    for (let renewed = false; !renewed; ) {
      await vi.advanceTimersByTimeAsync(RENEW_MS);
      renewed = (await readRecord(file))?.id === id;
    }
    await tenures[0]!.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ["gives way to a later one", 2, true],
    ["stays before an earlier one", 0, false],
  ])("%s", async (_, generation, givesWay) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await enter();
    const other = record({ generation });
    await writeRecord(file, other);
    let over = "";
    void tenures[0]!.over.then((why) => {
      over = why;
    });
    for (let settled = false; !settled; ) {
      await vi.advanceTimersByTimeAsync(RENEW_MS);
      settled = over !== "" || (await readRecord(file))!.id !== other.id;
    }
    expect(over).toEqual(givesWay ? expect.stringMatching(/another head has taken over .*node7/) : "");
    if (!givesWay) return;
    await tenures[0]!.close();
    expect((await readRecord(file))!.id).toBe(other.id);
    rmSync(file);
  });
});

describe("where it says that it listens", () => {
  const info = (address: string, internal: boolean) =>
    ({ address, internal, family: address.includes(":") ? "IPv6" : "IPv4" }) as never;
  const interfaces = {
    lo: [info("127.0.0.1", true), info("::1", true)],
    eth0: [info("10.0.0.7", false), info("fe80::1", false), info("fd00::7", false)],
    ib0: [info("192.168.0.7", false)],
  };

  it.each([
    [["0.0.0.0:7"], ["10.0.0.7:7", "192.168.0.7:7", "127.0.0.1:7"]],
    [["[::]:7"], ["10.0.0.7:7", "192.168.0.7:7", "[fd00::7]:7", "127.0.0.1:7", "[::1]:7"]],
    [
      ["10.0.0.7:7", "unix:///s", "10.0.0.7:7"],
      ["10.0.0.7:7", "unix:///s"],
    ],
  ])("%j is %j", (bound, shown) => expect(reachableAt(bound, interfaces)).toEqual(shown));

  it("is everywhere by default, and only here without TLS", () => {
    expect(anywhere(false, interfaces)).toBe("[::]:0");
    expect(anywhere(false, { lo: [info("127.0.0.1", true)] })).toBe("0.0.0.0:0");
    expect(anywhere(true, interfaces)).toBe("127.0.0.1:0");
  });
});
