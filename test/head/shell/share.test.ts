/** Values as files between a head and peers of its machine, over real sockets. */

import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@grpc/grpc-js";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { startHead } from "../../../head/index.js";
import { SharedFiles } from "../../../head/shell/blob/shared.js";
import type { BlobStoreOptions } from "../../../head/shell/blob/store.js";
import type { ShareAnswer, ShareRequest } from "../../../proto/grain.js";
import { newValueKey, valueRefOf } from "../../../proto/hash.js";
import { GrpcBlobs } from "../../../proto/link/grpc/blobs.js";
import { blobsService } from "../../../proto/link/grpc/services.js";
import type { ValueFiles } from "../../../proto/link/link.js";
import { newFileName } from "../../../proto/share/directory.js";
import { NAMED_BYTES } from "../../../proto/share/named.js";
import { readValue, writeValue } from "../../../proto/share/value-file.js";
import { channelTo } from "../../kit/access.js";
import { Cable } from "../../kit/cable.js";

const KEY = newValueKey();

let root: string;
beforeEach(() => {
  root = scratch();
  vi.stubEnv("GRAIN_SHARED_DIR", root);
});

function scratch(): string {
  const path = mkdtempSync(join(tmpdir(), "grain-test-"));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    expect(readdirSync(path)).toEqual([]);
    rmSync(path, { recursive: true });
  });
  return path;
}

async function serve(blobs: BlobStoreOptions = {}, absenceMs?: number) {
  const spillParent = scratch();
  const started = await startHead({
    listen: ["127.0.0.1:0"],
    blobs: { spillParent, ...blobs },
    ...(absenceMs === undefined ? {} : { resumeMs: absenceMs, leaseMs: absenceMs }),
  });
  onTestFinished(() => started.close());
  const address = started.addresses[0]!;
  const peer = (itsRoot: string | undefined = root, via: string = address) => {
    const channel = channelTo(via, "client");
    const transport = new GrpcBlobs(`dns:${via}`, via, channel.credentials, channel.options, itsRoot);
    onTestFinished(() => transport.close());
    return transport;
  };
  return { ...started, address, peer };
}

function sample(byteLength: number, seed = 1) {
  const bytes = new Uint8Array(byteLength).fill(seed);
  return { bytes, ref: valueRefOf(KEY, [bytes]) };
}

async function handOver(files: ValueFiles, { bytes, ref }: ReturnType<typeof sample>): Promise<string> {
  const file = newFileName();
  writeValue(join(files.directory, file), [bytes]);
  await files.adopt(ref, file);
  return join(files.directory, file);
}

async function bytesOf(files: ValueFiles, ref: ReturnType<typeof sample>["ref"]): Promise<Uint8Array> {
  const { parts } = await readValue(files.pathOf(ref.hash), ref);
  return Buffer.concat(parts);
}

