/** Words of a Bourne shell. */

/**
 * One word of a command line.
 *
 * @example
 * shellWord("it's") // `'it'\''s'`
 */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Words of a command line. */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}

/**
 * One word in which `{{JOB}}` is the job's id, when it is run.
 *
 * @example
 * jobWord("w1-{{JOB}}") // `w1-"$GRAIN_JOB_ID"`
 */
export function jobWord(text: string): string {
  const parts = text.split("{{JOB}}");
  return parts
    .map((part, i) => (part === "" && (i > 0 || parts.length > 1) ? "" : shellWord(part)))
    .join('"$GRAIN_JOB_ID"');
}
