/**
 * A head that does what a test says. It passes every message through the real
 * codec, and throws when a client breaks the protocol: a submission before its
 * spec, a task number used twice, an acknowledgement of what was not delivered.
 */

import type { Call, FunctionDefinition } from "../../client/call.js";
import type { SessionListener, SessionSettings } from "../../client/session/session.js";
import {
  type BlobRef,
  ClientMessage,
  type Failure,
  FailureKind,
  HeadToClient,
  type OpenSession,
  type Spec,
} from "../../proto/grain.js";
import { digestLike, refOf } from "../../proto/hash.js";
import type { BlobTransport, Connection, Link } from "../../proto/link/link.js";
import { memoryLink } from "../../proto/link/memory.js";
import type { Request } from "../../proto/resource/demand.js";
import { NO_RETRIES } from "../../proto/retries.js";
import { decodeArgs, encodeValue, joinParts } from "../../proto/values/value.js";
import { hello } from "../../proto/version.js";

/** A task as it arrived. */
export interface FakeTask {
  readonly number: number;
  readonly spec: Spec;
  readonly args: Uint8Array;
  readonly blob: BlobRef | undefined;
}

/** Blobs in memory. A test may make any of the operations wait or fail by replacing it. */
export class FakeBlobs implements BlobTransport {
  readonly held = new Map<string, Uint8Array>();
  readonly log: string[] = [];
  before: (operation: "missing" | "put" | "get", hash: string) => Promise<void> | void = () => {};

  async missing(hashes: readonly string[]): Promise<string[]> {
    for (const hash of hashes) await this.before("missing", hash);
    this.log.push("missing");
    return hashes.filter((hash) => !this.held.has(hash));
  }

  async put(ref: BlobRef, parts: readonly Uint8Array[]): Promise<void> {
    await this.before("put", ref.hash);
    this.log.push("put");
    const bytes = joinParts({ byteLength: ref.byteLength, parts });
    const digest = digestLike(ref.hash);
    digest.update(bytes);
    if (digest.name() !== ref.hash) throw new Error("the bytes do not match the hash");
    this.held.set(ref.hash, bytes);
  }

  async get(ref: BlobRef): Promise<Uint8Array> {
    await this.before("get", ref.hash);
    this.log.push("get");
    const bytes = this.held.get(ref.hash);
    if (bytes === undefined) throw new Error(`no blob ${ref.hash}`);
    return bytes;
  }
}

export interface FakeHeadOptions {
  /** Whether it answers `open` and `close` by itself. Default: true. */
  readonly polite?: boolean;
  /** Called for each task that arrives. Default: it waits for the test. */
  readonly onTask?: (task: FakeTask, head: FakeHead) => void;
  /** Called for each cancelled task that has not ended. Default: a CANCELLED failure. */
  readonly onCancel?: (task: FakeTask, head: FakeHead) => void;
  readonly session?: number;
}

export class FakeHead {
  readonly connection: Connection<ClientMessage, HeadToClient>;
  readonly blobs = new FakeBlobs();
  readonly messages: ClientMessage[] = [];
  readonly specs = new Map<number, Spec>();
  /** Tasks that have not ended, by number. */
  readonly tasks = new Map<number, FakeTask>();
  readonly submitted = new Set<number>();
  readonly delivered = new Set<number>();
  readonly acked = new Set<number>();
  opened: OpenSession | undefined;
  closed = false;
  readonly #options: FakeHeadOptions;
  readonly #link: Link<HeadToClient, ClientMessage>;
  #waiting: { readonly test: () => boolean; readonly resolve: () => void }[] = [];

  constructor(options: FakeHeadOptions = {}) {
    this.#options = options;
    const [client, head] = memoryLink<ClientMessage, HeadToClient>();
    this.#link = head;
    head.receive({
      messages: (batch) => {
        for (const message of batch)
          this.#receive(ClientMessage.decode(ClientMessage.encode(message).finish()));
        this.#wake();
      },
      ended: () => {
        this.closed = true;
        this.#wake();
      },
    });
    this.connection = {
      link: client,
      blobs: this.blobs,
      address: "fake:1",
      status: async () => ({
        hello: hello(),
        uptimeMs: 1,
        workers: [],
        sessions: [],
        queues: [],
        lateResults: 0,
        clockMs: 0,
      }),
      close: async () => client.close(),
    };
  }

