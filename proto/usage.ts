/** What a command says of bad usage: one line that names what was wrong and what is expected. */

/** What of a command (commander's) is read. */
export interface UsageCommand {
  readonly args: readonly string[];
  readonly options: readonly { readonly flags: string; readonly description: string }[];
  readonly registeredArguments: readonly { readonly variadic: boolean; readonly description: string }[];
  readonly commands: readonly UsageCommand[];
  name(): string;
  usage(): string;
}

/** What is read of commander's error. */
export interface UsageProblem {
  /** e.g. "commander.excessArguments". */
  readonly code: string;
  readonly message: string;
}

/**
 * The line for standard error.
 *
 * @param command the program; of its subcommands the one that was named is found by its arguments
 * @param problem what commander threw
 * @returns e.g. `grain-head: too many arguments: "extra" is not expected; it takes options only (see grain-head --help)`
 * @example
 * process.stderr.write(usageLine(command, error));
 */
export function usageLine(command: UsageCommand, problem: UsageProblem): string {
  let chosen = command;
  let path = command.name();
  for (let next = below(chosen); next !== undefined; next = below(chosen)) {
    chosen = next;
    path += ` ${chosen.name()}`;
  }
  const said = problem.message
    .replace(/^error: /, "")
    .trim()
    .replace(/\s+/g, " ");
  return `${command.name()}: ${explain(chosen, path, problem.code, said)} (see ${path} --help)\n`;
}

/** The subcommand that was named. */
function below({ commands, args }: UsageCommand): UsageCommand | undefined {
  return commands.find((each) => each.name() === args[0]);
}

/** Of more commands than these the one that is probably meant is enough. */
const FEW = 4;

function explain(command: UsageCommand, path: string, code: string, said: string): string {
  const all = command.commands.map((each) => each.name()).filter((name) => !name.startsWith("_"));
  const names = all.join(" or ");
  switch (code) {
    case "commander.help":
      return `no command is given; expected ${names}`;
    case "commander.unknownCommand":
      return all.length > FEW && said.includes("Did you mean") ? said : `${said}; expected ${names}`;
    case "commander.optionMissingArgument": {
      const option = command.options.find(({ flags }) => said.includes(`'${flags}'`));
      return option === undefined ? said : `${said}; expected: ${withoutDefault(option.description)}`;
    }
    case "commander.missingArgument":
      return `${said}; expected ${path} ${command.usage()}`;
    case "commander.excessArguments": {
      const taken = command.registeredArguments.length;
      const surplus = command.args[taken];
      const expected = taken === 0 ? "only options are" : `expected ${path} ${command.usage()}`;
      return surplus === undefined
        ? said
        : `too many arguments: ${JSON.stringify(surplus)} is not expected, ${expected}`;
    }
    default:
      return said;
  }
}

/** A description says first what is expected, and last what the default is. */
function withoutDefault(description: string): string {
  return description.replace(/\s*[;(]\s*default:.*$/, "");
}
