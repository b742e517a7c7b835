/** Sessions seen and ended by others than their program, over real sockets: who may, and who is named. */

import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { newCredential } from "../../../head/access/issue.js";
import { startHead } from "../../../head/index.js";
import type { Role } from "../../../proto/access/role.js";
import { AuthError } from "../../../proto/errors.js";
import { FailureKind } from "../../../proto/grain.js";
import { connectAdmin, connectClient, connectWorker } from "../../../proto/link/grpc/connect.js";
import { token } from "../../../proto/resource/resource.js";
import { poolOfCores, ScriptedClient, ScriptedWorker } from "../../kit/peers.js";
import { bytes } from "../shell/head-kit.js";
import { scratch } from "./scratch.js";

const directory = scratch();

async function serve(): Promise<{ address: string }> {
  const head = await startHead({ listen: ["127.0.0.1:0"], access: directory });
  onTestFinished(() => head.close());
  return { address: head.addresses[0]! };
}

function at(place: string) {
  return { giveUpMs: 30_000, access: { place, insecure: "no" as const } };
}

/** A credential in a file of its own, as it is carried elsewhere. */
async function carried(role: Role): Promise<{ file: string; id: string }> {
  const { text, record } = await newCredential(directory, { role });
  const file = join(dirname(directory), `${record.id}.pem`);
  await writeFile(file, text, { mode: 0o600 });
  return { file, id: record.id };
}

const failed = (attempt: Promise<unknown>) =>
  attempt.then(
    () => undefined,
    (error: Error) => error,
  );

describe("who cancels", () => {
  it("is named by what was verified; viewers may not, and see no errors", async () => {
    const { address } = await serve();
    const [ada, viewer] = [await carried("client"), await carried("viewer")];
    const connection = await connectClient(address, at(ada.file));
    onTestFinished(() => connection.close());
    const client = new ScriptedClient(connection.link);
    const { session } = await client.open();
    client.define(1, { failInfeasible: true, request: token("none").request as never });
    client.define(2);
    client.submit(1, 1, [bytes("x")]);
    client.submit(2, 2, [bytes("x")]);
    const machine = await connectWorker(address, at(directory));
    onTestFinished(() => machine.close());
    const worker = new ScriptedWorker(machine.link);
    await worker.join("w1", poolOfCores(0));
    expect(await client.inbox.take("failure")).toMatchObject({ task: 1, kind: FailureKind.INFEASIBLE });
    const asked = async (place: string) => {
      const admin = await connectAdmin(address, at(place));
      onTestFinished(() => admin.close());
      return admin;
    };
    const looker = await asked(viewer.file);
    const seen = await looker.session(session);
    expect(seen).toMatchObject({ errors: false, failures: [{ task: 1, message: "" }] });
    const refused = await failed(looker.cancel({ session, by: "me" }));
    expect(refused).toBeInstanceOf(AuthError);
    expect(refused!.message).toMatch(
      /has the role viewer and may not cancel tasks; that takes the role client/,
    );
    const own = await asked(ada.file);
    expect((await own.session(session)).failures[0]!.message).toMatch(/could ever give token none/);
    const by = "eve (credential 1234, role admin)\u001b[2J";
    expect(await own.cancel({ session, task: 2, by })).toEqual({ known: true, tasks: 1 });
    expect((await client.inbox.take("failure")).message).toBe(
      `by eve credential 1234, role admin[2J (credential ${ada.id}, role client)`,
    );
  });
});
