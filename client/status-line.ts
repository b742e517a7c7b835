/**
 * One line at the bottom of a terminal that gives way to other output.
 *
 * While it is in use, the process's streams clear it before anything is written
 * to them, whoever writes, and it is drawn again at the end of that turn: so it is
 * seen also while much is printed. Whatever ends the process, nothing of it stays.
 * On a stream that is no terminal, lines are written one below the other.
 */

/** What is needed of an output stream. */
export interface StatusStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(chunk: string | Uint8Array, ...rest: never[]): boolean;
}

const CLEAR = "\r\u001b[2K";

/** The status line of a pair of streams. */
export class StatusLine {
  readonly #stdout: StatusStream;
  readonly #stderr: StatusStream;
  readonly #unhook: (() => void)[] = [];
  readonly #write: (text: string) => void;
  readonly #onExit = () => this.clear();
  /** What is to be seen. */
  #text = "";
  #shown = false;
  #redraw: NodeJS.Immediate | undefined;
  /** Somebody else's line is unfinished: drawing would erase it. */
  #interrupted = false;

  constructor(stdout: StatusStream, stderr: StatusStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    const write = stderr.write;
    this.#write = (text) => void write.call(stderr, text);
  }

  get isTerminal(): boolean {
    return this.#stderr.isTTY === true;
  }

  /** Columns that a line may fill. */
  get columns(): number {
    return (this.#stderr.columns ?? 80) - 1;
  }

  /** Draws the line in place of the one that is there. */
  show(text: string): void {
    if (!this.isTerminal) {
      this.#write(`${text}\n`);
      return;
    }
    if (this.#unhook.length === 0) {
      this.#hook(this.#stderr);
      if (this.#stdout !== this.#stderr && this.#stdout.isTTY) this.#hook(this.#stdout);
      process.on("exit", this.#onExit);
    }
    this.#text = text;
    this.#draw();
  }

  /** Takes the line away. */
  clear(): void {
    if (!this.#shown) return;
    this.#shown = false;
    this.#write(CLEAR);
  }

  /** Takes the line away and gives the streams back. */
  end(): void {
    clearImmediate(this.#redraw);
    this.#redraw = undefined;
    this.clear();
    process.removeListener("exit", this.#onExit);
    for (const unhook of this.#unhook.splice(0).reverse()) unhook();
  }

  #draw(): void {
    if (this.#interrupted) return;
    this.#write(`${CLEAR}${this.#text}`);
    this.#shown = true;
  }

  #drawLater(): void {
    this.#redraw ??= setImmediate(() => {
      this.#redraw = undefined;
      if (!this.#shown) this.#draw();
    });
  }

  #hook(stream: StatusStream): void {
    const own = Object.hasOwn(stream, "write");
    const original = stream.write;
    const hooked: StatusStream["write"] = (chunk, ...rest) => {
      this.clear();
      if (chunk.length > 0) {
        const last = chunk[chunk.length - 1];
        this.#interrupted = last !== "\n" && last !== 10;
        this.#drawLater();
      }
      return original.call(stream, chunk, ...rest);
    };
    stream.write = hooked;
    this.#unhook.push(() => {
      // Whoever has replaced it since keeps working.
      if (stream.write !== hooked) return;
      if (own) stream.write = original;
      else delete (stream as Partial<StatusStream>).write;
    });
  }
}
