import { describe, expect, it } from "vitest";
import { type CallOwner, RemoteCall } from "../../../client/session/call.js";
import { MAX_SUBMIT_BYTES, MAX_SUBMIT_TASKS, SendQueue } from "../../../client/session/columns.js";
import { SpecEntry } from "../../../client/session/spec.js";
import type { Submit } from "../../../proto/grain.js";
import { coresRequest, definitionOf } from "../../kit/fake-head.js";

const me = { ended: () => {} };
const you = { ended: () => {} };
const specs = [1, 2].map((number) => new SpecEntry(number, definitionOf("f"), coresRequest(1)));

function callOf(spec: 1 | 2, owner: CallOwner, task: number): RemoteCall {
  const call = new RemoteCall(task, specs[spec - 1]!, owner);
  call.task = task;
  return call;
}

function encoded(...bytes: number[]) {
  return { byteLength: bytes.length, parts: [new Uint8Array(bytes)] };
}

function drain(queue: SendQueue): unknown[] {
  const messages: unknown[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) {
    const { body } = next;
    messages.push(body?.$case === "submit" ? summary(body.submit) : body?.$case);
  }
  return messages;
}

function summary({ spec, first, sizes, args, blobs }: Submit) {
  return [spec, first, sizes, [...args], blobs.map(({ index }) => index)];
}

describe("the queue of what is to be sent", () => {
  it("merges consecutive calls of one spec and owner, and nothing else", () => {
    const queue = new SendQueue();
    queue.add(callOf(1, me, 1), encoded(1));
    queue.add(callOf(1, me, 2), encoded(2, 2));
    queue.add(callOf(2, me, 3), encoded(3)); // another spec
    queue.add(callOf(2, you, 6), encoded(6)); // another owner
    queue.add(callOf(2, you, 7), encoded());
    queue.push({ body: { $case: "close", close: {} } });
    queue.add(callOf(2, you, 8), encoded(8)); // a message between
    expect(drain(queue)).toEqual([
      [1, 1, [1, 2], [1, 2, 2], []],
      [2, 3, [1], [3], []],
      [2, 6, [1, 0], [6], []],
      "close",
      [2, 8, [1], [8], []],
    ]);
    expect(queue.empty).toBe(true);
  });

  it("mixes inline arguments and blobs", () => {
    const queue = new SendQueue();
    const ref = { hash: "sha256-x", byteLength: 9 };
    const upload = { ref, source: { type: "memory" as const, parts: [] }, confirmedMs: 0 };
    queue.addBlob(callOf(1, me, 1), upload);
    queue.add(callOf(1, me, 2), encoded(2));
    queue.addBlob(callOf(1, me, 3), upload);
    expect(queue.nextUploads).toEqual([upload, upload]);
    expect(drain(queue)).toEqual([[1, 1, [0, 1, 0], [2], [0, 2]]]);
    expect(queue.nextUploads).toEqual([]);
  });

  it("closes a message that is full, by tasks and by bytes", () => {
    const byTasks = new SendQueue();
    for (let i = 1; i <= MAX_SUBMIT_TASKS + 1; i++) byTasks.add(callOf(1, me, i), encoded());
    expect(
      (drain(byTasks) as [number, number, number[]][]).map(([, first, sizes]) => [first, sizes.length]),
    ).toEqual([
      [1, MAX_SUBMIT_TASKS],
      [MAX_SUBMIT_TASKS + 1, 1],
    ]);
    const byBytes = new SendQueue();
    const half = { byteLength: MAX_SUBMIT_BYTES / 2, parts: [new Uint8Array(MAX_SUBMIT_BYTES / 2)] };
    for (let i = 1; i <= 3; i++) byBytes.add(callOf(1, me, i), half);
    const messages = [byBytes.next(), byBytes.next()].map((message) => message?.body);
    expect(messages.map((body) => (body?.$case === "submit" ? body.submit.sizes.length : 0))).toEqual([2, 1]);
  });

  it("copies arguments in", () => {
    const queue = new SendQueue();
    const bytes = new Uint8Array([1, 2]);
    queue.add(callOf(1, me, 1), { byteLength: 2, parts: [bytes] });
    bytes.fill(9);
    expect(drain(queue)).toEqual([[1, 1, [2], [1, 2], []]]);
  });

  it("withdraws one owner's submissions and keeps the order of the rest", () => {
    const queue = new SendQueue();
    queue.add(callOf(1, me, 1), encoded(1));
    queue.add(callOf(1, you, 2), encoded(2));
    queue.add(callOf(1, me, 3), encoded(3));
    expect(queue.withdraw(me).map(({ calls }) => calls.map(({ task }) => task))).toEqual([[1], [3]]);
    queue.add(callOf(1, you, 3), encoded(4));
    expect(drain(queue)).toEqual([
      [1, 2, [1], [2], []],
      [1, 3, [1], [4], []],
    ]);
  });

  it("appends a queue to another", () => {
    const main = new SendQueue();
    const held = new SendQueue();
    main.add(callOf(1, me, 1), encoded(1));
    held.add(callOf(2, me, 2), encoded(2));
    main.append(held);
    main.add(callOf(2, me, 3), encoded(3));
    expect(held.empty).toBe(true);
    expect(drain(main)).toEqual([
      [1, 1, [1], [1], []],
      [2, 2, [1], [2], []],
      [2, 3, [1], [3], []],
    ]);
  });
});
