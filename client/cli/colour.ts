/** Colours, on terminals whose user wants them. */

/** What of a stream is looked at. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
}

/** Puts a colour on a text. */
export type Paint = (colour: Colour, text: string) => string;

export type Colour = keyof typeof CODES;

const CODES = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

/**
 * How texts for a stream are coloured: not at all where it is no terminal, or NO_COLOR is set.
 *
 * @example
 * const paint = painter(process.stdout, process.env);
 * process.stdout.write(paint("green", "ok"));
 */
export function painter(screen: Screen, env: Readonly<Record<string, string | undefined>>): Paint {
  if (screen.isTTY !== true || env.TERM === "dumb" || (env.NO_COLOR ?? "") !== "") return (_, text) => text;
  return (colour, text) => `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}
