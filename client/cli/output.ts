/** Where commands write: a terminal, with its width and colours, or a file or pipe, with neither. */

/** Colours by what they mean. */
export type Tone = "good" | "warning" | "bad" | "faint" | "strong";

const CODES: Record<Tone, readonly [on: number, off: number]> = {
  good: [32, 39],
  warning: [33, 39],
  bad: [31, 39],
  faint: [2, 22],
  strong: [1, 22],
};

/** What a command needs of its standard output. */
export interface Output {
  write(text: string): void;
  /** Lines are no longer. */
  readonly width: number;
  /** Lines that are seen at once; undefined: no terminal. */
  readonly rows: number | undefined;
  /** Colours a text; as it is where there are no colours. */
  paint(tone: Tone, text: string): string;
}

/** A stream as far as it is looked at. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Files, pipes and terminals of unknown size. */
export const DEFAULT_WIDTH = 80;
/** Narrower terminals wrap. */
const MIN_WIDTH = 60;
const DEFAULT_ROWS = 24;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * How to write to a stream: coloured on terminals, unless NO_COLOR is set or the terminal is a dumb one.
 *
 * @example
 * const out = outputOf(process.stdout);
 * out.write(out.paint("good", "ready"));
 */
export function outputOf(stream: OutputStream, env: Environment = process.env): Output {
  const isTerminal = stream.isTTY === true;
  const coloured = isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
  return {
    write: (text) => void stream.write(text),
    get width() {
      return isTerminal ? Math.max(MIN_WIDTH, stream.columns || DEFAULT_WIDTH) : DEFAULT_WIDTH;
    },
    get rows() {
      return isTerminal ? stream.rows || DEFAULT_ROWS : undefined;
    },
    paint: (tone, text) => (coloured ? paint(tone, text) : text),
  };
}

function paint(tone: Tone, text: string): string {
  const [on, off] = CODES[tone];
  return text === "" ? text : `\u001b[${on}m${text}\u001b[${off}m`;
}
