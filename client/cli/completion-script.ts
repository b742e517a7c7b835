/** Scripts that teach a shell to complete a command: everything in them is known beforehand, but names that a head knows. */

/** A command as shells complete it. */
export interface CompletedCommand {
  /** With those above it, e.g. "grain cache ls". */
  readonly path: string;
  readonly description: string;
  readonly flags: readonly CompletedFlag[];
  /** Words that may follow, subcommands or choices. */
  readonly words: readonly CompletedWord[];
  /** What of a head's names may follow; undefined: files may. */
  readonly names: string | undefined;
}

/** A flag. */
export interface CompletedFlag {
  readonly long: string;
  /** With its dash. */
  readonly short: string | undefined;
  readonly description: string;
  readonly takesValue: boolean;
}

/** A word with what it means. */
export interface CompletedWord {
  readonly word: string;
  readonly description: string;
}

/** Shells that there are scripts for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * Writes the script.
 *
 * @param program the command's own name
 * @param commands it and all that are below it
 * @param ask the program's arguments that print names, before the kind of names and the words of the line
 * @example
 * process.stdout.write(completionScript("bash", "grain", commands, ["__complete"]));
 */
export function completionScript(
  shell: Shell,
  program: string,
  commands: readonly CompletedCommand[],
  ask: readonly string[],
): string {
  switch (shell) {
    case "bash":
      return bash(program, commands, [program, ...ask].map(quoted).join(" "));
    case "zsh":
      return zsh(program, commands, [program, ...ask].map(quoted).join(" "));
    case "fish":
      return fish(program, commands, [program, ...ask].map(quotedFish).join(" "));
    default:
      return shell satisfies never;
  }
}

/** Paths of those that are below another. */
function subcommands(commands: readonly CompletedCommand[]): string {
  return commands
    .slice(1)
    .map(({ path }) => quoted(path))
    .join("|");
}

/** "path flag" of flags that are followed by a value. */
function valueFlags({ path, flags }: CompletedCommand): string[] {
  return flags
    .filter(({ takesValue }) => takesValue)
    .flatMap(({ long, short }) => [long, ...(short === undefined ? [] : [short])])
    .map((flag) => quoted(`${path} ${flag}`));
}

function bash(program: string, commands: readonly CompletedCommand[], ask: string): string {
  const cases = commands.map(({ path, flags, words, names }) => {
    const all = flags.flatMap(({ long, short }) => (short === undefined ? [long] : [long, short]));
    return [
      `    ${quoted(path)})`,
      `      flags=${quoted(all.join(" "))}`,
      `      replies=${quoted(words.map(({ word }) => word).join(" "))}`,
      ...(names === undefined ? [] : [`      names=${quoted(names)}`]),
      "      ;;",
    ].join("\n");
  });
  const values = commands.flatMap(valueFlags).join("|");
  return `# bash completion of ${program}: source <(${program} completion bash)
_${program}() {
  # The line itself: bash takes the parts of host:port for words of their own.
  local line="\${COMP_LINE:0:COMP_POINT}" current="" at=${quoted(program)} flags="" replies="" names="" word
  local -a words
  read -ra words <<< "$line"
  if [[ $line != *[[:space:]] ]]; then
    current="\${words[\${#words[@]}-1]}"
    unset "words[\${#words[@]}-1]"
  fi
  for word in "\${words[@]:1}"; do
    case "$at $word" in
      ${subcommands(commands)}) at="$at $word" ;;
    esac
  done
  case "$at \${words[\${#words[@]}-1]}" in
    ${values}) compopt -o default; COMPREPLY=(); return ;;
  esac
  case "$at" in
${cases.join("\n")}
  esac
  if [[ $current == -* ]]; then
    replies="$flags"
  elif [[ -n $names ]]; then
    replies="$(${ask} "$names" "\${words[@]:1}" 2>/dev/null)"
  elif [[ -z $replies ]]; then
    compopt -o default
  fi
  COMPREPLY=($(compgen -W "$replies" -- "$current"))
}
complete -F _${program} ${program}
`;
}

function zsh(program: string, commands: readonly CompletedCommand[], ask: string): string {
  const described = (name: string, description: string) => quoted(`${name}:${description}`);
  const cases = commands.map(({ path, flags, words, names }) => {
    const options = flags.flatMap(({ long, short, description }) =>
      [long, ...(short === undefined ? [] : [short])].map((flag) => described(flag, description)),
    );
    return [
      `    (${quoted(path)})`,
      `      options=(${options.join(" ")})`,
      `      replies=(${words.map(({ word, description }) => described(word, description)).join(" ")})`,
      ...(names === undefined ? [] : [`      names=${quoted(names)}`]),
      "      ;;",
    ].join("\n");
  });
  const values = commands.flatMap(valueFlags).join("|");
  return `#compdef ${program}
# zsh completion of ${program}: source <(${program} completion zsh), or a file _${program} in a directory of $fpath
_${program}() {
  local at=${quoted(program)} names=""
  local -a options replies
  integer i
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      (${subcommands(commands)}) at="$at \${words[i]}" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
    (${values}) _files; return ;;
  esac
  case "$at" in
${cases.join("\n")}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe -o option options
  elif [[ -n $names ]]; then
    replies=(\${(f)"$(${ask} "$names" \${words[2,CURRENT-1]} 2>/dev/null)"})
    compadd -a replies
  elif (( $#replies )); then
    _describe command replies
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == "_${program}" ]]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
}

function fish(program: string, commands: readonly CompletedCommand[], ask: string): string {
  const lines: string[] = [];
  for (const { path, flags, words, names } of commands) {
    const start = `complete -c ${program} -n ${quotedFish(`test (__${program}_at) = "${path}"`)}`;
    for (const { word, description } of words)
      lines.push(`${start} -f -a ${quotedFish(word)} -d ${quotedFish(description)}`);
    for (const { long, short, description, takesValue } of flags) {
      const both = `-l ${long.slice(2)}${short === undefined ? "" : ` -s ${short.slice(1)}`}`;
      lines.push(`${start} ${both}${takesValue ? " -r" : ""} -d ${quotedFish(description)}`);
    }
    if (names !== undefined) {
      const answer = `(${ask} ${names} (commandline -opc)[2..-1] 2>/dev/null)`;
      lines.push(`${start} -f -a ${quotedFish(answer)}`);
    }
  }
  const below = commands.slice(1).map(({ path }) => quotedFish(path));
  return `# fish completion of ${program}: ${program} completion fish | source
function __${program}_at
  set -l at ${program}
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${below.join(" ")}
        set at "$at $word"
    end
  end
  echo $at
end
${lines.join("\n")}
`;
}

/** For bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function quotedFish(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
