import { describe, expect, it, vi } from "vitest";
import { FailureKind, type Held, Refused_Code } from "../../../proto/grain.js";
import { bytes, openHead, type TestHead, text } from "./head-kit.js";

const ID = new Uint8Array(16).fill(1);
const TOKEN = new Uint8Array(16).fill(2);

/** Resolves when the head has carried out what it was sent. */
const turn = async () => {
  for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

const heldOf = (fields: Partial<Held["executions"][number]>): Held => ({
  executions: [{ session: 1, tasks: [], attempts: [], alternatives: [], started: [], gangs: [], ...fields }],
  sessions: [1],
});

/** A worker with an identity that runs a task, and the client that waits for it. */
async function running(head: TestHead) {
  const worker = head.worker();
  const accepted = await worker.introduce({ id: ID });
  const client = head.client();
  await client.open({ token: TOKEN });
  client.define(1);
  client.submit(1, 1, [bytes("a")]);
  const assign = await worker.inbox.take("assign");
  return { worker, accepted, client, assign };
}

describe("a worker whose stream breaks", () => {
  it("is suspect, comes back as who it was, and its task is not run again", async () => {
    const head = openHead();
    const { worker, accepted, client, assign } = await running(head);
    worker.link.destroy("cut");
    await turn();
    expect(head.head.status().workers).toMatchObject([{ name: "w1", state: "suspect", running: 1 }]);
    const back = head.worker();
    const again = await back.introduce({ id: ID, resume: true });
    expect(again.received).toBeUndefined();
    expect(again).toMatchObject({ worker: accepted.worker, head: accepted.head });
    back.send({ body: { $case: "held", held: heldOf({ tasks: [1], attempts: [1], started: [true] }) } });
    await turn();
    expect(head.head.status().workers).toMatchObject([{ state: "ready", running: 1 }]);
    back.finish(assign);
    expect(text((await client.inbox.take("results")).values)).toBe("a");
    expect(back.inbox.untaken).not.toContain("assign");
  });

  it("reports what ended meanwhile; told twice, it is delivered once", async () => {
    const head = openHead();
    const { worker, client, assign } = await running(head);
    worker.finish(assign);
    await client.inbox.take("results");
    worker.link.destroy("cut");
    const back = head.worker();
    expect(await back.introduce({ id: ID, resume: true })).toMatchObject({ received: 1 });
    back.finish(assign);
    back.send({ body: { $case: "held", held: heldOf({}) } });
    await turn();
    expect(client.inbox.untaken).not.toContain("results");
    expect(head.head.status().lateResults).toBe(1);
  });

  it("takes its own place when the head has not noticed yet", async () => {
    const head = openHead();
    const { worker, accepted } = await running(head);
    const back = head.worker();
    expect((await back.introduce({ id: ID, resume: true })).worker).toBe(accepted.worker);
    expect((await worker.ended).type).toBe("broken");
  });

  it("is told to stop and to forget what is over, and gets again what it never received", async () => {
    const head = openHead();
    const { worker, client, assign } = await running(head);
    worker.link.destroy("cut");
    await turn();
    client.cancel(1);
    client.submit(1, 2, [bytes("b")]);
    await turn();
    const back = head.worker();
    await back.introduce({ id: ID, resume: true });
    const { executions } = heldOf({ tasks: [1], attempts: [1], started: [true] });
    back.send({ body: { $case: "held", held: { executions, sessions: [1] } } });
    expect(await back.inbox.take("cancel")).toEqual({ session: 1, tasks: [1] });
    expect(await back.inbox.take("spec")).toMatchObject({ session: 1 });
    expect(await back.inbox.take("assign")).toMatchObject({ tasks: [2] });
    expect(assign.tasks).toEqual([1]);
  });

  it("is lost after a while, and is another when it comes back", async () => {
    const head = openHead({ resumeMs: 1 });
    const { worker, accepted } = await running(head);
    worker.link.destroy("cut");
    await vi.waitFor(() => expect(head.lines.join()).toContain('worker "w1" is lost (cut off for'), {
      timeout: 30_000,
    });
    const back = head.worker();
    const again = await back.introduce({ id: ID, resume: true });
    expect(again.worker).not.toBe(accepted.worker);
    expect(again.received).toBeUndefined();
    back.send({
      body: { $case: "held", held: heldOf({ tasks: [1], attempts: [1], started: [true] }) },
    });
    expect(await back.inbox.take("cancel")).toEqual({ session: 1, tasks: [1] });
    // It gets nothing until what it ran has ended there.
    const ended = { session: 1, tasks: [1], attempts: [1], sizes: [0], args: bytes("") };
    back.fail(ended as never, { kind: FailureKind.CANCELLED });
    expect(await back.inbox.take("assign")).toMatchObject({ tasks: [1], attempts: [2] });
  });

  it("goes on with what waits at a head of the same identity that does not know it", async () => {
    const head = openHead({ identity: ID });
    const client = head.client();
    await client.open({ token: TOKEN });
    client.define(1);
    client.submit(1, 1, [bytes("a"), bytes("b")]);
    const worker = head.worker();
    const accepted = await worker.introduce({ id: ID, resume: true });
    expect(accepted.head).toEqual(ID);
    expect(accepted.received).toBeUndefined();
    worker.finish({ session: 1, tasks: [1], attempts: [], sizes: [1], args: bytes("A") } as never);
    worker.send({ body: { $case: "held", held: heldOf({ tasks: [2], attempts: [1], started: [true] }) } });
    expect(text((await client.inbox.take("results")).values)).toBe("A");
    worker.finish({ session: 1, tasks: [2], attempts: [], sizes: [1], args: bytes("B") } as never);
    expect(text((await client.inbox.take("results")).values)).toBe("B");
    expect(worker.inbox.untaken).not.toContain("assign");
  });

  it("gives way to another of its name, and to itself beginning anew", async () => {
    const head = openHead();
    const { worker } = await running(head);
    worker.link.destroy("cut");
    await turn();
    const namesake = head.worker();
    await namesake.introduce({ id: TOKEN });
    expect(await namesake.inbox.take("assign")).toMatchObject({ tasks: [1], attempts: [2] });
    const anew = head.worker();
    await anew.introduce({ id: TOKEN });
    expect(await anew.inbox.take("assign")).toMatchObject({ tasks: [1], attempts: [3] });
    expect((await namesake.ended).type).toBe("broken");
  });

  it("is lost at once when it has no identity, or has closed its stream itself", async () => {
    const head = openHead();
    const [nameless, polite] = [head.worker(), head.worker()];
    await nameless.introduce({ name: "nameless" });
    await polite.introduce({ name: "polite", id: ID });
    nameless.link.destroy("cut");
    polite.link.close();
    await turn();
    expect(head.head.status().workers).toEqual([]);
  });

  it("is told now and then how many of its messages have arrived", async () => {
    const head = openHead();
    const { worker } = await running(head);
    for (let i = 0; i < 40; i += 1) worker.print(1, 1, "line");
    expect(await worker.inbox.take("received")).toBe(40);
  });

  it.each([
    ["without an identity", { resume: true }],
    ["with one of another length", { id: new Uint8Array(3) }],
  ])("may not come %s", async (_, fields) => {
    const worker = openHead().worker();
    worker.introduce(fields).catch(() => {});
    expect((await worker.inbox.take("refused")).code).toBe(Refused_Code.BAD_MESSAGE);
  });
});

describe("a client whose stream breaks", () => {
  it("gets what it has missed, in order, and nothing that it has acknowledged", async () => {
    const head = openHead();
    const { worker, client, assign } = await running(head);
    worker.finish(assign);
    await client.inbox.take("results");
    client.send({ body: { $case: "received", received: 1 } });
    client.submit(1, 2, [bytes("b"), bytes("c")]);
    const more = await worker.inbox.take("assign");
    client.link.destroy("cut");
    await turn();
    expect(head.head.status().sessions).toMatchObject([{ state: "cut off", running: 2 }]);
    worker.finish(more);
    await turn();
    const back = head.client();
    const welcome = await back.open({ token: TOKEN, resume: { session: 1, received: 1 } });
    expect(welcome).toMatchObject({ session: 1, received: 3 });
    expect((await back.inbox.take("results")).tasks).toEqual([2, 3]);
    await turn();
    expect(back.inbox.untaken).not.toContain("results");
  });

  it("may send again what the head has: it is not run again, not even what has ended", async () => {
    const head = openHead();
    const { worker, client, assign } = await running(head);
    worker.finish(assign);
    await client.inbox.take("results");
    client.link.destroy("cut");
    const back = head.client();
    await back.open({ token: TOKEN, resume: { session: 1, received: 1 } });
    back.define(1);
    back.submit(1, 1, [bytes("a")]);
    back.submit(1, 2, [bytes("b")]);
    expect(await worker.inbox.take("assign")).toMatchObject({ tasks: [2] });
  });

  it("goes on closing where it was", async () => {
    const head = openHead();
    const { worker, client, assign } = await running(head);
    client.closeSession();
    await worker.inbox.take("cancel");
    client.link.destroy("cut");
    const back = head.client();
    await back.open({ token: TOKEN, resume: { session: 1, received: 0 } });
    worker.fail(assign, { kind: 4 });
    await back.inbox.take("closed");
  });

  it("loses its session after its lease: its tasks are ended", async () => {
    const clients: number[] = [];
    const head = openHead({ leaseMs: 1, onClients: (connected) => clients.push(connected) });
    const { worker, client, assign } = await running(head);
    client.link.destroy("cut");
    expect(await worker.inbox.take("cancel")).toEqual({ session: 1, tasks: [1] });
    worker.fail(assign, { kind: 4 });
    await worker.inbox.take("forget");
    expect(clients).toEqual([1, 0]);
    const back = head.client();
    back.open({ token: TOKEN, resume: { session: 1, received: 0 } }).catch(() => {});
    expect((await back.inbox.take("refused")).code).toBe(Refused_Code.SESSION_OVER);
  });

  it.each([
    ["with another's token", { token: ID, resume: { session: 1, received: 0 } }],
    ["without one", { resume: { session: 1, received: 0 } }],
    ["for another session", { token: TOKEN, resume: { session: 2, received: 0 } }],
  ])("is not let in %s", async (_, fields) => {
    const head = openHead();
    const { client } = await running(head);
    client.link.destroy("cut");
    const back = head.client();
    back.open(fields).catch(() => {});
    expect((await back.inbox.take("refused")).code).toBe(Refused_Code.SESSION_OVER);
    expect(head.head.connectedClients).toBe(1);
  });

  it("does not take another's place while it is away", async () => {
    const head = openHead({ maxClients: 1 });
    const { client } = await running(head);
    client.link.destroy("cut");
    await turn();
    await head.client().open();
    const back = head.client();
    await back.open({ token: TOKEN, resume: { session: 1, received: 0 } });
  });

  it("may not claim to have received more than it was sent", async () => {
    const head = openHead();
    const { client } = await running(head);
    client.send({ body: { $case: "received", received: 5 } });
    expect((await client.inbox.take("refused")).message).toContain(
      "5 messages have arrived, but 0 were sent",
    );
  });
});
