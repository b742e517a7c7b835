/** The clients of a simulated cluster: what they say, what they hear, and how they come back. */

import type { Recovery } from "../../head/journal/recover.js";
import type { TestEvent } from "../kit/core.js";
import type { LastingHead } from "./lasting-head.js";
import { Direction } from "./link.js";
import type { End } from "./member.js";

/** A head that was started again waits so long for clients before it hears workers. */
export const PATIENCE_MS = 120;

/** What clients need of their world. */
export interface ClientsHost {
  readonly head: LastingHead;
  readonly leaseMs: number;
  after(ms: number, action: () => void): void;
  random(): number;
  /** Carries what clients say, or are told. */
  up(way: string, arrive: () => void): void;
  down(way: string, arrive: () => void): void;
  step(event: TestEvent): void;
}

interface Client {
  readonly up: Direction;
  down: Direction;
  /** It has given up: nobody will come back. */
  gone: boolean;
  lastTask: number;
  /** The life of the head that has heard that the session ends. */
  closedIn: number;
}

export class Clients {
  /** "session.task" to every end it had; a right run has one each. */
  readonly ends = new Map<string, End[]>();
  readonly endedSessions = new Set<number>();
  readonly closed = new Set<number>();
  /** Links that were cut and came back. */
  resumed = 0;
  readonly #host: ClientsHost;
  readonly #clients = new Map<number, Client>();
  /** In which life of the head a task's end arrived. */
  readonly #endedIn = new Map<string, number>();
  /** Of an earlier life of the head; what they said in its last moments has not arrived again. */
  readonly #expected = new Set<Client>();
  #waiting: (() => void)[] = [];

  constructor(host: ClientsHost) {
    this.#host = host;
  }

  get sessions(): readonly number[] {
    return [...this.#clients.keys()];
  }

  open(session: number): void {
    const up = new Direction((arrive) => this.#host.up(`from client ${session}`, arrive), true);
    const down = this.#newDown(session);
    this.#clients.set(session, { up, down, gone: false, lastTask: 0, closedIn: 0 });
  }

  submit(session: number, spec: number, count: number): number[] {
    const client = this.#clients.get(session)!;
    if (this.closed.has(session)) return [];
    const first = client.lastTask + 1;
    client.lastTask += count;
    const tasks = Array.from({ length: count }, (_, i) => first + i);
    for (const task of tasks) this.ends.set(`${session}.${task}`, []);
    const source = `from ${first}`;
    client.up.send(() => this.#host.step({ type: "submitted", session, spec, first, count, source }));
    return tasks;
  }

  cancel(session: number, tasks: readonly number[]): void {
    const client = this.#clients.get(session)!;
    client.up.send(() => this.#host.step({ type: "cancelRequested", session, tasks }));
  }

  close(session: number): void {
    const client = this.#clients.get(session)!;
    this.closed.add(session);
    client.up.send(() => this.#over(session, client));
  }

  /** A client's link is cut; it comes back after so long, unless its lease has ended. */
  cut(session: number, ms: number): void {
    const client = this.#clients.get(session);
    if (client === undefined || !client.up.isUp || this.closed.has(session)) return;
    client.up.cut();
    client.down.cut();
    const { leaseMs, head } = this.#host;
    const { life } = head;
    this.#host.after(Math.min(ms, leaseMs), () => {
      // Who is cut off when the head is killed comes back to its next life.
      if (life !== head.life) return;
      if (ms <= leaseMs) return this.#back(client);
      this.closed.add(session);
      client.gone = true;
      this.#over(session, client);
    });
  }

  tell(session: number, tasks: readonly number[], end: End): void {
    const client = this.#clients.get(session)!;
    if (this.closed.has(session)) {
      if (client.closedIn !== this.#host.head.life) return;
      throw new Error(`${end} for tasks ${tasks} of a closed session ${session}`);
    }
    client.down.send(() => {
      for (const task of tasks) this.#end(`${session}.${task}`, end);
      if (!this.closed.has(session)) client.up.send(() => this.#host.head.acknowledged(session, tasks));
    });
  }

  sessionEnded(session: number): void {
    if (this.endedSessions.has(session)) throw new Error(`session ${session} ended twice`);
    this.endedSessions.add(session);
  }

  /** What the head has heard is in its journal. */
  settle(): void {
    for (const { up } of this.#clients.values()) up.settle();
  }

  headKilled(): void {
    this.#expected.clear();
    this.#waiting = [];
    for (const { up, down } of this.#clients.values()) {
      up.cut();
      down.cut();
    }
  }

  /** @param withinMs so long it takes until the last of them is back */
  headStarted({ sessions }: Recovery<string, string, string>, withinMs: number): void {
    const found = new Map(sessions.map((session) => [session.number, session]));
    for (const [number, client] of this.#clients) {
      const session = found.get(number);
      if (session === undefined) {
        if (!this.closed.has(number)) throw new Error(`the head has lost session ${number}`);
        this.endedSessions.add(number);
        continue;
      }
      this.endedSessions.delete(number);
      client.up.restored();
      client.down = this.#newDown(number);
      client.down.cut();
      for (const { record, tasks } of session.results) {
        const end =
          record.type === "results" ? "delivered" : record.type === "failure" ? "rejected" : undefined;
        this.tell(number, tasks, end ?? (record as { verdict: { type: End } }).verdict.type);
      }
      this.#await(number, client, withinMs);
    }
    this.#inThisLife(PATIENCE_MS, () => this.#noneExpected());
  }

  /** Calls this when all clients of an earlier life of the head are back, or have not come in time. */
  whenBack(then: () => void): void {
    if (this.#expected.size === 0) then();
    else this.#waiting.push(then);
  }

  #noneExpected(): void {
    this.#expected.clear();
    for (const then of this.#waiting.splice(0)) then();
  }

  #await(session: number, client: Client, withinMs: number): void {
    this.#expected.add(client);
    const afterMs = client.gone ? this.#host.leaseMs : this.#host.random() * withinMs;
    this.#inThisLife(afterMs, () => {
      if (client.gone) this.#over(session, client);
      else this.#back(client);
    });
  }

  /** Unless the head is killed before. */
  #inThisLife(afterMs: number, action: () => void): void {
    const { head } = this.#host;
    const { life } = head;
    this.#host.after(afterMs, () => {
      if (life === head.life) action();
    });
  }

  #back(client: Client): void {
    this.resumed += 1;
    client.up.resume();
    client.down.resume();
    client.up.sendOnce(() => {
      if (this.#expected.delete(client) && this.#expected.size === 0) this.#noneExpected();
    });
  }

  #over(session: number, client: Client): void {
    client.closedIn = this.#host.head.life;
    this.#host.step({ type: "sessionClosed", session });
  }

  #end(name: string, end: End): void {
    const ends = this.ends.get(name)!;
    const { life } = this.#host.head;
    // A head that was killed may not know that its client has this: clients know.
    if (ends.length === 0) ends.push(end);
    else if (this.#endedIn.get(name) === life)
      throw new Error(`task ${name} ended more than once: ${[...ends, end].join(", ")}`);
    this.#endedIn.set(name, life);
  }

  #newDown(session: number): Direction {
    return new Direction((arrive) => this.#host.down(`to client ${session}`, arrive));
  }
}
