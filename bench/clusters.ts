/** What rows are measured on: a head with a worker of two cores, the bare relay, and one program on either. */

import type { HeadProcess, Lab, ProgramOptions } from "./lab.js";
import type { Running } from "./running.js";

/** A head and a worker. */
export interface Cluster {
  readonly head: HeadProcess;
  readonly worker: Running;
}

export async function startCluster(lab: Lab, headArgs: readonly string[] = []): Promise<Cluster> {
  const head = await lab.head(headArgs);
  return { head, worker: await lab.worker(head.address) };
}

/** A relay and its worker. */
export interface Relay {
  readonly address: string;
  end(): Promise<void>;
}

export async function startRelay(lab: Lab): Promise<Relay> {
  const relay = lab.program("baseline/relay");
  const { address } = await relay.told<{ address: string }>("listening");
  const worker = lab.program("baseline/relay-worker", { args: [address] });
  await relay.told("joined");
  return {
    address,
    async end() {
      await worker.end();
      await relay.end();
    },
  };
}

/** What to do around the measured part of a program. */
export interface Around {
  before?(program: Running): void;
  after?(program: Running): void;
}

/** Runs a program that says when it is ready and what it measured. */
export async function play<T>(
  lab: Lab,
  name: string,
  options: ProgramOptions,
  around: Around = {},
): Promise<T> {
  const program = lab.program(name, options);
  await program.told("ready");
  around.before?.(program);
  program.go();
  const done = await program.told<T>("done");
  around.after?.(program);
  program.go();
  await program.ended();
  return done;
}

/** Tasks per second of so many no-op tasks at once, by a new client. */
export async function noopRate(lab: Lab, address: string, count: number, around?: Around): Promise<number> {
  const { ms } = await play<{ ms: number }>(lab, "program/noop", { address, args: [count] }, around);
  return (count * 1000) / ms;
}

/** The same through the bare relay. */
export async function relayRate(lab: Lab, relay: Relay, count: number): Promise<number> {
  const { ms } = await play<{ ms: number }>(lab, "baseline/relay-client", {
    args: [relay.address, "rate", count],
  });
  return (count * 1000) / ms;
}

/** The relay's rate in the first run of three new processes. */
export async function firstRelayRate(lab: Lab, count: number): Promise<number> {
  const relay = await startRelay(lab);
  try {
    return await relayRate(lab, relay, count);
  } finally {
    await relay.end();
  }
}
