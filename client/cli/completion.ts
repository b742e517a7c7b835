/** `grain completion`: a script for the user's shell, made of the commands that there are. */

import { resolve } from "node:path";
import { Argument, Command } from "commander";
import { loadConfig } from "../../proto/config/load.js";
import { ConfigError } from "../../proto/errors.js";
import type { AdminConnection } from "../../proto/link/grpc/connect.js";
import { type AskOptions, askHead } from "./ask-head.js";
import { type CompletedCommand, completionScript, SHELLS, type Shell } from "./completion-script.js";
import { examples } from "./examples.js";
import { configFlag } from "./head-flags.js";
import { leaveSoon } from "./leave.js";

type Print = (text: string) => void;
type Common = (command: Command) => Command;

/** Commands that are followed by a name that the head knows. */
const NAMED: Readonly<Record<string, keyof typeof NAMES>> = {
  "grain cancel": "sessions",
  "grain explain": "sessions",
  "grain job": "sessions",
  "grain quit": "workers",
  "grain wait": "sessions",
};

const NAMES = {
  sessions: async (head: AdminConnection) =>
    (await head.status()).sessions.flatMap(({ session, name }) => [String(session), name]),
  workers: async (head: AdminConnection) => (await head.status()).workers.map(({ name }) => name),
};

/** Whoever waits for a completion does not wait long. */
const GIVE_UP_MS = 1_000;

/** Adds the command. @param common adds the flags that name a head */
export function addCompletion(
  program: Command,
  common: Common,
  choose: (act: () => Promise<number>) => void,
): void {
  const print: Print = (text) => void process.stdout.write(text);
  configFlag(program.command("completion"))
    .description(
      "Prints a script that lets the shell complete commands, flags, and names of sessions and workers.",
    )
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText(
      "after",
      examples(
        ["source <(grain completion bash)", "in ~/.bashrc"],
        ["source <(grain completion zsh)", "in ~/.zshrc, after compinit"],
        ["grain completion fish | source", "in ~/.config/fish/config.fish"],
        ["grain completion bash -c site.toml", "asks the head that this names"],
      ),
    )
    .exitOverride()
    .action((shell: Shell, { config }: { readonly config?: string }) =>
      choose(async () => {
        // A shell that completes has no place for errors.
        if (config !== undefined)
          await loadConfig({ configFile: config, env: process.env, cwd: process.cwd() });
        const ask = ["__complete", ...(config === undefined ? [] : ["-c", resolve(config)])];
        print(completionScript(shell, program.name(), commandsOf(program), ask));
        return 0;
      }),
    );
  configFlag(program.command("__complete <names> [words...]", { hidden: true }))
    .passThroughOptions()
    .allowUnknownOption()
    .exitOverride()
    .action((names: string, words: string[], { config }: { readonly config?: string }) =>
      choose(() =>
        printNames(names, { ...(config === undefined ? {} : { config }), ...headOf(words, common) }, print),
      ),
    );
}

/** The visible commands of a program, itself first. */
export function commandsOf(command: Command, above = ""): CompletedCommand[] {
  const help = command.createHelp();
  const path = `${above}${command.name()}`;
  const below = help.visibleCommands(command).filter((each) => each.name() !== "help");
  const choices = command.registeredArguments.flatMap(({ argChoices, description }) =>
    (argChoices ?? []).map((word) => ({ word, description })),
  );
  const own: CompletedCommand = {
    path,
    description: command.description(),
    flags: help
      .visibleOptions(command)
      .flatMap(({ long, short, description, required, optional }) =>
        long == null
          ? []
          : [{ long, short: short ?? undefined, description, takesValue: required && !optional }],
      ),
    words: [...below.map((each) => ({ word: each.name(), description: each.description() })), ...choices],
    names: NAMED[path],
  };
  return [own, ...below.flatMap((each) => commandsOf(each, `${path} `))];
}

/** One name a line; nothing where the head does not answer: a shell that completes has no place for errors. */
async function printNames(kind: string, options: AskOptions, print: Print): Promise<number> {
  if (!(kind in NAMES))
    throw new ConfigError(`"${kind}" are no names; expected ${Object.keys(NAMES).join(" or ")}.`);
  try {
    const names = await askHead(options, NAMES[kind as keyof typeof NAMES], GIVE_UP_MS);
    print(
      [...new Set(names)]
        .filter((name) => /^\S+$/.test(name))
        .map((name) => `${name}\n`)
        .join(""),
    );
  } catch {
    leaveSoon();
    return 1;
  }
  return 0;
}

/** The flags of a line that is not finished yet. */
function headOf(words: readonly string[], common: Common): AskOptions {
  const line = common(new Command())
    .allowUnknownOption()
    .allowExcessArguments()
    .configureOutput({ writeErr: () => {} });
  line.parse([...words], { from: "user" });
  return line.opts<AskOptions>();
}
