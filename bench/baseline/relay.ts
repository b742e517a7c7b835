/** The bare relay: passes calls on to the worker and results back to the client. It schedules nothing. */

import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { tell } from "../tell.js";
import { type Batch, type Call, Gathering, type Result, relayService, UNLIMITED } from "../wire.js";

type Stream = ServerDuplexStream<Batch, Batch>;

let client: Stream | undefined;
let worker: Stream | undefined;
const toClient = new Gathering<Result>((results) => client?.write({ results }));
const toWorker = new Gathering<Call>((calls) => worker?.write({ calls }));

const server = new Server(UNLIMITED);
server.addService(relayService, {
  client(call: Stream) {
    client = call;
    call.on("data", ({ calls }: Batch) => {
      for (const item of calls ?? []) toWorker.push(item);
    });
    call.on("end", () => call.end());
    call.on("error", () => {});
  },
  worker(call: Stream) {
    worker = call;
    call.on("data", ({ results }: Batch) => {
      for (const item of results ?? []) toClient.push(item);
    });
    call.on("end", () => call.end());
    call.on("error", () => {});
    tell("joined");
  },
});
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  tell("listening", { address: `127.0.0.1:${port}` });
});
