/**
 * The http2 servers inside grpc-js: it keeps them to itself, but flow-control windows, limits and
 * the end of a revoked peer's connection are theirs. Should a later version create them in another
 * way, this throws, and a head does not start without its limits.
 */

import type { Http2Server } from "node:http2";
import type { Server } from "@grpc/grpc-js";

interface Creating {
  createHttp2Server?: (...args: unknown[]) => Http2Server;
}

/** Tells of every http2 server that is created, before it listens. */
export function onHttp2Server(server: Server, created: (http2Server: Http2Server) => void): void {
  const creating = server as unknown as Creating;
  const create = creating.createHttp2Server;
  if (typeof create !== "function")
    throw new Error("this version of @grpc/grpc-js creates its http2 servers in another way");
  creating.createHttp2Server = (...args) => {
    const http2Server = create.apply(server, args);
    created(http2Server);
    return http2Server;
  };
}
