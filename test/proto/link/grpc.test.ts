import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Access } from "../../../proto/access/place.js";
import { ConnectionError } from "../../../proto/errors.js";
import type { ClientBatch, ClientMessage, HeadToClient, HeadToClientBatch } from "../../../proto/grain.js";
import { connectClient } from "../../../proto/link/grpc/connect.js";
import { schedulingService } from "../../../proto/link/grpc/services.js";
import { streamLink } from "../../../proto/link/grpc/stream.js";
import type { Link, LinkEnd } from "../../../proto/link/link.js";

type HeadLink = Link<HeadToClient, ClientMessage>;

let server: Server;
let port: number;
let accepted: HeadLink[];
let onAccept: (link: HeadLink) => void;

beforeEach(async () => {
  server = new Server();
  accepted = [];
  onAccept = () => {};
  server.addService(schedulingService, {
    session: (call: ServerDuplexStream<ClientBatch, HeadToClientBatch>) => {
      const link = streamLink<HeadToClient, ClientMessage, HeadToClientBatch, ClientBatch>(call, {
        pack: (messages) => ({ messages }),
        unpack: (batch) => batch.messages,
      });
      accepted.push(link);
      onAccept(link);
    },
    work: () => {},
  });
  port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
});

afterEach(() => {
  server.forceShutdown();
});

/** The server here is a bare one. */
const access: Access = { place: "/nowhere", insecure: "here" };
const connect = () => connectClient(`127.0.0.1:${port}`, { giveUpMs: 30_000, access });

function cancel(tasks: number[]): ClientMessage {
  return { body: { $case: "cancel", cancel: { tasks } } };
}

function notice(text: string): HeadToClient {
  return { body: { $case: "notice", notice: { text, warning: false } } };
}

/** Echoes each cancel's numbers as one notice a batch. */
function echo(link: HeadLink): void {
  link.receive({
    messages: (batch) => {
      const numbers = batch.flatMap(({ body }) => (body?.$case === "cancel" ? body.cancel.tasks : []));
      link.send(notice(numbers.join(",")));
    },
    ended: () => {},
  });
}

describe("a link over gRPC", () => {
  it("carries batches both ways, in order", async () => {
    onAccept = echo;
    const connection = await connect();
    const texts = await new Promise<string[]>((resolve) => {
      const seen: string[] = [];
      connection.link.receive({
        messages: (batch) => {
          for (const { body } of batch) if (body?.$case === "notice") seen.push(body.notice.text);
          if (seen.join(",").split(",").length === 1_000) resolve(seen);
        },
        ended: () => resolve([]),
      });
      for (let i = 0; i < 1_000; i += 1) connection.link.send(cancel([i]));
    });
    expect(texts.join(",")).toBe(Array.from({ length: 1_000 }, (_, i) => i).join(","));
    expect(texts).toHaveLength(1);
    await connection.close();
  });

  it("ends in order on both sides when closed", async () => {
    const headEnd = new Promise<LinkEnd>((resolve) => {
      onAccept = (link) => link.receive({ messages: () => {}, ended: resolve });
    });
    const connection = await connect();
    const clientEnd = new Promise<LinkEnd>((resolve) =>
      connection.link.receive({ messages: () => {}, ended: resolve }),
    );
    connection.link.send(cancel([1]));
    connection.link.close();
    expect(await headEnd).toEqual({ type: "closed" });
    expect(await clientEnd).toEqual({ type: "closed" });
    await connection.close();
  });

  it.each(["client", "head"] as const)("tells both sides when the %s destroys it", async (who) => {
    let headLink: HeadLink | undefined;
    const headEnd = new Promise<LinkEnd>((resolve) => {
      onAccept = (link) => {
        headLink = link;
        link.receive({ messages: () => link.send(notice("hello")), ended: resolve });
      };
    });
    const connection = await connect();
    const clientEnd = new Promise<LinkEnd>((resolve) => {
      connection.link.receive({
        messages: () => (who === "client" ? connection.link.destroy("enough") : headLink!.destroy("enough")),
        ended: resolve,
      });
    });
    connection.link.send(cancel([1]));
    expect((await clientEnd).type).toBe("broken");
    expect((await headEnd).type).toBe("broken");
    await connection.close();
  });

  it("slows a writer down when the reader does not read", async () => {
    const acceptedLink = new Promise<HeadLink>((resolve) => {
      onAccept = (link) => {
        link.receive({ messages: () => {}, ended: () => {} });
        link.pause(true);
        resolve(link);
      };
    });
    const connection = await connect();
    connection.link.receive({ messages: () => {}, ended: () => {} });
    const args = new Uint8Array(1024 * 1024);
    const link = connection.link;
    link.send(cancel([1]));
    const reader = await acceptedLink;
    for (let i = 0; i < 64; i += 1) {
      link.send({
        body: { $case: "submit", submit: { spec: 1, first: i + 1, sizes: [args.length], args, blobs: [] } },
      });
      link.flush();
    }
    expect(link.pendingBytes).toBeGreaterThan(args.length);
    const drained = link.drained();
    reader.pause(false);
    await drained;
    await connection.close();
  });

  it("ends when the peer sends bytes that are no message", async () => {
    const end = new Promise<LinkEnd>((resolve) => {
      onAccept = (link) => link.receive({ messages: () => {}, ended: resolve });
    });
    const raw = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const call = raw.makeBidiStreamRequest<Buffer, Buffer>(
      schedulingService.session.path,
      (bytes) => bytes,
      (bytes) => bytes,
    );
    call.on("error", () => {});
    call.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x01, 0x02]));
    expect((await end).type).not.toBe("closed");
    raw.close();
  });

  it("gives up on a head that does not answer, with a retry told on the way", async () => {
    server.forceShutdown();
    const told: string[] = [];
    const attempt = connectClient(`127.0.0.1:${port}`, {
      giveUpMs: 4_000,
      access,
      onRetry: (text) => told.push(text),
    });
    await expect(attempt).rejects.toThrow(ConnectionError);
    await expect(attempt).rejects.toThrow(`127.0.0.1:${port}`);
    expect(told[0]).toContain("still trying");
  });

  it("stops waiting for a head when aborted", async () => {
    server.forceShutdown();
    const controller = new AbortController();
    const attempt = connectClient(`127.0.0.1:${port}`, {
      giveUpMs: Number.POSITIVE_INFINITY,
      access,
      signal: controller.signal,
    });
    controller.abort(new Error("changed my mind"));
    await expect(attempt).rejects.toThrow("changed my mind");
  });
});
