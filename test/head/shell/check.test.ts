/** Each message that breaks the protocol: its peer is refused, and nobody else notices. */

import { describe, expect, it } from "vitest";
import {
  type ClientMessage,
  type Demand,
  type Failure,
  FailureKind,
  type Finished,
  type Hello,
  type NumaNode,
  type Pool,
  Refused_Code,
  type Spec,
  type Submit,
  type WorkerMessage,
} from "../../../proto/grain.js";
import { hello, PROTOCOL, VERSION } from "../../../proto/version.js";
import { poolOfCores, specOf, submitOf } from "../../kit/peers.js";
import { bytes, openHead } from "./head-kit.js";

const HASH = `sha256-${"0".repeat(64)}`;

const opening = (fields: { hello?: Hello | undefined } = {}): ClientMessage => ({
  body: {
    $case: "open",
    open: {
      hello: hello(),
      name: "bad",
      prioritized: false,
      priority: 0,
      outputs: false,
      counts: false,
      ...fields,
    },
  },
});
const spec = (fields: Partial<Spec>): ClientMessage => ({ body: { $case: "spec", spec: specOf(2, fields) } });
const demand = (fields: Partial<Demand>): ClientMessage =>
  spec({
    request: {
      alternatives: [
        { amounts: [], tokens: [], allCores: false, nodes: 0, limits: [], coreLayout: "", ...fields },
      ],
    },
  });
const submit = (fields: Partial<Submit>): ClientMessage => ({
  body: { $case: "submit", submit: submitOf(1, 11, [bytes("ab")], fields) },
});
const blob = (index: number, hash = HASH, byteLength = 70_000) => ({ index, ref: { hash, byteLength } });
const tasks = (what: "cancel" | "ack", numbers: number[]): ClientMessage =>
  ({ body: { $case: what, [what]: { tasks: numbers } } }) as unknown as ClientMessage;
const close: ClientMessage = { body: { $case: "close", close: {} } };

/** Spec 1 is registered and tasks 1 to 10 are submitted when these are sent. */
const fromClient: [string, ClientMessage[], RegExp][] = [
  ["a second open", [opening()], /second "open"/],
  ["a spec twice", [spec({ spec: 1 })], /spec 1: it was registered before/],
  ["a spec without a function", [spec({ function: "" })], /names no function/],
  ["a spec with half a hash", [spec({ module: "sha256-12" })], /no hash/],
  ["a spec without a request", [spec({ request: undefined })], /no alternatives/],
  ["no alternatives", [spec({ request: { alternatives: [] } })], /no alternatives/],
  ["an endless timeout", [spec({ timeoutMs: Number.POSITIVE_INFINITY })], /timeout/],
  ["a timeout that is no number", [spec({ timeoutMs: Number.NaN })], /timeout/],
  ["a priority that is no number", [spec({ priority: Number.NaN })], /priority/],
  ["negative retries", [spec({ retries: -1 })], /retries/],
  ["a negative amount", [demand({ amounts: [{ kind: "cores", amount: -1 }] })], /cores/],
  ["an amount that is no number", [demand({ amounts: [{ kind: "memory", amount: Number.NaN }] })], /memory/],
  ["a broken amount", [demand({ amounts: [{ kind: "gpus", amount: 0.5 }] })], /gpus/],
  ["a kind without a name", [demand({ amounts: [{ kind: "", amount: 1 }] })], /kind/],
  [
    "a kind twice",
    [demand({ amounts: [1, 2].map((amount) => ({ kind: "x", amount: amount * 10_000 })) })],
    /twice/,
  ],
  ["a walltime of no time", [demand({ walltime: { hardMs: Number.NaN, softMs: 0, group: "" } })], /wtime/],
  ["an unknown core layout", [demand({ coreLayout: "tigth" })], /no core layout "tigth"/],
  ["a limit of nothing", [demand({ limits: [{ name: "db", count: 0 }] })], /limit/],
  ["a submission for an unknown spec", [submit({ spec: 9 })], /spec 9 was never registered/],
  ["half a key", [submit({ keys: bytes("k".repeat(16)) })], /16 bytes of keys for 1 tasks/],
  [
    "half a key that is asked for",
    [{ body: { $case: "recall", recall: { spec: 1, ids: [1], keys: bytes("k") } } }],
    /1 bytes of keys for 1 results/,
  ],
  [
    "a question for an unknown spec",
    [{ body: { $case: "recall", recall: { spec: 9, ids: [], keys: bytes("") } } }],
    /spec 9 was never registered/,
  ],
  ["a submission of nothing", [submit({ sizes: [], args: bytes("") })], /no tasks/],
  ["a task number again", [submit({ first: 10 })], /must increase, and 10 was/],
  ["task number 0", [submit({ first: 0 })], /must increase/],
  ["task numbers beyond the last", [submit({ first: 0xffff_ffff, sizes: [1, 1] })], /2\^32/],
  ["sizes beyond the arguments", [submit({ sizes: [3] })], /add up to 3 bytes, but it has 2/],
  ["sizes below the arguments", [submit({ sizes: [1] })], /add up to 1 bytes, but it has 2/],
  ["a negative size", [submit({ sizes: [-1, 3] })], /size -1/],
  ["a blob beyond the tasks", [submit({ blobs: [blob(1)] })], /blob index 1/],
  ["a blob beside bytes", [submit({ blobs: [blob(0)] })], /both bytes and a blob/],
  ["a blob of no hash", [submit({ sizes: [2, 0], blobs: [blob(1, "x")] })], /no valid hash/],
  ["two blobs for one task", [submit({ sizes: [2, 0], blobs: [blob(1), blob(1)] })], /two blobs/],
  ["a blob of no length", [submit({ sizes: [2, 0], blobs: [blob(1, HASH, Number.NaN)] })], /NaN bytes/],
  ["the end of a task never submitted", [tasks("cancel", [11])], /task 11 was never submitted/],
  ["an acknowledgement of task 0", [tasks("ack", [0])], /task number 0/],
];

