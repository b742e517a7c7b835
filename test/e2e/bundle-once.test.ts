/** Code travels once: a bundle goes to the head once, and to each worker once, for however many tasks and programs. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { bundleModule, stopBundler } from "../../client/bundle/bundle.js";
import { HeadSession } from "../../client/session/session.js";
import { Head } from "../../head/shell/head.js";
import type { ClientMessage, HeadToClient, HeadToWorker, WorkerMessage } from "../../proto/grain.js";
import type { BlobTransport, Connection, Link } from "../../proto/link/link.js";
import { memoryLink } from "../../proto/link/memory.js";
import { startAgent } from "../../worker/agent/agent.js";
import { Owner, resultOf } from "../client/session/session-kit.js";
import { Stage } from "../kit/daemons.js";
import { coresRequest, definitionOf, FakeHead, settingsFor } from "../kit/fake-head.js";
import { poolOfCores } from "../kit/peers.js";

const stage = new Stage();
afterAll(async () => {
  await stopBundler();
  await stage.close();
});

/** What went through one party's blob transport. */
class Traffic {
  readonly puts: string[] = [];
  readonly gets: string[] = [];

  over(blobs: BlobTransport): BlobTransport {
    return {
      missing: (hashes) => blobs.missing(hashes),
      put: (ref, parts) => {
        this.puts.push(ref.hash);
        return blobs.put(ref, parts);
      },
      get: (ref) => {
        this.gets.push(ref.hash);
        return blobs.get(ref);
      },
    };
  }
}

function connectionOf<Out, In>(head: Head, link: Link<Out, In>, traffic: Traffic): Connection<Out, In> {
  const close = async () => link.close();
  return { link, blobs: traffic.over(head.blobs), address: "here", status: async () => head.status(), close };
}

async function startWorker(head: Head, name: string): Promise<Traffic> {
  const traffic = new Traffic();
  const [mine, heads] = memoryLink<WorkerMessage, HeadToWorker>();
  head.acceptWorker(heads);
  const directory = mkdtempSync(join(tmpdir(), "grain-test-"));
  const connection = connectionOf(head, mine, traffic);
  const agent = startAgent({ connection, name, pool: poolOfCores(2), imports: [], cacheDir: directory });
  onTestFinished(async () => {
    await agent.close();
    rmSync(directory, { recursive: true });
  });
  await agent.joined;
  return traffic;
}

function openSession(head: Head): { readonly session: HeadSession; readonly traffic: Traffic } {
  const traffic = new Traffic();
  const [mine, heads] = memoryLink<ClientMessage, HeadToClient>();
  head.acceptClient(heads);
  const settings = settingsFor(new FakeHead(), {
    bundle: bundleModule,
    open: async () => ({ connection: connectionOf(head, mine, traffic), release: async () => {} }),
  });
  const session = new HeadSession(settings);
  onTestFinished(() => session.close());
  return { session, traffic };
}

it("a bundle is uploaded once to a head and fetched once by each worker", async () => {
  const module = stage.program(
    "tasks.ts",
    `
import { delayed } from "grain-scheduler";
export const double = delayed(function double(n: number) { return n * 2; });
export const negate = delayed(function negate(n: number) { return -n; });
`,
  );
  const head = new Head();
  onTestFinished(() => head.close());
  const workers = [await startWorker(head, "w1"), await startWorker(head, "w2")];
  const clients = [openSession(head), openSession(head), openSession(head)];
  // One program after the other: such as begin at the same moment may both find it missing.
  for (const { session } of clients) {
    const calls = Array.from({ length: 40 }, (_, n) =>
      session.submit(
        {
          definition: definitionOf(n % 2 === 0 ? "double" : "negate", { module }),
          request: coresRequest(1),
          args: [n],
        },
        new Owner(),
      ),
    );
    const values = await Promise.all(calls.map(({ completion }) => resultOf(completion)));
    expect(values).toEqual(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? n * 2 : -n)));
  }
  const [hash] = clients[0]!.traffic.puts;
  expect(clients.flatMap(({ traffic }) => traffic.puts)).toEqual([hash]);
  expect(workers.map(({ gets }) => gets)).toEqual([[hash], [hash]]);
});
