/** One end of a bare grpc-js hop: gives back what it is sent. */

import type { Http2Server, ServerHttp2Session } from "node:http2";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { echoService, HOP_WINDOW_BYTES } from "../hop.js";
import { tell } from "../tell.js";
import { UNLIMITED } from "../wire.js";

const server = new Server(UNLIMITED);
// grpc-js has no option for the server's windows: its http2 sessions are widened as they come.
const creating = server as unknown as { createHttp2Server(...args: unknown[]): Http2Server };
const create = creating.createHttp2Server;
creating.createHttp2Server = (...args) => {
  const http2Server = create.apply(server, args);
  http2Server.on("session", (session: ServerHttp2Session) => {
    session.settings({ initialWindowSize: HOP_WINDOW_BYTES });
    session.setLocalWindowSize(HOP_WINDOW_BYTES);
  });
  return http2Server;
};
server.addService(echoService, {
  echo(call: ServerDuplexStream<Buffer, Buffer>) {
    call.on("data", (value: Buffer) => call.write(value));
    call.on("end", () => call.end());
    call.on("error", () => {});
  },
});
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  tell("listening", { address: `127.0.0.1:${port}` });
});
