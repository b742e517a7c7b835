/** One program as the shell code that a lane runs (see script.ts). Everything in it is quoted: the shell interprets nothing. */

import type { Changes } from "./environment.js";
import { quote } from "./script.js";

/** A program to start. */
export interface Command {
  readonly words: readonly string[];
  readonly cwd: string;
  /** Differences from the launcher's environment; undefined removes a variable. */
  readonly env: Changes;
  /** A file with its standard input; absent: empty. */
  readonly inputFile?: string | undefined;
}

/** Variables that mean something to a shell: the `env` program sets them, the shell must not. */
const SHELL_VARIABLES =
  /^(?:_|IFS|PWD|OLDPWD|PPID|UID|EUID|GROUPS|SHLVL|OPTIND|OPTARG|OPTERR|LINENO|RANDOM|SRANDOM|SECONDS|EPOCH\w*|PS\d|POSIXLY_CORRECT|SHELLOPTS|BASH\w*|DIRSTACK|FUNCNAME|HIST\w*|COMP_\w*|LANG|LC_\w*|__grain_\w*)$/;

/** What is known of names; they are few, and the same for each program. */
const plain = new Map<string, boolean>();
const MOST_KNOWN = 1_000;

function isPlain(name: string): boolean {
  let answer = plain.get(name);
  if (answer === undefined) {
    answer = /^[A-Za-z_]\w*$/.test(name) && !SHELL_VARIABLES.test(name);
    if (plain.size < MOST_KNOWN) plain.set(name, answer);
  }
  return answer;
}

/** Shell code that changes the environment, and the `env` words for what the shell cannot change. */
function environment(env: Command["env"]): { readonly code: string; readonly words: string[] } {
  let code = "";
  const words: string[] = [];
  for (const [name, value] of env) {
    if (!isPlain(name)) words.push(...(value === undefined ? ["-u", name] : []));
    else code += value === undefined ? `unset ${name};` : `export ${name}=${quote(value)};`;
  }
  for (const [name, value] of env) if (!isPlain(name) && value !== undefined) words.push(`${name}=${value}`);
  return { code, words: words.length === 0 ? [] : ["env", ...words] };
}

/**
 * The code that runs a program in a lane and reports its end.
 *
 * @param number told with its process id
 * @example
 * commandCode({ words: ["true"], cwd: "/", env: new Map() }, 7) // (p 7 '/';exec 'true' 4>&-) </dev/null >"$1" …
 */
export function commandCode(command: Command, number: number): string {
  const { code, words } = environment(command.env);
  const all = [...words, ...command.words].map(quote).join(" ");
  const input = command.inputFile === undefined ? "/dev/null" : quote(command.inputFile);
  // `exec` takes programs only, never one of the shell's own commands of that name.
  return `(p ${number} ${quote(command.cwd)};${code}exec ${all} 4>&-) <${input} >"$1" 2>"$2" 5>&-;e\n`;
}
