/** Only one head writes a journal: a file names who does. One whose process is gone is taken over. */

import { link, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { GrainError } from "../../proto/errors.js";

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process started, as its system counts; a number that is given out again is another process. */
  readonly started: string;
}

/** A journal that is this process's. */
export interface Claim {
  /** The head that had it did not end in order. */
  readonly takenOver: boolean;
  /** Gives it back. */
  release(): Promise<void>;
}

const FILE = "held-by.json";
const TAKEOVER = "takeover.json";

/**
 * Claims a journal for this process.
 *
 * @throws GrainError that names who has it
 */
export async function claim(directory: string): Promise<Claim> {
  const file = join(directory, FILE);
  const own = join(directory, `claim-${process.pid}-${Date.now()}-${counter++}.json`);
  const holder: Holder = { pid: process.pid, host: hostname(), started: await startOf(process.pid) };
  await writeFile(own, JSON.stringify(holder), { mode: 0o600 });
  try {
    // A link is made by one of those who try.
    const takenOver = !(await linked(own, file));
    if (takenOver) await takeOver(directory, own, file);
    return { takenOver, release: () => rm(file, { force: true }) };
  } finally {
    await rm(own, { force: true });
  }
}

let counter = 0;

/** Two that find a dead holder at the same time must not take the file from each other. */
async function takeOver(directory: string, own: string, file: string): Promise<void> {
  const turn = join(directory, TAKEOVER);
  if (!(await linked(own, turn))) {
    const other = await holderOf(turn);
    if (other !== undefined && (await isAlive(other))) throw heldBy(directory, other);
    await rm(turn, { force: true });
    if (!(await linked(own, turn))) throw heldBy(directory, await holderOf(turn));
  }
  try {
    const before = await holderOf(file);
    if (before !== undefined && (await isAlive(before))) throw heldBy(directory, before);
    await rm(file, { force: true });
    if (!(await linked(own, file))) throw heldBy(directory, await holderOf(file));
  } finally {
    await rm(turn, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function holderOf(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

async function isAlive({ pid, host, started }: Holder): Promise<boolean> {
  // Of another machine nothing is known but that it may be alive.
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
  }
  return (await startOf(pid)) === started;
}

/** Empty where the system does not say. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // Fields are counted behind the name, which may contain anything: the 22nd is the 20th from there.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function heldBy(directory: string, holder: Holder | undefined): GrainError {
  const who = holder === undefined ? "another head" : `the head with pid ${holder.pid} on ${holder.host}`;
  const otherHost = holder !== undefined && holder.host !== hostname();
  return new GrainError(
    `The journal ${directory} is in use by ${who}; use that head, end it, or start this one with another --journal DIR` +
      `${otherHost ? ` (if that machine is gone, delete ${join(directory, FILE)})` : ""}.`,
  );
}