describe("a client that sends", () => {
  it.each(fromClient)("%s is refused", async (_, messages, wrong) => {
    const { head, client: newClient, lines } = openHead();
    const [bad, good] = [newClient(), newClient()];
    await good.open();
    await bad.open();
    bad.define(1);
    bad.submit(
      1,
      1,
      Array.from({ length: 10 }, () => bytes("x")),
    );
    bad.send(...messages, submit({}));
    const refused = await bad.inbox.take("refused");
    expect(refused.code).toBe(Refused_Code.BAD_MESSAGE);
    expect(refused.message).toMatch(wrong);
    expect(await bad.ended).toEqual({ type: "closed" });
    expect(lines.filter((line) => line.includes(refused.message))).toHaveLength(1);
    expect(head.status().sessions).toHaveLength(1);
    expect(good.inbox.untaken).toEqual([]);
  });

  it.each<[string, ClientMessage]>([
    ["a spec", spec({})],
    ["a submission", submit({})],
    ["close", close],
    ["a hello of nothing", opening({ hello: undefined })],
  ])("%s before a valid open is refused", async (_, message) => {
    const { head, client: newClient } = openHead();
    const client = newClient();
    client.send(message);
    expect((await client.inbox.take("refused")).code).toBe(Refused_Code.BAD_MESSAGE);
    expect(head.status().sessions).toEqual([]);
  });

  it("a submission after close is refused", async () => {
    const { client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join();
    await client.open();
    client.define(1);
    client.submit(1, 1, [bytes("x")]);
    await worker.inbox.take("assign");
    client.send(close, submit({}));
    expect((await client.inbox.take("refused")).message).toMatch(/"submit" came after "close"/);
  });

  it("a body of a later version is not", async () => {
    const { client: newClient } = openHead();
    const client = newClient();
    client.send({ body: undefined });
    await client.open();
    expect(client.inbox.untaken).toEqual([]);
  });
});

const numa = (...cores: number[]): NumaNode => ({ socket: 0, cores });
const join = (pool: Partial<Pool>, name = "bad"): WorkerMessage => ({
  body: {
    $case: "join",
    join: { hello: hello(), name, pool: poolOfCores(1, pool), imports: [], resume: false },
  },
});
const finished = (fields: Partial<Finished>): WorkerMessage => ({
  body: {
    $case: "finished",
    finished: {
      session: 1,
      tasks: [1],
      attempts: [],
      sizes: [0],
      values: bytes(""),
      blobs: [],
      runUs: [1],
      ...fields,
    },
  },
});
const failure = (fields: Partial<Failure>): WorkerMessage => ({
  body: {
    $case: "failure",
    failure: {
      session: 1,
      task: 1,
      attempt: 1,
      kind: FailureKind.THREW,
      message: "",
      error: bytes(""),
      worker: "",
      exitCode: 0,
      signal: "",
      stderrTail: "",
      runMs: 0,
      ...fields,
    },
  },
});

/** The worker has joined and there is a session 1 when these are sent. */
const fromWorker: [string, WorkerMessage, RegExp][] = [
  ["a second join", join({}), /second "join"/],
  ["results of a session that never was", finished({ session: 9 }), /session 9 has never existed/],
  ["results of session 0", finished({ session: 0 }), /session 0/],
  ["too few sizes", finished({ sizes: [] }), /0 sizes for 1 tasks/],
  ["too few run times", finished({ runUs: [] }), /0 run times for 1 tasks/],
  ["too many attempts", finished({ attempts: [1, 1] }), /2 attempts for 1 tasks/],
  ["attempt 0", finished({ attempts: [0] }), /attempt 0/],
  ["sizes beyond the values", finished({ sizes: [4] }), /add up to 4 bytes/],
  ["a result's blob beyond the tasks", finished({ blobs: [blob(3)] }), /blob index 3/],
  ["a failure of no kind", failure({ kind: FailureKind.FAILURE_UNSPECIFIED }), /kind 0/],
  ["a failure of an unknown kind", failure({ kind: 77 as FailureKind }), /kind 77/],
  ["a failure that only the head may conclude", failure({ kind: FailureKind.WORKER_LOST }), /cannot report/],
  ["a failure of attempt 0", failure({ attempt: 0 }), /attempt 0/],
  [
    "started tasks with too few attempts",
    { body: { $case: "started", started: { session: 1, tasks: [1, 2], attempts: [1] } } },
    /1 attempts for 2 tasks/,
  ],
  [
    "task 0 given back",
    { body: { $case: "returned", returned: { session: 1, tasks: [0], attempts: [] } } },
    /task number 0/,
  ],
  [
    "output of nowhere",
    {
      body: { $case: "output", output: { session: 5, task: 1, stderr: false, text: bytes(""), worker: "" } },
    },
    /session 5/,
  ],
];

/** Sent instead of a valid join. */
const badJoins: [string, WorkerMessage, RegExp][] = [
  ["no name", join({}, ""), /needs a name/],
  ["a name without end", join({}, "x".repeat(300)), /at most 255/],
  ["a core twice", join({ cores: [1, 1] }), /core id is given twice/],
  ["half a core id", join({ cores: [0.5] }), /core id 0.5/],
  ["memory that is no number", join({ memoryBytes: Number.NaN }), /memory/],
  ["an endless walltime", join({ remainingMs: Number.POSITIVE_INFINITY }), /remaining time/],
  ["a core on two NUMA nodes", join({ numa: [numa(0), numa(0)] }), /core 0 is on two NUMA nodes/],
  ["a core twice on a NUMA node", join({ numa: [numa(0, 0)] }), /core 0 is on two NUMA nodes/],
  ["a core that it does not offer", join({ numa: [numa(7)] }), /core 7 is on a NUMA node and is not offered/],
  ["half a socket", join({ numa: [{ socket: 0.5, cores: [0] }] }), /socket 0.5/],
  ["a negative kind", join({ others: [{ kind: "x", amount: -1 }] }), /amount of "x"/],
  ["cores in the wrong field", join({ others: [{ kind: "cores", amount: 1 }] }), /field of its own/],
  ["results before join", finished({}), /"finished" came before "join"/],
];

describe("a worker that sends", () => {
  it.each(fromWorker)("%s is refused", async (_, message, wrong) => {
    const { head, client: newClient, worker: newWorker } = openHead();
    const [client, bad, good] = [newClient(), newWorker(), newWorker()];
    await client.open();
    await good.join("good");
    await bad.join("bad");
    bad.send(message, finished({}));
    const refused = await bad.inbox.take("refused");
    expect(refused.code).toBe(Refused_Code.BAD_MESSAGE);
    expect(refused.message).toMatch(wrong);
    await bad.ended;
    expect(head.status().workers.map(({ name }) => name)).toEqual(["good"]);
    expect(client.inbox.untaken).toEqual([]);
  });

  it.each(badJoins)("%s is refused", async (_, message, wrong) => {
    const { head, worker: newWorker } = openHead();
    const worker = newWorker();
    worker.send(message);
    const refused = await worker.inbox.take("refused");
    expect(refused.code).toBe(Refused_Code.BAD_MESSAGE);
    expect(refused.message).toMatch(wrong);
    expect(head.status().workers).toEqual([]);
  });

  it("results of a session that has ended is not refused", async () => {
    const { head, client: newClient, worker: newWorker } = openHead();
    const [client, worker] = [newClient(), newWorker()];
    await worker.join();
    const { session } = await client.open();
    client.closeSession();
    await client.inbox.take("closed");
    worker.send(finished({ session }));
    await newClient().open();
    expect(head.status()).toMatchObject({ workers: [{ name: "w1" }], lateResults: 1 });
  });
});

describe("a peer of another protocol", () => {
  it.each([
    [PROTOCOL + 1, "head"],
    [PROTOCOL - 1, "client"],
  ])("%i is told to upgrade the %s", async (protocol, older) => {
    const { client: newClient } = openHead();
    const client = newClient();
    client.send(opening({ hello: { ...hello(), protocol, version: "9.8.7" } }));
    const refused = await client.inbox.take("refused");
    expect(refused).toMatchObject({ code: Refused_Code.PROTOCOL, protocol: PROTOCOL, version: VERSION });
    expect(refused.message).toContain(`protocol ${protocol} (grain-scheduler 9.8.7)`);
    expect(refused.message).toContain(`Upgrade the ${older}`);
  });
});
