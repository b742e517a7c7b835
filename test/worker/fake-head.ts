/** A head that does what a test tells it: the other end of an agent's link, with blobs. */

import type { BlobRef, Failure, Gang, HeadToWorker, Spec, WorkerMessage } from "../../proto/grain.js";
import { refOf } from "../../proto/hash.js";
import type { Connection, Link } from "../../proto/link/link.js";
import { memoryLink } from "../../proto/link/memory.js";
import type { Demand } from "../../proto/resource/demand.js";
import { decodeValue, encodeArgs, joinParts } from "../../proto/values/value.js";
import { demandOf } from "./agent/world.js";

export const SESSION = 1;

/** What became of a task. */
export type Outcome =
  | { readonly type: "value"; readonly value: unknown; readonly blob: BlobRef | undefined }
  | { readonly type: "failure"; readonly failure: Failure }
  | { readonly type: "returned" };

type Body = NonNullable<WorkerMessage["body"]>;

export class FakeHead {
  readonly connection: Connection<WorkerMessage, HeadToWorker>;
  /** Everything the agent said, in order. */
  readonly said: Body[] = [];
  readonly outcomes = new Map<number, Outcome>();
  readonly blobs = new Map<string, Uint8Array>();
  readonly #link: Link<HeadToWorker, WorkerMessage>;
  readonly #watchers = new Set<() => void>();
  #specs = 0;
  #tasks = 0;

  constructor(accept = true) {
    const [agentLink, headLink] = memoryLink<WorkerMessage, HeadToWorker>();
    this.#link = headLink;
    const link = agentLink;
    this.connection = {
      link,
      address: "embedded",
      status: () => Promise.reject(new Error("This head has no status.")),
      blobs: {
        missing: async (hashes) => hashes.filter((hash) => !this.blobs.has(hash)),
        put: async (ref, parts) => {
          const all: Uint8Array[] = [];
          for await (const part of parts) all.push(part);
          this.blobs.set(ref.hash, Buffer.concat(all));
        },
        get: async (ref) => {
          const bytes = this.blobs.get(ref.hash);
          if (bytes === undefined) throw new Error(`The head does not hold ${ref.hash}.`);
          return bytes;
        },
      },
      close: async () => link.close(),
    };
    headLink.receive({
      messages: (batch) => {
        for (const { body } of batch) if (body !== undefined) this.#hear(body);
        for (const watcher of [...this.#watchers]) watcher();
      },
      ended: () => {},
    });
    if (accept)
      this.send({ $case: "accepted", accepted: { worker: 1, hello: undefined, heartbeatMs: 1_000 } });
  }

  send(body: NonNullable<HeadToWorker["body"]>): void {
    this.#link.send({ body });
  }

  lose(): void {
    this.#link.destroy("the test cut it");
  }

  /** Registers a function; returns the spec's number. */
  define(
    name: string,
    options: { module?: string; demand?: Demand; timeoutMs?: number; pin?: boolean } = {},
  ): number {
    const { module = "tasks.mjs", demand = demandOf(1), timeoutMs = 0, pin = false } = options;
    this.#specs += 1;
    const spec: Spec = {
      spec: this.#specs,
      module,
      function: name,
      name,
      request: { alternatives: [demand] },
      priority: 0,
      timeoutMs,
      retries: 0,
      retryBackoffMs: 0,
      retryOn: [],
      pin,
      failInfeasible: false,
    };
    this.send({ $case: "spec", spec: { session: SESSION, spec, outputs: true } });
    return this.#specs;
  }

  /** Sends tasks; returns their numbers. */
  assign(
    spec: number,
    calls: readonly (readonly unknown[])[],
    granted: boolean,
    more: { readonly hardMs?: number; readonly gangs?: Gang[] } = {},
  ): number[] {
    const values = calls.map((args) => joinParts(encodeArgs(args)));
    const tasks = calls.map(() => ++this.#tasks);
    const blobs: { index: number; ref: BlobRef }[] = [];
    const inline = values.map((value, index) => {
      if (value.byteLength <= 65_536) return value;
      const ref = refOf([value]);
      this.blobs.set(ref.hash, value);
      blobs.push({ index, ref });
      return new Uint8Array(0);
    });
    const sizes = inline.map((value) => value.byteLength);
    const args = Buffer.concat(inline);
    this.send({
      $case: "assign",
      assign: {
        session: SESSION,
        spec,
        tasks,
        attempts: [],
        sizes,
        args,
        blobs,
        granted,
        alternative: 0,
        hardMs: 0,
        gangs: [],
        ...more,
      },
    });
    return tasks;
  }

  /** Sends one granted task and waits for its end. */
  async call(spec: number, ...args: unknown[]): Promise<Outcome> {
    const [task] = this.assign(spec, [args], true);
    return this.outcome(task!);
  }

  /** Resolves when a task has ended. */
  async outcome(task: number): Promise<Outcome> {
    await this.until(() => this.outcomes.has(task));
    return this.outcomes.get(task)!;
  }

  /** Resolves when something has become true through what the agent said. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** What a task printed so far. */
  printed(task: number): string {
    return this.said
      .flatMap((body) => (body.$case === "output" && body.output.task === task ? [body.output.text] : []))
      .map((text) => Buffer.from(text).toString("utf8"))
      .join("");
  }

  #hear(body: Body): void {
    this.said.push(body);
    if (body.$case === "finished") {
      const { tasks, sizes, values, blobs } = body.finished;
      let offset = 0;
      tasks.forEach((task, i) => {
        const blob = blobs.find(({ index }) => index === i)?.ref;
        const bytes =
          blob === undefined ? values.subarray(offset, offset + sizes[i]!) : this.blobs.get(blob.hash)!;
        offset += sizes[i]!;
        this.#end(task, { type: "value", value: decodeValue(bytes), blob });
      });
    } else if (body.$case === "failure") {
      this.#end(body.failure.task, { type: "failure", failure: body.failure });
    } else if (body.$case === "returned") {
      for (const task of body.returned.tasks) this.#end(task, { type: "returned" });
    }
  }

  #end(task: number, outcome: Outcome): void {
    if (this.outcomes.has(task)) throw new Error(`Task ${task} ended twice.`);
    this.outcomes.set(task, outcome);
  }
}
