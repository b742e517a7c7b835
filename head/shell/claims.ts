/**
 * Whose turn it is to compute a result: of the calls that ask for one that is not stored, the first; the
 * others wait for it. Who has its turn has asked, and then submits a task, or gives the turn back.
 */

/** A call that asks for a result, by the number that its client has given it. */
export interface Asker {
  readonly session: number;
  readonly ask: number;
}

/** What the result of a task is stored under. */
export interface Keyed {
  readonly id: string;
  readonly spec: number;
}

interface Claim {
  readonly session: number;
  /** Undefined: its turn came by submitting. */
  readonly ask: number | undefined;
  /** Undefined: not submitted yet. */
  task: number | undefined;
  /** In order. */
  waiting: Asker[];
}

/** The claims on results, by their id. */
export class Claims {
  readonly #claims = new Map<string, Claim>();
  /** By session: what its calls have asked for and not got. */
  readonly #asked = new Map<number, Map<number, string>>();
  /** By session: its tasks whose result is to be stored. */
  readonly #tasks = new Map<number, Map<number, Keyed>>();

  /** A call asks for a result that is not stored. @returns whether it is its turn; otherwise it waits */
  ask(id: string, asker: Asker): boolean {
    const claim = this.#claims.get(id);
    const { session, ask } = asker;
    if (claim !== undefined && (claim.session !== session || claim.ask !== ask)) {
      const again = claim.waiting.some((other) => other.session === session && other.ask === ask);
      if (!again) claim.waiting.push(asker);
      entryOf(this.#asked, session).set(ask, id);
      return false;
    }
    if (claim === undefined) this.#claims.set(id, { session, ask, task: undefined, waiting: [] });
    entryOf(this.#asked, session).set(ask, id);
    return true;
  }

  /** A call has its result. */
  answered({ session, ask }: Asker): void {
    this.#asked.get(session)?.delete(ask);
  }

  /** A task will give this result. */
  submitted(keyed: Keyed, session: number, task: number): void {
    const { id } = keyed;
    entryOf(this.#tasks, session).set(task, keyed);
    const claim = this.#claims.get(id);
    if (claim === undefined) this.#claims.set(id, { session, ask: undefined, task, waiting: [] });
    else if (claim.session === session && claim.task === undefined) {
      claim.task = task;
      if (claim.ask !== undefined) this.#asked.get(session)?.delete(claim.ask);
    }
  }

  /** Whether the result of any task of a session was to be stored. */
  hasKeyed(session: number): boolean {
    return this.#tasks.size > 0 && this.#tasks.has(session);
  }

  /** What a task's result is stored under; undefined: it is not stored. */
  keyed(session: number, task: number): Keyed | undefined {
    return this.#tasks.get(session)?.get(task);
  }

  /** A call does not want its result any more. @returns who waited for it to be computed, if it had its turn */
  waive({ session, ask }: Asker): readonly Asker[] {
    const asked = this.#asked.get(session);
    const id = asked?.get(ask);
    asked?.delete(ask);
    const claim = id === undefined ? undefined : this.#claims.get(id);
    if (claim === undefined) return [];
    if (claim.session === session && claim.ask === ask && claim.task === undefined) return this.#end(id!);
    claim.waiting = claim.waiting.filter((other) => other.session !== session || other.ask !== ask);
    return [];
  }

  /** A task has ended, however it did. @returns who waited for it */
  ended(session: number, task: number): readonly Asker[] {
    const tasks = this.#tasks.get(session);
    const id = tasks?.get(task)?.id;
    if (id === undefined) return [];
    tasks!.delete(task);
    const claim = this.#claims.get(id);
    return claim?.session === session && claim.task === task ? this.#end(id) : [];
  }

  /** The program of a session is gone; its tasks go on. @returns who waited for what it has not submitted */
  left(session: number): readonly Asker[] {
    this.#asked.delete(session);
    const freed: Asker[] = [];
    for (const [id, claim] of this.#claims) {
      claim.waiting = claim.waiting.filter((other) => other.session !== session);
      if (claim.session === session && claim.task === undefined) freed.push(...this.#end(id));
    }
    return freed;
  }

  /** A session is over. @returns who waited for what it was to compute */
  gone(session: number): readonly Asker[] {
    this.#asked.delete(session);
    this.#tasks.delete(session);
    const freed: Asker[] = [];
    for (const [id, claim] of this.#claims) {
      claim.waiting = claim.waiting.filter((other) => other.session !== session);
      if (claim.session === session) freed.push(...this.#end(id));
    }
    return freed;
  }

  /** What a call has asked for; undefined: nothing, or it has been answered. */
  asks({ session, ask }: Asker): string | undefined {
    return this.#asked.get(session)?.get(ask);
  }

  #end(id: string): readonly Asker[] {
    const { waiting } = this.#claims.get(id)!;
    this.#claims.delete(id);
    return waiting;
  }
}

function entryOf<K, L, V>(table: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let entry = table.get(key);
  if (entry === undefined) {
    entry = new Map();
    table.set(key, entry);
  }
  return entry;
}
