/** What a scripted peer has received: taken in order, waited for, never polled. */

type Bodied = { readonly body?: { readonly $case: string } | undefined };

/** The content of a message of this kind. */
export type Content<M extends Bodied, K extends string> =
  Extract<M["body"], { $case: K }> extends infer B ? (K extends keyof B ? B[K] : never) : never;

/** The kinds of a message. */
export type Kind<M extends Bodied> = NonNullable<M["body"]>["$case"];

/** Received messages. */
export class Inbox<M extends Bodied> {
  readonly all: M[] = [];
  readonly #untaken: M[] = [];
  #waiting: { kind: string; take: (message: M) => void; fail: (error: Error) => void }[] = [];
  #ended: string | undefined;

  push(message: M): void {
    this.all.push(message);
    const waiter = this.#waiting.find(({ kind }) => kind === message.body?.$case);
    if (waiter === undefined) {
      this.#untaken.push(message);
      return;
    }
    this.#waiting = this.#waiting.filter((other) => other !== waiter);
    waiter.take(message);
  }

  end(why: string): void {
    this.#ended = why;
    for (const { kind, fail } of this.#waiting)
      fail(new Error(`the link ended (${why}) before "${kind}" came`));
    this.#waiting = [];
  }

  /** The next message of this kind, now or when it comes; those of other kinds stay. */
  async take<K extends Kind<M>>(kind: K): Promise<Content<M, K>> {
    const index = this.#untaken.findIndex(({ body }) => body?.$case === kind);
    const message = index >= 0 ? this.#untaken.splice(index, 1)[0]! : await this.#wait(kind);
    return (message.body as unknown as Record<K, Content<M, K>>)[kind];
  }

  /** Kinds of the messages that nobody has taken. */
  get untaken(): string[] {
    return this.#untaken.map(({ body }) => body?.$case ?? "nothing");
  }

  #wait(kind: string): Promise<M> {
    if (this.#ended !== undefined)
      throw new Error(`the link had ended (${this.#ended}) when "${kind}" was awaited`);
    return new Promise((take, fail) => this.#waiting.push({ kind, take, fail }));
  }
}
