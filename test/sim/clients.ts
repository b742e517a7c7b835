/** The clients of a simulated cluster: what they say, what they hear, and how they come back. */

import type { Recovery } from "../../head/journal/recover.js";
import type { TestEvent } from "../kit/core.js";
import type { LastingHead } from "./lasting-head.js";
import { Direction } from "./link.js";
import type { End } from "./member.js";

/** What clients need of their world. */
export interface ClientsHost {
  readonly head: LastingHead;
  readonly leaseMs: number;
  after(ms: number, action: () => void): void;
  random(): number;
  travel(link: string, arrive: () => void): void;
  step(event: TestEvent): void;
}

interface Client {
  down: Direction;
  /** All that it has had to say… */
  readonly says: (() => void)[];
  /** …of which the head has heard so many, and so many are in its journal. */
  heard: number;
  settled: number;
  isUp: boolean;
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

  constructor(host: ClientsHost) {
    this.#host = host;
  }

  open(session: number): void {
    this.#clients.set(session, {
      down: this.#newDirection(session),
      says: [],
      heard: 0,
      settled: 0,
      isUp: true,
      gone: false,
      lastTask: 0,
      closedIn: 0,
    });
  }

  submit(session: number, spec: number, count: number): number[] {
    const client = this.#clients.get(session)!;
    if (this.closed.has(session)) return [];
    const first = client.lastTask + 1;
    client.lastTask += count;
    const tasks = Array.from({ length: count }, (_, i) => first + i);
    for (const task of tasks) this.ends.set(`${session}.${task}`, []);
    const source = `from ${first}`;
    this.#say(client, () => this.#host.step({ type: "submitted", session, spec, first, count, source }));
    return tasks;
  }

  cancel(session: number, tasks: readonly number[]): void {
    const client = this.#clients.get(session)!;
    this.#say(client, () => this.#host.step({ type: "cancelRequested", session, tasks }));
  }

  close(session: number): void {
    const client = this.#clients.get(session)!;
    this.closed.add(session);
    this.#say(client, () => this.#over(session, client));
  }

  /** A client's link is cut; it comes back after so long, unless its lease has ended. */
  cut(session: number, ms: number): void {
    const client = this.#clients.get(session);
    if (client === undefined || !client.isUp || this.closed.has(session)) return;
    client.down.cut();
    client.isUp = false;
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
      for (const task of tasks) this.#end(session, task, end);
    });
  }

  sessionEnded(session: number): void {
    if (this.endedSessions.has(session)) throw new Error(`session ${session} ended twice`);
    this.endedSessions.add(session);
  }

  /** What the head has heard is in its journal. */
  settle(): void {
    for (const client of this.#clients.values()) client.settled = client.heard;
  }

  headKilled(): void {
    for (const client of this.#clients.values()) {
      client.isUp = false;
      client.down.cut();
    }
  }

  headStarted({ sessions }: Recovery<string, string, string>): void {
    const found = new Map(sessions.map((session) => [session.number, session]));
    for (const [number, client] of this.#clients) {
      const session = found.get(number);
      if (session === undefined) {
        if (!this.closed.has(number)) throw new Error(`the head has lost session ${number}`);
        this.endedSessions.add(number);
        continue;
      }
      this.endedSessions.delete(number);
      client.heard = client.settled;
      client.down = this.#newDirection(number);
      client.down.cut();
      for (const { record, tasks } of session.results) {
        const end =
          record.type === "results" ? "delivered" : record.type === "failure" ? "rejected" : undefined;
        this.tell(number, tasks, end ?? (record as { verdict: { type: End } }).verdict.type);
      }
      this.#await(number, client);
    }
  }

  #await(session: number, client: Client): void {
    const { head, leaseMs } = this.#host;
    const { life } = head;
    const afterMs = client.gone ? leaseMs : this.#host.random() * 100;
    this.#host.after(afterMs, () => {
      if (life !== head.life) return;
      if (client.gone) this.#over(session, client);
      else this.#back(client);
    });
  }

  #back(client: Client): void {
    this.resumed += 1;
    client.isUp = true;
    client.down.resume();
    this.#hear(client);
  }

  #say(client: Client, action: () => void): void {
    client.says.push(action);
    this.#hear(client);
  }

  #hear(client: Client): void {
    while (client.isUp && client.heard < client.says.length) {
      client.heard += 1;
      client.says[client.heard - 1]!();
    }
  }

  #over(session: number, client: Client): void {
    client.closedIn = this.#host.head.life;
    this.#host.step({ type: "sessionClosed", session });
  }

  #end(session: number, task: number, end: End): void {
    const name = `${session}.${task}`;
    const ends = this.ends.get(name)!;
    const { head } = this.#host;
    // A head that was killed may not know that its client has this: clients know.
    if (ends.length === 0) ends.push(end);
    else if (this.#endedIn.get(name) === head.life)
      throw new Error(`task ${name} ended more than once: ${[...ends, end].join(", ")}`);
    this.#endedIn.set(name, head.life);
    const client = this.#clients.get(session)!;
    if (!this.closed.has(session)) this.#say(client, () => head.acknowledged(session, [task]));
  }

  #newDirection(session: number): Direction {
    return new Direction((arrive) => this.#host.travel(`client ${session}`, arrive));
  }
}