describe("a peer of the same machine", () => {
  it("hands over a file that others then read, without a copy", async () => {
    const { peer, head } = await serve();
    const [one, other] = [await peer().share(), await peer().share()];
    const value = sample(300_000);
    const path = await handOver(one!, value);
    expect(await head.blobs.missing([value.ref.hash])).toEqual([]);
    rmSync(path);
    expect(Buffer.compare(await bytesOf(other!, value.ref), value.bytes)).toBe(0);
    // Somebody else's is thrown away, and both are fine.
    rmSync(await handOver(other!, value));
    expect(Buffer.compare(await bytesOf(one!, value.ref), value.bytes)).toBe(0);
  });

  it("names a file that the head takes: into its memory, or to its disk when there is no room", async () => {
    const { peer, head } = await serve({ memoryBytes: 500_000 });
    const transport = peer();
    const files = (await transport.share())!;
    const [first, second] = [sample(400_000, 1), sample(400_000, 2)];
    const write = ({ bytes }: typeof first) => {
      const file = newFileName();
      writeValue(join(files.directory, file), [bytes]);
      return `${files.name}/${file}`;
    };
    for (const value of [first, second]) head.blobs.take(value.ref, write(value));
    // Again: it is here.
    head.blobs.take(first.ref, write(first));
    expect(readdirSync(files.directory)).toEqual([]);
    expect(head.blobs.memoryBytes).toBe(400_000);
    expect(Buffer.compare(await bytesOf(files, first.ref), first.bytes)).toBe(0);
    await expect(bytesOf(files, second.ref)).rejects.toThrow(/ENOENT/);
    expect(Buffer.compare(await transport.get(second.ref), second.bytes)).toBe(0);
    for (const name of [
      "",
      "../proof",
      `${files.name}/../x`,
      `${files.name}/${newFileName()}`,
      `${files.name}`,
    ])
      expect(() => head.blobs.take(sample(400_000, 3).ref, name)).toThrow(/does not name|there is none/);
    const long = sample(NAMED_BYTES + 1, 4);
    expect(() => head.blobs.take(long.ref, write(long))).toThrow(/to be handed over/);
  });

  it("reads what came over a connection, and the other way round", async () => {
    const { peer } = await serve();
    const [near, far] = [peer(), peer(scratch())];
    const [up, down] = [sample(2_500_000, 1), sample(2_500_000, 2)];
    const files = await near.share();
    expect(await far.share()).toBeUndefined();
    await far.put(up.ref, [up.bytes]);
    expect(Buffer.compare(await bytesOf(files!, up.ref), up.bytes)).toBe(0);
    await handOver(files!, down);
    expect(Buffer.compare(await far.get(down.ref), down.bytes)).toBe(0);
  });

  it("finds what is beyond the head's memory on its disk, over the connection", async () => {
    const { peer, head } = await serve({ memoryBytes: 500_000 });
    const transport = peer();
    const files = await transport.share();
    const values = [1, 2, 3].map((seed) => sample(200_000, seed));
    for (const value of values) await handOver(files!, value);
    expect(head.blobs.memoryBytes).toBe(400_000);
    await expect(bytesOf(files!, values[2]!.ref)).rejects.toThrow(/ENOENT/);
    for (const { ref, bytes } of values) expect(Buffer.compare(await transport.get(ref), bytes)).toBe(0);
  });

  it("waits by the gibibyte within the head's memory, and nothing of it is lost", async () => {
    const MIB = 1024 * 1024;
    const [memoryBytes, eachBytes, count] = [64 * MIB, 8 * MIB, 128];
    const { peer, head } = await serve({ memoryBytes });
    const transport = peer();
    const files = (await transport.share())!;
    const values = join(files.directory, "../../values");
    const refs: ReturnType<typeof sample>["ref"][] = [];
    let mostBytes = 0;
    for (let seed = 0; seed < count; seed += 1) {
      const value = sample(eachBytes, seed);
      rmSync(await handOver(files, value));
      head.blobs.hold(value.ref.hash);
      refs.push(value.ref);
      const inMemory = readdirSync(values).reduce((sum, name) => sum + statSync(join(values, name)).size, 0);
      mostBytes = Math.max(mostBytes, inMemory, head.blobs.memoryBytes);
    }
    expect(mostBytes).toBe(memoryBytes);
    for (const [seed, ref] of refs.entries()) {
      // `get` compares the bytes with the name.
      const bytes = await transport.get(ref);
      expect([bytes.byteLength, bytes[0], bytes.at(-1)]).toEqual([eachBytes, seed, seed]);
      head.blobs.discard(ref.hash);
    }
    expect(head.blobs.memoryBytes).toBe(0);
    expect(readdirSync(values)).toEqual([]);
  }, 120_000);

  it("makes room with what nothing refers to any more, and loses results at once", async () => {
    const { peer, head } = await serve({ memoryBytes: 500_000 });
    const files = (await peer().share())!;
    const [first, second, third] = [1, 2, 3].map((seed) => sample(200_000, seed));
    for (const value of [first!, second!]) {
      await handOver(files, value);
      head.blobs.hold(value.ref.hash);
    }
    head.blobs.release(first!.ref.hash);
    expect(head.blobs.has(first!.ref.hash)).toBe(true);
    await handOver(files, third!);
    expect(head.blobs.has(first!.ref.hash)).toBe(false);
    expect(Buffer.compare(await bytesOf(files, third!.ref), third!.bytes)).toBe(0);
    head.blobs.discard(second!.ref.hash);
    expect(head.blobs.memoryBytes).toBe(200_000);
    await expect(bytesOf(files, second!.ref)).rejects.toThrow(/ENOENT/);
  });

  it("leaves nothing when it goes, but what the head holds", async () => {
    const { peer } = await serve();
    const [one, other] = [peer(), (await peer().share())!];
    const files = (await one.share())!;
    const value = sample(100_000);
    await handOver(files, value);
    writeFileSync(join(files.directory, newFileName()), "half a value");
    one.close();
    await vi.waitFor(() => expect(() => readdirSync(files.directory)).toThrow(/ENOENT/), { timeout: 30_000 });
    expect(one.files).toBeUndefined();
    expect(Buffer.compare(await bytesOf(other, value.ref), value.bytes)).toBe(0);
  });

  it("comes back to its directory after a cut, with what was written there meanwhile", async () => {
    const { peer, address, head } = await serve();
    const cable = await Cable.to(address);
    onTestFinished(() => cable.close());
    const transport = peer(root, cable.address);
    const files = (await transport.share())!;
    const { directory } = files;
    cable.lets = false;
    await vi.waitFor(() => expect(transport.files).toBeUndefined(), { timeout: 30_000 });
    const value = sample(100_000);
    const file = newFileName();
    writeValue(join(directory, file), [value.bytes]);
    cable.lets = true;
    await vi.waitFor(() => expect(transport.files?.directory).toBe(directory), { timeout: 20_000 });
    await transport.files!.adopt(value.ref, file);
    expect(head.blobs.has(value.ref.hash)).toBe(true);
    // The stream that was lost takes nothing away from the one that has come in its place.
    expect(readdirSync(directory)).toEqual([file]);
    transport.close();
    await vi.waitFor(() => expect(() => readdirSync(directory)).toThrow(/ENOENT/), { timeout: 30_000 });
  });

  it("loses its directory when it stays away too long, and then gets another", async () => {
    const { peer, address } = await serve({}, 50);
    const cable = await Cable.to(address);
    onTestFinished(() => cable.close());
    const transport = peer(root, cable.address);
    const { directory } = (await transport.share())!;
    writeFileSync(join(directory, newFileName()), "half a value");
    cable.lets = false;
    await vi.waitFor(() => expect(() => readdirSync(directory)).toThrow(/ENOENT/), { timeout: 30_000 });
    cable.lets = true;
    await vi.waitFor(() => expect(transport.files).toBeDefined(), { timeout: 20_000 });
    expect(transport.files!.directory).not.toBe(directory);
  });

  it("hears of a head that goes", async () => {
    const { peer, close } = await serve();
    const transport = peer();
    const files = (await transport.share())!;
    await close();
    const { ref } = sample(10);
    await expect(files.adopt(ref, newFileName())).rejects.toThrow(/connection to the head was lost/);
    expect(readdirSync(root)).toEqual([]);
  });

  it.each<[string, RegExp, (directory: string, file: string) => string]>([
    ["a path", /does not name a file/, () => "../../proof"],
    ["a file that is not there", /there is none/, (_, file) => file],
    [
      "a link",
      /no file of 5 bytes/,
      (directory, file) => {
        symlinkSync(join(directory, "../../proof"), join(directory, file));
        return file;
      },
    ],
    [
      "a file of another length",
      /no file of 5 bytes/,
      (directory, file) => {
        linkSync(join(directory, "../../proof"), join(directory, file));
        return file;
      },
    ],
  ])("cannot hand over %s", async (_, reason, make) => {
    const { peer, head } = await serve();
    const files = (await peer().share())!;
    const { ref } = sample(5);
    await expect(files.adopt(ref, make(files.directory, newFileName()))).rejects.toThrow(reason);
    expect(head.blobs.has(ref.hash)).toBe(false);
    expect(() => files.pathOf("../../proof")).toThrow(/does not name a value/);
  });
});

