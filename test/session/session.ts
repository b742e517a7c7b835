/** A session at a terminal, as the README shows it: a real head, two workers, a program, and what commands say. */

import type { Running, Stage } from "../kit/daemons.js";

/** Its first tasks end, its others run until they are ended: what commands show of it does not change. */
const PROGRAM = `
import { cores, delayed, each, node, run, token } from "grain-scheduler";

const prepare = delayed(async function prepare(n: number) {
  return n;
});
const relax = delayed(async function relax(n: number) {
  return new Promise<number>((resolve) => setTimeout(resolve, 86_400_000, n));
});
const render = delayed(async function render(n: number) {
  return n;
});

await run(
  async () => {
    console.log("prepared", await each([1, 2, 3].map((n) => prepare.with(cores(1))(n))));
    const relaxed = Array.from({ length: 10 }, (_, n) => relax.with(node(2, 1))(n));
    const rendered = [1, 2].map((n) => render.with(token("gpu-node"))(n));
    await each([...relaxed, ...rendered]);
  },
  { name: "sweep" },
);
`;

/** The commands, in this order. */
export const TYPED = ["ls", "jobs", "explain 1.15", "quit west"] as const;

/** What stands in the README for what differs from machine to machine. */
const HOST = "login1";

/**
 * Runs it.
 *
 * @returns the commands, each behind "$ ", with what they print
 */
export async function runSession(stage: Stage): Promise<string> {
  const { address } = await stage.head();
  await stage.worker(address, ["--name", "east", "--cpus", "2", "--mem", "4G"]);
  await stage.worker(address, ["--name", "west", "--cpus", "2", "--mem", "4G", "--walltime", "2h"]);
  const program = stage.run(
    ["--import", "tsx", stage.program("sweep.ts", PROGRAM)],
    { GRAIN_ADDRESS: address },
    stage.project,
  );
  await program.until(/prepared/);
  await untilBusy(stage, address);
  const parts: string[] = [];
  for (const command of TYPED)
    parts.push(`$ grain ${command}\n${steady(await said(stage, address, command.split(" ")))}`);
  // Told to, it cancels what runs; ended otherwise, it would be waited for.
  program.kill("SIGINT");
  await program.ended;
  return parts.join("");
}

/** Until both workers have something to do, and the rest waits. */
async function untilBusy(stage: Stage, address: string): Promise<void> {
  for (;;) {
    const { workers, queues } = JSON.parse(await said(stage, address, ["ls", "--json"])) as {
      workers: { running: number }[];
      queues: unknown[];
    };
    if (workers.every(({ running }) => running === 1) && queues.length === 2) return;
  }
}

async function said(stage: Stage, address: string, args: readonly string[]): Promise<string> {
  const command: Running = stage.start("grain", [...args], { GRAIN_ADDRESS: address });
  const { code } = await command.ended;
  if (code !== 0 || command.stderr !== "") throw new Error(`grain ${args.join(" ")}: ${command.stderr}`);
  return command.stdout;
}

/** Names and numbers of this machine are nobody's business, and differ. */
function steady(text: string): string {
  return text
    .replace(/ on \S+, process \d+,/, ` on ${HOST}, process 4242,`)
    .replaceAll(/(?<= {2})\S+:\d+$/gm, `${HOST}:4711`);
}

/** Text as far as it is the same each time: without numbers, and with the widths of columns that depend on them. */
export function shapeOf(text: string): string {
  return text
    .replaceAll(/\d+(d|h|m|s|ms|us)(\d+(h|m|s))?\b|\d+:\d\d:\d\d/g, "AGE")
    .replaceAll(/\d+(\.\d+)*/g, "N")
    .replaceAll(/ {2,}/g, "  ")
    .replaceAll(/^ +/gm, "");
}

const BEGIN = "```text\n$ grain ls\n";

/** The README with another session. @throws when it has none */
export function withSession(readme: string, session: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf("\n```", begin) + 1;
  if (begin < 0) throw new Error("the README has lost its session");
  return `${readme.slice(0, begin)}\`\`\`text\n${session}${readme.slice(end)}`;
}

/** The README's session. */
export function sessionIn(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  if (begin < 0) throw new Error("the README has lost its session");
  return readme.slice(begin + "```text\n".length, readme.indexOf("\n```", begin) + 1);
}
