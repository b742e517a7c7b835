/** `grain doctor`: looks at everything that must be right before work can run. */

import type { Command } from "commander";
import { type Paint, painter } from "./colour.js";
import { type Check, type CheckFlags, diagnose } from "./diagnose.js";
import { examples } from "./examples.js";
import { headFlags } from "./head-flags.js";
import { DEFAULT_WIDTH } from "./output.js";
import { wrap } from "./wrap.js";

/** Flags of `grain doctor`. */
export interface DoctorFlags extends CheckFlags {
  readonly json?: boolean;
}

const FAILURE = 1;

const EXAMPLES = examples(
  ["grain doctor", "this machine, its files, the head"],
  ["grain doctor --address cluster:7700", "the head at this address"],
  ["grain doctor --json | jq .ok", "for programs: see docs/config.md"],
);

/** Adds the command. */
export function addDoctor(program: Command, choose: (act: () => Promise<number>) => void): void {
  headFlags(program.command("doctor"))
    .description(
      "Checks configuration, credentials, head, versions and clocks; exit code 1 when something fails.",
    )
    .option("--json", "as JSON")
    .allowExcessArguments(false)
    .addHelpText("after", EXAMPLES)
    .action((flags: DoctorFlags) => choose(() => doctor(flags)));
}

async function doctor(flags: DoctorFlags): Promise<number> {
  const checks = await diagnose(flags, { env: process.env, cwd: process.cwd() });
  const isOk = checks.every(({ status }) => status !== "fail");
  const text =
    flags.json === true
      ? `${JSON.stringify({ ok: isOk, checks }, undefined, 2)}\n`
      : showChecks(checks, painter(process.stdout, process.env));
  process.stdout.write(text);
  return isOk ? 0 : FAILURE;
}

const COLOURS = { ok: "green", warn: "yellow", fail: "red" } as const;

/** Checks for people: a line each, with what to do below. */
export function showChecks(checks: readonly Check[], paint: Paint): string {
  const widest = Math.max(...checks.map(({ check }) => check.length));
  const indent = " ".repeat("warn".length + widest + 4);
  return checks
    .map(({ check, status, message, advice }) => {
      const texts = [message, ...(advice === undefined ? [] : [`-> ${advice}`])];
      const lines = texts.flatMap((text) => wrap(text, DEFAULT_WIDTH - indent.length));
      const start = `${paint(COLOURS[status], status.padEnd(4))}  ${check.padEnd(widest)}  `;
      return `${start}${lines.join(`\n${indent}`)}\n`;
    })
    .join("");
}
