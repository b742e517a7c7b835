/** Examples at the end of a command's help. */

/** @param lines commands, each with what it does */
export function examples(...lines: readonly (readonly [command: string, does: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  const texts = lines.map(([command, does]) => `  ${command.padEnd(width)}  # ${does}`);
  return `\nExamples:\n${texts.join("\n")}\n`;
}