  /** Resolves when the condition holds; looked at after each batch. */
  until(test: () => boolean): Promise<void> {
    if (test()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ test, resolve });
    });
  }

  /** Messages of one kind, in order. */
  bodies(kind: NonNullable<ClientMessage["body"]>["$case"]): unknown[] {
    return this.messages
      .filter(({ body }) => body?.$case === kind)
      .map(({ body }) => (body as unknown as Record<string, unknown>)[kind]);
  }

  send(body: NonNullable<HeadToClient["body"]>): void {
    this.#link.send(HeadToClient.decode(HeadToClient.encode({ body }).finish()));
    this.#link.flush();
  }

  welcome(): void {
    this.send({ $case: "welcome", welcome: { session: this.#options.session ?? 3, hello: hello() } });
  }

  argsOf(task: FakeTask): unknown[] {
    const bytes = task.blob === undefined ? task.args : this.blobs.held.get(task.blob.hash)!;
    return decodeArgs(bytes);
  }

  /** Delivers results, as one message. */
  finish(...results: readonly (readonly [task: number, value: unknown])[]): void {
    const encoded = results.map(([, value]) => joinParts(encodeValue(value, "result")));
    this.#end(results.map(([task]) => task));
    this.send({
      $case: "results",
      results: {
        tasks: results.map(([task]) => task),
        sizes: encoded.map((bytes) => bytes.byteLength),
        values: Buffer.concat(encoded),
        blobs: [],
      },
    });
  }

  /** Delivers results of which those at `large` are blobs. */
  finishWithBlobs(
    results: readonly (readonly [task: number, value: unknown])[],
    large: readonly number[],
  ): void {
    const encoded = results.map(([, value]) => joinParts(encodeValue(value, "result")));
    const blobs = large.map((index) => {
      const ref = refOf([encoded[index]!]);
      this.blobs.held.set(ref.hash, encoded[index]!);
      return { index, ref };
    });
    const inline = encoded.map((bytes, index) => (large.includes(index) ? new Uint8Array(0) : bytes));
    this.#end(results.map(([task]) => task));
    this.send({
      $case: "results",
      results: {
        tasks: results.map(([task]) => task),
        sizes: inline.map((bytes) => bytes.byteLength),
        values: Buffer.concat(inline),
        blobs,
      },
    });
  }

  fail(task: number, failure: Partial<Failure>): void {
    this.#end([task]);
    this.send({ $case: "failure", failure: failureOf({ ...failure, task }) });
  }

  print(task: number, text: string | Uint8Array, stderr = false, worker = "w1"): void {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    this.send({ $case: "output", output: { session: 0, task, stderr, text: bytes, worker } });
  }

  destroy(message: string): void {
    this.#link.destroy(message);
  }

  #end(tasks: readonly number[]): void {
    for (const task of tasks) {
      this.tasks.delete(task);
      this.delivered.add(task);
    }
  }

  #receive(message: ClientMessage): void {
    this.messages.push(message);
    const { body } = message;
    if (body === undefined) throw new Error("an empty message");
    switch (body.$case) {
      case "open":
        this.opened = body.open;
        if (this.#options.polite ?? true) this.welcome();
        return;
      case "spec":
        if (this.specs.has(body.spec.spec)) throw new Error(`spec ${body.spec.spec} is registered twice`);
        this.specs.set(body.spec.spec, body.spec);
        return;
      case "submit":
        this.#submit(body.submit);
        return;
      case "cancel":
        for (const number of body.cancel.tasks) this.#cancel(number);
        return;
      case "ack":
        for (const number of body.ack.tasks) {
          if (!this.delivered.has(number))
            throw new Error(`task ${number} is acknowledged, but was not delivered`);
          this.acked.add(number);
        }
        return;
      case "received":
      case "recall":
      case "waive":
      case "leave":
        break;
      case "close":
        if (this.#options.polite ?? true) {
          for (const task of [...this.tasks.values()])
            this.fail(task.number, { kind: FailureKind.CANCELLED });
          this.send({ $case: "closed", closed: {} });
        }
        return;
      default:
        body satisfies never;
    }
  }

  #submit(submit: NonNullable<Extract<ClientMessage["body"], { $case: "submit" }>>["submit"]): void {
    const spec = this.specs.get(submit.spec);
    if (spec === undefined) throw new Error(`spec ${submit.spec} is not registered`);
    if (submit.first <= Math.max(0, ...this.submitted))
      throw new Error(`task numbers must increase; ${submit.first} came late`);
    let at = 0;
    submit.sizes.forEach((size, index) => {
      const number = submit.first + index;
      if (this.submitted.has(number)) throw new Error(`task ${number} is submitted twice`);
      this.submitted.add(number);
      const blob = submit.blobs.find((candidate) => candidate.index === index)?.ref;
      if (blob !== undefined && !this.blobs.held.has(blob.hash))
        throw new Error(`the arguments of task ${number} are not here`);
      const task: FakeTask = { number, spec, args: submit.args.subarray(at, at + size), blob };
      at += size;
      this.tasks.set(number, task);
      this.#options.onTask?.(task, this);
    });
    if (at !== submit.args.byteLength) throw new Error("the sizes do not add up");
  }

  #cancel(number: number): void {
    if (!this.submitted.has(number)) throw new Error(`task ${number} is cancelled, but was not submitted`);
    const task = this.tasks.get(number);
    if (task === undefined) return;
    if (this.#options.onCancel === undefined) this.fail(number, { kind: FailureKind.CANCELLED });
    else this.#options.onCancel(task, this);
  }

  #wake(): void {
    const due = this.#waiting.filter(({ test }) => test());
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting));
    for (const { resolve } of due) resolve();
  }
}

