/**
 * HTTP/2 settings of a server: how much a peer may send ahead, and how long its headers may be.
 *
 * grpc-js has an option for windows on clients only, and its servers use HTTP/2's 64 KiB,
 * which stops bulk transfers at every round trip.
 */

import type { Http2Server, ServerHttp2Session } from "node:http2";

/** Ours are some hundred bytes. HTTP/2's own limit is four times as much. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Lets each peer of the server send so many bytes ahead, per stream and per connection. */
export function widenWindows(http2Server: Http2Server, bytes: number): void {
  http2Server.on("session", (session: ServerHttp2Session) => {
    session.settings({ initialWindowSize: bytes, maxHeaderListSize: MAX_HEADER_BYTES });
    session.setLocalWindowSize(bytes);
  });
}