describe("a peer that does not see the directory", () => {
  it("is not given one for a wrong proof", async () => {
    const { address } = await serve();
    const channel = channelTo(address, "client");
    const client = new Client(address, channel.credentials, channel.options);
    onTestFinished(() => client.close());
    const { path, requestSerialize, responseDeserialize } = blobsService.share;
    const call = client.makeBidiStreamRequest<ShareRequest, ShareAnswer>(
      path,
      requestSerialize,
      responseDeserialize,
    );
    const answers: ShareAnswer[] = [];
    for await (const answer of call) {
      answers.push(answer as ShareAnswer);
      call.write({ body: { $case: "proof", proof: "0".repeat(32) }, process: "", directory: "" });
    }
    expect(answers.map(({ body }) => body?.$case)).toEqual(["offer"]);
  });

  it("falls back to the connection when the proof there is another", async () => {
    const { peer } = await serve();
    const [name] = readdirSync(root);
    writeFileSync(join(root, name!, "proof"), "another");
    const transport = peer();
    expect(await transport.share()).toBeUndefined();
    const value = sample(100_000);
    await transport.put(value.ref, [value.bytes]);
    expect(Buffer.compare(await transport.get(value.ref), value.bytes)).toBe(0);
  });

  it("and heads without one do without", async () => {
    vi.stubEnv("GRAIN_SHARED_DIR", "");
    const { peer } = await serve();
    const transport = peer();
    expect(await transport.share()).toBeUndefined();
    const value = sample(100_000);
    await transport.put(
      value.ref,
      (async function* () {
        yield value.bytes.subarray(0, 10);
        yield value.bytes.subarray(10);
      })(),
    );
    expect(Buffer.compare(await transport.get(value.ref), value.bytes)).toBe(0);
    await expect(
      transport.put(
        sample(5).ref,
        (async function* () {
          yield new Uint8Array(2);
          throw new Error("the source failed");
        })(),
      ),
    ).rejects.toThrow("the source failed");
  });
});

it("removes what a life that nobody comes back to has left, and nothing else", () => {
  const [before, now] = [SharedFiles.open(root, []), SharedFiles.open(root, [])];
  onTestFinished(() => {
    before?.close();
    now?.close();
  });
  mkdirSync(join(root, "foreign"));
  now!.forgetLives([before!.name, "foreign", "../foreign"]);
  expect(readdirSync(root).sort()).toEqual(["foreign", now!.name].sort());
  rmSync(join(root, "foreign"), { recursive: true });
});
