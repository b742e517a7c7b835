/**
 * Records a session of a program and a worker with a head, as bytes, so that heads of later versions can be shown
 * that they still serve peers of this one. Once for each release, after `npm run build`:
 *
 *   node --import tsx test/recording/record.ts > test/recording/VERSION.jsonl
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { Stage } from "../kit/daemons.js";
import { asIs, type Entry, openRaw, PATHS, type RawCall, rawClient } from "./wire.js";

// Calls follow one another, so that what is sent does not depend on how fast anybody is.
const PROGRAM = `
import { cores, delayed, run } from "grain-scheduler";
const square = delayed(async function square(x) { console.log("squaring", x); return x * x; });
const refuse = delayed(async function refuse(x) { throw "no " + x; });
await run(async () => {
  for (let x = 1; x <= 5; x += 1) console.log(await square.with(cores(1))(x));
  await refuse.with(cores(1))("thanks").catch((error) => console.log(error.message));
  console.log(await square.with({ cores: 1, memory: "1M" })(6));
}, { name: "recorded" });
`;

/** Passes calls on to a head, and keeps what it passes. */
async function tap(from: string, to: string, entries: Entry[]): Promise<Server> {
  const client = rawClient(`unix:${to}`);
  const server = new Server();
  let calls = 0;
  for (const path of PATHS) {
    const handle = (near: RawCall) => {
      calls += 1;
      const call = calls;
      const far = openRaw(client, path);
      const keep = (side: Entry["from"], bytes?: Buffer) =>
        entries.push({ call, path, from: side, ...(bytes && { bytes: bytes.toString("base64") }) });
      near.on("data", (bytes: Buffer) => {
        keep("peer", bytes);
        far.write(bytes);
      });
      near.on("end", () => {
        keep("peer");
        far.end();
      });
      near.on("cancelled", () => far.cancel());
      far.on("data", (bytes: Buffer) => {
        keep("head", bytes);
        near.write(bytes);
      });
      far.on("error", () => {});
      far.on("status", () => {
        keep("head");
        near.end();
      });
    };
    server.register(path, handle, asIs, asIs, "bidi");
  }
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${from}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return server;
}

async function record(): Promise<Entry[]> {
  const stage = new Stage();
  // Paths are part of what is sent: this one says nothing of who records.
  const directory = mkdtempSync(join(tmpdir(), "recorded-"));
  const entries: Entry[] = [];
  try {
    const head = stage.start("grain-head", ["--listen", `unix://${directory}/head`]);
    await head.until(/listening on/);
    const server = await tap(`${directory}/tap`, `${directory}/head`, entries);
    const address = `unix://${directory}/tap`;
    const worker = stage.start("grain-worker", [
      ...["--address", address, "--name", "recorded", "--cpus", "1", "--mem", "1G"],
    ]);
    await worker.until(/Joined the head/);
    const file = join(directory, "program.mjs");
    writeFileSync(file, PROGRAM);
    const program = stage.start("grain", ["run", "--address", address, file]);
    const { code } = await program.ended;
    if (code !== 0) throw new Error(program.stderr);
    worker.kill();
    await worker.ended;
    server.forceShutdown();
  } finally {
    rmSync(directory, { recursive: true });
    await stage.close();
  }
  return entries;
}

for (const entry of await record()) process.stdout.write(`${JSON.stringify(entry)}\n`);
