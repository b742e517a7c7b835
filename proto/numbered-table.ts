/**
 * A map for whole numbers given out in sequence, such as those of a session's tasks.
 *
 * A plain Map of a million entries is copied whole, in one step of 100 ms, each time it is
 * full of what has been deleted, and looking into it misses the processor's caches. Here
 * numbers are looked up in pages, of which neighbours share one. An empty page goes as soon as
 * another one is empty: where few numbers are in use at a time, none is made for each of them.
 */

const PAGE_BITS = 10;
const PAGE = 1 << PAGE_BITS;

interface Page<T> {
  readonly items: (T | undefined)[];
  live: number;
}

/** Things by number. Numbers are whole and not negative; `undefined` is nothing. */
export class NumberedTable<T extends object> {
  readonly #pages = new Map<number, Page<T>>();
  #size = 0;
  /** The page that was used last, and where it is: neighbours are mostly used together. */
  #lastAt = -1;
  #last: Page<T> | undefined;
  /** The page that became empty last. */
  #emptyAt = -1;

  get size(): number {
    return this.#size;
  }

  get(number: number): T | undefined {
    return this.#pageAt(Math.floor(number / PAGE))?.items[number % PAGE];
  }

  has(number: number): boolean {
    return this.get(number) !== undefined;
  }

  set(number: number, item: T): void {
    const at = Math.floor(number / PAGE);
    let page = this.#pageAt(at);
    if (page === undefined) {
      page = emptyPage();
      this.#pages.set(at, page);
      this.#lastAt = at;
      this.#last = page;
    }
    if (page.items[number % PAGE] === undefined) {
      page.live += 1;
      this.#size += 1;
    }
    page.items[number % PAGE] = item;
  }

  delete(number: number): void {
    const at = Math.floor(number / PAGE);
    const page = this.#pageAt(at);
    if (page?.items[number % PAGE] === undefined) return;
    page.items[number % PAGE] = undefined;
    page.live -= 1;
    this.#size -= 1;
    if (page.live > 0 || at === this.#emptyAt) return;
    if (this.#pages.get(this.#emptyAt)?.live === 0) this.#pages.delete(this.#emptyAt);
    this.#emptyAt = at;
  }

  /** The numbers in use, page by page. */
  *keys(): Generator<number> {
    for (const [at, { items }] of this.#pages)
      for (let i = 0; i < PAGE; i += 1) if (items[i] !== undefined) yield at * PAGE + i;
  }

  /** Every one, page by page; may be changed meanwhile. */
  *values(): Generator<T> {
    for (const { items } of this.#pages.values())
      for (const item of items) if (item !== undefined) yield item;
  }

  #pageAt(at: number): Page<T> | undefined {
    if (at === this.#lastAt) return this.#last;
    const page = this.#pages.get(at);
    if (page === undefined) return undefined;
    this.#lastAt = at;
    this.#last = page;
    return page;
  }
}

/** On its own, since it is called seldom: compiled as a part of what is called for each number, it would end that code's validity. */
function emptyPage<T>(): Page<T> {
  return { items: new Array<T | undefined>(PAGE).fill(undefined), live: 0 };
}
