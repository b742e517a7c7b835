/** The process id of a program. Its lane has it in a FIFO, and reads that only when somebody wants to know: hardly anybody does. */

/** Where process ids come from. */
export interface ProcessIds {
  /** Tells those that have come. */
  readProcessIds(): void;
}

/** One process id. */
export class ProcessId {
  #value: number | undefined;
  #failure: Error | undefined;
  #source: ProcessIds | undefined;
  #asked: { resolve(pid: number): void; reject(error: Error): void } | undefined;
  #promise: Promise<number> | undefined;

  get isKnown(): boolean {
    return this.#value !== undefined;
  }

  /** Whether somebody waits for it. */
  get isAwaited(): boolean {
    return this.#asked !== undefined && this.#value === undefined;
  }

  /** It will be told by this. */
  expect(source: ProcessIds): void {
    this.#source = source;
  }

  tell(value: number): void {
    this.#value = value;
    this.#asked?.resolve(value);
  }

  /** There is none, unless it has been told. */
  fail(error: Error): void {
    if (this.#value !== undefined) return;
    this.#failure ??= error;
    this.#asked?.reject(error);
  }

  /** Finds out now whether it has come. */
  look(): void {
    if (this.#value === undefined && this.#failure === undefined) this.#source?.readProcessIds();
  }

  /** Asks for it. Nobody need handle that it fails: whatever fails it is told elsewhere too. */
  get promise(): Promise<number> {
    if (this.#promise !== undefined) return this.#promise;
    this.look();
    this.#promise = new Promise((resolve, reject) => {
      if (this.#value !== undefined) resolve(this.#value);
      else if (this.#failure !== undefined) reject(this.#failure);
      else this.#asked = { resolve, reject };
    });
    this.#promise.catch(() => undefined);
    return this.#promise;
  }
}
