/**
 * HTTP/2 flow-control windows of a server: how much a peer may send ahead.
 *
 * grpc-js has an option for it on clients only, and its servers use HTTP/2's 64 KiB,
 * which stops bulk transfers at every round trip. So the http2 servers that
 * grpc-js creates are told when they are created; should a later version create
 * them in another way, the windows stay as they were.
 */

import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Server } from "@grpc/grpc-js";

interface Creating {
  createHttp2Server?: (...args: unknown[]) => Http2Server;
}

/** Lets each peer of the server send so many bytes ahead, per stream and per connection. */
export function widenWindows(server: Server, bytes: number): void {
  const creating = server as unknown as Creating;
  const create = creating.createHttp2Server;
  if (typeof create !== "function") return;
  creating.createHttp2Server = (...args) => {
    const http2Server = create.apply(server, args);
    http2Server.on("session", (session: ServerHttp2Session) => {
      session.settings({ initialWindowSize: bytes });
      session.setLocalWindowSize(bytes);
    });
    return http2Server;
  };
}
