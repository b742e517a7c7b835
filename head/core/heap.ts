/** A binary heap of items with numbers as keys, the least first. (Williams, 1964.) */

/** Items by key. */
export class KeyedHeap<T> {
  readonly #items: T[] = [];
  readonly #keys: number[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** @param before the order among items of equal keys */
  constructor(before: (a: T, b: T) => boolean = () => false) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  /** The key that the first item was put in with. */
  get firstKey(): number | undefined {
    return this.#keys[0];
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  push(item: T, key: number): void {
    this.#items.push(item);
    this.#keys.push(key);
    this.#up(this.#items.length - 1);
  }

  /** Gives the first item another key. */
  rekeyFirst(key: number): void {
    this.#keys[0] = key;
    this.#down(0);
  }

  removeFirst(): void {
    this.#removeAt(0);
  }

  /** Gives an item another key; costs a search unless it is the first. */
  rekey(item: T, key: number): void {
    const at = this.#find(item);
    if (at === -1) return;
    this.#keys[at] = key;
    this.#down(at);
    this.#up(at);
  }

  /** Takes an item out; costs a search unless it is the first. */
  remove(item: T): void {
    const at = this.#find(item);
    if (at !== -1) this.#removeAt(at);
  }

  #find(item: T): number {
    return this.#items[0] === item ? 0 : this.#items.indexOf(item);
  }

  #removeAt(at: number): void {
    const last = this.#items.length - 1;
    this.#swap(at, last);
    this.#items.pop();
    this.#keys.pop();
    if (at >= last) return;
    this.#down(at);
    this.#up(at);
  }

  #up(at: number): void {
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#less(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #down(at: number): void {
    for (;;) {
      const left = 2 * at + 1;
      let least = at;
      if (left < this.#keys.length && this.#less(left, least)) least = left;
      if (left + 1 < this.#keys.length && this.#less(left + 1, least)) least = left + 1;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #less(a: number, b: number): boolean {
    const difference = this.#keys[a]! - this.#keys[b]!;
    return difference === 0 ? this.#before(this.#items[a]!, this.#items[b]!) : difference < 0;
  }

  #swap(a: number, b: number): void {
    const item = this.#items[a]!;
    this.#items[a] = this.#items[b]!;
    this.#items[b] = item;
    const key = this.#keys[a]!;
    this.#keys[a] = this.#keys[b]!;
    this.#keys[b] = key;
  }
}
