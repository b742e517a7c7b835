/** A queue by time: a binary heap; what is due at the same time comes in the order in which it was put in. */

export class EventQueue<T> {
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #items: T[] = [];
  #order = 0;

  get size(): number {
    return this.#items.length;
  }

  /** When the next one is due; undefined: nothing is. */
  get nextMs(): number | undefined {
    return this.#times[0];
  }

  push(atMs: number, item: T): void {
    const order = this.#order++;
    let at = this.#items.length;
    this.#times.push(atMs);
    this.#orders.push(order);
    this.#items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#times[parent]! <= atMs) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, atMs, order, item);
  }

  /** Takes the next one out. */
  pop(): T | undefined {
    const first = this.#items[0];
    const atMs = this.#times.pop();
    const order = this.#orders.pop();
    const item = this.#items.pop();
    if (this.#items.length > 0) this.#sink(atMs!, order!, item!);
    return first;
  }

  #sink(atMs: number, order: number, item: T): void {
    const size = this.#items.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isBefore(child + 1, this.#times[child]!, this.#orders[child]!))
        child += 1;
      if (!this.#isBefore(child, atMs, order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, atMs, order, item);
  }

  #isBefore(at: number, atMs: number, order: number): boolean {
    const mine = this.#times[at]!;
    return mine < atMs || (mine === atMs && this.#orders[at]! < order);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from]!, this.#orders[from]!, this.#items[from]!);
  }

  #put(at: number, atMs: number, order: number, item: T): void {
    this.#times[at] = atMs;
    this.#orders[at] = order;
    this.#items[at] = item;
  }
}