/** A failure; what is not given is empty. */
export function failureOf(failure: Partial<Failure>): Failure {
  return {
    session: 0,
    task: 0,
    attempt: 1,
    kind: FailureKind.THREW,
    message: "",
    error: new Uint8Array(0),
    worker: "",
    exitCode: 0,
    signal: "",
    stderrTail: "",
    runMs: 0,
    ...failure,
  };
}

/** A function as `delayed` makes it; its module is baked in unless given. */
export function definitionOf(
  name: string,
  given: Partial<Omit<FunctionDefinition, "options">> & {
    readonly options?: Partial<FunctionDefinition["options"]>;
  } = {},
): FunctionDefinition {
  const options = {
    retries: NO_RETRIES,
    timeoutMs: 0,
    priority: 0,
    pin: false,
    failInfeasible: false,
    ...given.options,
  };
  return {
    name,
    fn: () => undefined,
    module: "baked",
    place: "/program/main.ts:1:1",
    topLevel: true,
    ...given,
    options,
  };
}

/** A request of so many cores. */
export function coresRequest(count: number): Request {
  const demand = {
    amounts: [{ kind: "cores", amount: count * 10_000 }],
    tokens: [],
    walltime: undefined,
    allCores: false,
    nodes: 0,
    limits: [],
    coreLayout: "",
  };
  return { alternatives: [demand] };
}

/** A call on the cluster. */
export function remoteCall(
  definition: FunctionDefinition,
  ...args: readonly unknown[]
): Call & { readonly request: Request } {
  return { definition, request: ONE_CORE, args };
}

const ONE_CORE = coresRequest(1);

const SILENT: SessionListener = { output: () => {}, ended: () => {}, notice: () => {} };

/** Settings of a session with a fake head. */
export function settingsFor(head: FakeHead, given: Partial<SessionSettings> = {}): SessionSettings {
  return {
    name: "test",
    prioritized: false,
    priority: 0,
    outputs: false,
    counts: false,
    open: async () => ({ connection: head.connection, release: async () => {} }),
    bundle: async (file) => {
      const bytes = Buffer.from(`bundle of ${file}`);
      return { ref: refOf([bytes]), bytes };
    },
    listener: SILENT,
    ...given,
  };
}
