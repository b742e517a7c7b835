/** Every call of every service, with every kind of credential: who is let in, and that nothing else is decoded. */

import { connect as connectHttp2, constants } from "node:http2";
import { connect as connectTls, createSecureContext, type TLSSocket } from "node:tls";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoPath as healthProto } from "grpc-health-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAuthority } from "../../../head/access/directory.js";
import { newCredential, revokeCredential } from "../../../head/access/issue.js";
import { ROLES_OF_RPC } from "../../../head/access/roles.js";
import { issueCertificate } from "../../../head/access/x509.js";
import { type ListeningHead, startHead } from "../../../head/index.js";
import { type Credential, parseCredential } from "../../../proto/access/credential.js";
import { ROLES, type Role } from "../../../proto/access/role.js";
import { parseAddress } from "../../../proto/address.js";
import { MAX_MESSAGE_BYTES } from "../../../proto/link/grpc/services.js";
import { ROOT } from "../../kit/daemons.js";
import { scratch } from "./scratch.js";

/** All calls that there are, by the definitions of the services themselves. */
function callsOf(file: string): string[] {
  return Object.values(loadSync(file)).flatMap((entry) =>
    "format" in entry ? [] : Object.values(entry as ServiceDefinition).map(({ path }) => path),
  );
}

const RPCS = [
  ...callsOf(`${ROOT}/proto/grain.proto`),
  ...callsOf(healthProto),
  // @grpc/reflection ships its definitions within its code.
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

const UNAUTHENTICATED = "16";
const PERMISSION_DENIED = "7";

/** What came back: a gRPC status at once, a stream that goes on, or no connection at all. */
type Answer = { readonly status: string; readonly message: string } | "open" | "hung up";

let head: ListeningHead;
let port: number;
const directory = scratch();
const foreign = scratch();
const credentials = new Map<string, Credential | undefined>();

async function issued(place: string, role: Role, validMs?: number): Promise<Credential> {
  const { text } = await newCredential(place, { role, validMs });
  return parseCredential(text, `${role}.pem`);
}

async function expired(place: string): Promise<Credential> {
  const expiresAt = new Date(Date.now() - 60_000);
  const made = await issueCertificate(readAuthority(place), { id: "old", unit: "admin", expiresAt });
  return { ...(await issued(place, "admin")), certificate: made.certificate, key: made.key };
}

beforeAll(async () => {
  head = await startHead({ listen: ["127.0.0.1:0"], access: directory });
  const address = parseAddress(head.addresses[0]!);
  port = address.type === "tcp" ? address.port : 0;
  for (const role of ROLES) credentials.set(role, await issued(directory, role));
  const { text, record } = await newCredential(directory, { role: "admin" });
  credentials.set("revoked", parseCredential(text, "revoked.pem"));
  await revokeCredential(directory, record.id);
  credentials.set("expired", await expired(directory));
  // Signed by another authority, and trusting this one: it gets as far as it can.
  const { authorities } = credentials.get("admin")!;
  credentials.set("foreign", { ...(await issued(foreign, "admin")), authorities });
  credentials.set("none", undefined);
  // The head reads revocations once a second: this one was there before its peer came.
  await new Promise<void>((resolve) => {
    const look = async () => {
      const answer = await call("/grain.v1.Admin/Access", "revoked", Buffer.alloc(5));
      if (typeof answer === "object" && answer.status === UNAUTHENTICATED) resolve();
      else setImmediate(() => void look());
    };
    void look();
  });
});
afterAll(() => head.close());

/** Calls with bytes of our own: whatever decodes them says so (INTERNAL). */
function call(
  path: string,
  column: string,
  body: Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const credential = credentials.get(column);
  const authorities = credential?.authorities ?? credentials.get("admin")!.authorities;
  return new Promise((resolve) => {
    const socket: TLSSocket = connectTls({
      host: "127.0.0.1",
      port,
      ALPNProtocols: ["h2"],
      checkServerIdentity: () => undefined,
      secureContext: createSecureContext({
        ca: authorities,
        ...(credential === undefined ? {} : { cert: credential.certificate, key: credential.key }),
      }),
    });
    const session = connectHttp2("https://head", { createConnection: () => socket });
    const end = (answer: Answer) => {
      session.destroy();
      resolve(answer);
    };
    session.on("error", () => end("hung up"));
    session.on("close", () => end("hung up"));
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.on("error", () => end("hung up"));
    stream.on("close", () => setImmediate(() => end("hung up")));
    const take = (fields: Record<string, unknown>) => {
      const status = fields["grpc-status"];
      if (status !== undefined)
        end({ status: String(status), message: decodeURI(String(fields["grpc-message"] ?? "")) });
    };
    stream.on("response", (fields) => take(fields as never));
    stream.on("trailers", (fields) => take(fields as never));
    stream.on("data", () => end("open"));
    stream.end(body);
  });
}

/** One message that is no message of any type: its varint never ends. */
const GARBAGE = Buffer.concat([Buffer.from([0, 0, 0, 0, 12]), Buffer.alloc(12, 0xff)]);
/** Of single messages, and of streams. */
const FROM_THE_DECODER = ["13", "10"];

const EVERYBODY = "admin client worker viewer";

/** Who may make which call, said once more than in the code: whoever widens it does so in two places. */
const ALLOWED: Readonly<Record<string, string>> = {
  "/grain.v1.Scheduling/Session": "admin client",
  "/grain.v1.Scheduling/Work": "admin worker",
  "/grain.v1.Blobs/Missing": "admin client worker",
  "/grain.v1.Blobs/Put": "admin client worker",
  "/grain.v1.Blobs/Get": "admin client worker",
  "/grain.v1.Blobs/Share": "admin client worker",
  "/grain.v1.Admin/Status": "admin client viewer",
  "/grain.v1.Admin/Explain": "admin client viewer",
  "/grain.v1.Admin/ExplainSession": "admin client viewer",
  "/grain.v1.Admin/Session": "admin client viewer",
  "/grain.v1.Admin/Cancel": "admin client",
  "/grain.v1.Admin/Access": EVERYBODY,
  "/grain.v1.Admin/CacheList": "admin client viewer",
  "/grain.v1.Admin/CacheRemove": "admin client",
  "/grain.v1.Admin/Quit": "admin",
  "/grain.v1.Admin/Scale": "admin",
  "/grain.v1.Admin/ExplainScale": "admin client viewer",
  "/grpc.health.v1.Health/Check": EVERYBODY,
  "/grpc.health.v1.Health/Watch": EVERYBODY,
  "/grpc.health.v1.Health/List": EVERYBODY,
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": EVERYBODY,
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": EVERYBODY,
};

describe("every call has a row in the table of roles", () => {
  it("and the table names no other", () => {
    expect(RPCS.length).toBeGreaterThan(10);
    expect(Object.keys(ROLES_OF_RPC).sort()).toEqual([...RPCS].sort());
    expect(Object.keys(ALLOWED).sort()).toEqual([...RPCS].sort());
  });
});

describe.each(RPCS)("%s", (rpc) => {
  it.each(["none", "expired", "foreign"])("hangs up on %s", async (column) => {
    expect(await call(rpc, column, GARBAGE)).toBe("hung up");
  });

  it("refuses a revoked credential", async () => {
    expect(await call(rpc, "revoked", GARBAGE)).toEqual({
      status: UNAUTHENTICATED,
      message: expect.stringMatching(/was revoked; ask/),
    });
  });

  it.each(ROLES)("asks for the right role: %s", async (role) => {
    const answer = await call(rpc, role, GARBAGE);
    if (ALLOWED[rpc]?.split(" ").includes(role) === true) {
      // It came as far as the decoder, which says what it thinks of it; or the head spoke first.
      if (answer !== "open")
        expect(FROM_THE_DECODER).toContain(answer === "hung up" ? answer : answer.status);
    } else {
      expect(answer).toEqual({
        status: PERMISSION_DENIED,
        message: expect.stringContaining(`has the role ${role} and may not`),
      });
    }
  });
});

describe("limits", () => {
  it("of headers: more than 16 KiB are refused", async () => {
    const answer = await call("/grain.v1.Admin/Status", "admin", Buffer.alloc(5), {
      long: "x".repeat(20_000),
    });
    expect(answer).not.toMatchObject({ status: "0" });
    expect(await call("/grain.v1.Admin/Status", "admin", Buffer.alloc(5))).toBe("open");
  });

  it("of messages: what says that it is longer is refused before it has come", async () => {
    const start = Buffer.alloc(6);
    start.writeUInt32BE(MAX_MESSAGE_BYTES + 1, 1);
    expect(await call("/grain.v1.Admin/Status", "admin", start)).toMatchObject({ status: "8" });
  });
});
