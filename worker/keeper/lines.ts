/** Text that comes in pieces, as lines. */

/** Takes a stream's text apart into lines. */
export class Lines {
  readonly #take: (line: string) => void;
  #rest = "";

  /** @param take gets each line that is not empty, without its end */
  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  add(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.#take(line.trimEnd());
  }

  /** What is left is a line too. */
  end(): void {
    this.add("\n");
  }
}
