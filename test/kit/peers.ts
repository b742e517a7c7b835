/** Scripted clients and workers: they speak the protocol word by word, over any link. */

import type {
  Assign,
  ClientMessage,
  Finished,
  HeadToClient,
  HeadToWorker,
  OpenSession,
  Pool,
  Spec,
  Submit,
  Welcome,
  WorkerMessage,
} from "../../proto/grain.js";
import type { Link, LinkEnd } from "../../proto/link/link.js";
import { cores } from "../../proto/resource/resource.js";
import { hello } from "../../proto/version.js";
import { Inbox } from "./inbox.js";

const NO_BYTES = new Uint8Array(0);

/** A peer at its end of a link. */
export class ScriptedPeer<Out, In extends { readonly body?: { readonly $case: string } | undefined }> {
  readonly link: Link<Out, In>;
  readonly inbox = new Inbox<In>();
  /** Resolves to how the link ended. */
  readonly ended: Promise<LinkEnd>;

  constructor(link: Link<Out, In>) {
    this.link = link;
    this.ended = new Promise((resolve) => {
      link.receive({
        messages: (batch) => {
          for (const message of batch) this.inbox.push(message);
        },
        ended: (end) => {
          this.inbox.end(end.type);
          resolve(end);
        },
      });
    });
  }

  send(...messages: Out[]): void {
    for (const message of messages) this.link.send(message);
    this.link.flush();
  }
}

/** A specification with defaults. */
export function specOf(spec: number, fields: Partial<Spec> = {}): Spec {
  return {
    spec,
    module: "tasks",
    function: "work",
    name: "work",
    request: cores(1).request as Spec["request"],
    priority: 0,
    timeoutMs: 0,
    retries: 0,
    retryBackoffMs: 0,
    retryOn: [],
    pin: false,
    failInfeasible: false,
    ...fields,
  };
}

/** A submission of tasks with these arguments. */
export function submitOf(
  spec: number,
  first: number,
  args: readonly Uint8Array[],
  fields: Partial<Submit> = {},
): Submit {
  return {
    spec,
    first,
    sizes: args.map((arg) => arg.byteLength),
    args: Buffer.concat(args),
    blobs: [],
    ...fields,
  };
}

/** A client program that does what the test says. */
export class ScriptedClient extends ScriptedPeer<ClientMessage, HeadToClient> {
  open(fields: Partial<OpenSession> = {}): Promise<Welcome> {
    const open: OpenSession = {
      hello: hello(),
      name: "test",
      prioritized: false,
      priority: 0,
      outputs: false,
      counts: false,
      ...fields,
    };
    this.send({ body: { $case: "open", open } });
    return this.inbox.take("welcome");
  }

  define(spec: number, fields: Partial<Spec> = {}): void {
    this.send({ body: { $case: "spec", spec: specOf(spec, fields) } });
  }

  submit(spec: number, first: number, args: readonly Uint8Array[], fields: Partial<Submit> = {}): void {
    this.send({ body: { $case: "submit", submit: submitOf(spec, first, args, fields) } });
  }

  cancel(...tasks: number[]): void {
    this.send({ body: { $case: "cancel", cancel: { tasks } } });
  }

  acknowledge(...tasks: number[]): void {
    this.send({ body: { $case: "ack", ack: { tasks } } });
  }

  closeSession(): void {
    this.send({ body: { $case: "close", close: {} } });
  }
}

/** A pool of so many cores. */
export function poolOfCores(count: number, fields: Partial<Pool> = {}): Pool {
  return {
    cores: Array.from({ length: count }, (_, id) => id),
    gpus: [],
    memoryBytes: 8 * 1024 ** 3,
    others: [],
    tokens: [],
    numa: [],
    ...fields,
  };
}

/** A worker that does what the test says. */
export class ScriptedWorker extends ScriptedPeer<WorkerMessage, HeadToWorker> {
  async join(name = "w1", pool: Pool = poolOfCores(4)): Promise<number> {
    this.send({ body: { $case: "join", join: { hello: hello(), name, pool, imports: [] } } });
    return (await this.inbox.take("accepted")).worker;
  }

  /** Reports results for assigned tasks: by default each task's arguments come back. */
  finish({ session, tasks, attempts, sizes, args }: Assign, fields: Partial<Finished> = {}): void {
    this.send({
      body: {
        $case: "finished",
        finished: {
          session,
          tasks,
          attempts,
          sizes,
          values: args,
          blobs: [],
          runUs: tasks.map(() => 10),
          ...fields,
        },
      },
    });
  }

  fail(
    { session, tasks, attempts }: Assign,
    fields: Partial<Extract<WorkerMessage["body"], { $case: "failure" }>["failure"]>,
  ): void {
    for (const [i, task] of tasks.entries()) {
      const failure = {
        session,
        task,
        attempt: attempts[i] ?? 1,
        kind: 1,
        message: "it threw",
        error: NO_BYTES,
        worker: "",
        exitCode: 0,
        signal: "",
        stderrTail: "",
        runMs: 1,
        ...fields,
      };
      this.send({ body: { $case: "failure", failure } });
    }
  }

  print(session: number, task: number, text: string): void {
    this.send({
      body: {
        $case: "output",
        output: { session, task, stderr: false, text: Buffer.from(text), worker: "" },
      },
    });
  }

  /** Finishes whatever is assigned, until the link ends. */
  async workOn(): Promise<void> {
    for (;;) {
      let assign: Assign;
      try {
        assign = await this.inbox.take("assign");
      } catch {
        return;
      }
      this.finish(assign);
    }
  }
}
