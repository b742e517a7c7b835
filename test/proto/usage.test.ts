import { Command, CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { usageLine } from "../../proto/usage.js";

function newCommand(): Command {
  const program = new Command("tool").exitOverride().configureOutput({
    writeErr: () => {},
    outputError: () => {},
  });
  program
    .command("copy")
    .argument("<from>", "a file")
    .argument("[to]")
    .action(() => {})
    .exitOverride();
  program
    .command("show")
    .option("--depth <n>", "how deep to look; default: 3")
    .option("--json", "as JSON")
    .action(() => {})
    .exitOverride();
  const store = program.command("store").exitOverride();
  store
    .command("list")
    .requiredOption("--kind <kind>", "which")
    .action(() => {})
    .exitOverride();
  program.command("__hidden", { hidden: true }).action(() => {});
  return program;
}

it("one of many commands is named, if it is like the one that was given", () => {
  const program = new Command("tool")
    .exitOverride()
    .configureOutput({ writeErr: () => {}, outputError: () => {} });
  for (const name of ["alpha", "beta", "gamma", "delta", "epsilon"]) program.command(name).action(() => {});
  const lineOf = (name: string) => {
    try {
      program.parse([name], { from: "user" });
    } catch (error) {
      return usageLine(program, error as CommanderError);
    }
    return undefined;
  };
  expect(lineOf("alpah")).toBe("tool: unknown command 'alpah' (Did you mean alpha?) (see tool --help)\n");
  expect(lineOf("zzzzzzz")).toContain("expected alpha or beta or gamma or delta or epsilon");
});

describe("bad usage is told in one line", () => {
  it.each<[string[], string]>([
    [[], "tool: no command is given; expected copy or show or store (see tool --help)"],
    [
      ["shw"],
      "tool: unknown command 'shw' (Did you mean show?); expected copy or show or store (see tool --help)",
    ],
    [
      ["copy"],
      "tool: missing required argument 'from'; expected tool copy [options] <from> [to] (see tool copy --help)",
    ],
    [
      ["copy", "a", "b", "c", "d"],
      'tool: too many arguments: "c" is not expected, expected tool copy [options] <from> [to] (see tool copy --help)',
    ],
    [
      ["show", "--json", "a\nb"],
      'tool: too many arguments: "a\\nb" is not expected, only options are (see tool show --help)',
    ],
    [
      ["show", "--depth"],
      "tool: option '--depth <n>' argument missing; expected: how deep to look (see tool show --help)",
    ],
    [["store", "list"], "tool: required option '--kind <kind>' not specified (see tool store list --help)"],
    [
      ["store", "lst"],
      "tool: unknown command 'lst' (Did you mean list?); expected list (see tool store --help)",
    ],
    [["show", "--jsn"], "tool: unknown option '--jsn' (Did you mean --json?) (see tool show --help)"],
  ])("%j", (argv, line) => {
    const program = newCommand();
    let problem: unknown;
    try {
      program.parse(argv, { from: "user" });
    } catch (error) {
      problem = error;
    }
    expect(problem).toBeInstanceOf(CommanderError);
    expect(usageLine(program, problem as CommanderError)).toBe(`${line}\n`);
  });
});
