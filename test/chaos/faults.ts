/** What is done to a cluster, chosen at random. */

import type { Random } from "../sim/random.js";
import type { Cluster, Worker } from "./cluster.js";

/** Workers beside the one that is spared. */
export const MORTAL_WORKERS = 3;

/** How long the faults that pass last. */
export interface FaultTimes {
  readonly stopMs: number;
  readonly halfOpenMs: number;
  readonly delayMs: number;
}

type FaultName = "kill worker" | "stop worker" | "kill head" | "drop" | "half-open" | "delay";

/** By how often each is done. */
const NAMES: readonly FaultName[] = [
  "kill worker",
  "kill worker",
  "stop worker",
  "kill head",
  "drop",
  "drop",
  "half-open",
  "delay",
];
const LONGEST_DELAY_MS = 300;

/** Does harm. The first worker is never killed or stopped: it is looked at for what grows. */
export class Faults {
  readonly done = new Map<FaultName, number>();
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #times: FaultTimes;
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped: Worker | undefined;

  constructor(cluster: Cluster, random: Random, times: FaultTimes) {
    this.#cluster = cluster;
    this.#random = random;
    this.#times = times;
  }

  /** @returns what was done; resolves when the cluster is whole again but for faults that pass by themselves */
  async next(): Promise<string> {
    const name = this.#random.pick(NAMES);
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
    return `${name} ${await this.#do(name)}`;
  }

  /** Ends the faults that would pass by themselves. */
  heal(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#continue();
    for (const proxy of this.#cluster.proxies) proxy.heal();
  }

  async #do(name: FaultName): Promise<string> {
    switch (name) {
      case "kill worker":
        return this.#killWorker();
      case "stop worker":
        return this.#stopWorker();
      case "kill head":
        await this.#cluster.killHead();
        await this.#cluster.startHead();
        return "";
      case "drop":
        return this.#onProxy((proxy) => proxy.drop());
      case "half-open":
        return this.#onProxy((proxy) => proxy.halfOpen(this.#times.halfOpenMs));
      case "delay": {
        const byMs = 1 + this.#random.below(LONGEST_DELAY_MS);
        return this.#onProxy((proxy) => proxy.delay(byMs, this.#times.delayMs));
      }
      default:
        return name satisfies never;
    }
  }

  async #killWorker(): Promise<string> {
    const cluster = this.#cluster;
    const worker = cluster.workers[1 + this.#random.below(cluster.workers.length - 1)]!;
    if (worker === this.#stopped) this.#stopped = undefined;
    await cluster.killWorker(worker);
    // Sometimes the new one is taken for the old one, sometimes the old one must be given up.
    const next = await (this.#random.below(2) === 0 ? cluster.addWorker(worker.name) : cluster.addWorker());
    return `${worker.name}; ${next.name} takes its place`;
  }

  #stopWorker(): string {
    if (this.#stopped !== undefined) return "(one is stopped already)";
    const { workers } = this.#cluster;
    const worker = workers[1 + this.#random.below(workers.length - 1)]!;
    this.#stopped = worker;
    worker.running.kill("SIGSTOP");
    const timer = setTimeout(() => this.#continue(), this.#times.stopMs);
    this.#timers.add(timer);
    return worker.name;
  }

  #continue(): void {
    this.#stopped?.running.kill("SIGCONT");
    this.#stopped = undefined;
  }

  #onProxy(harm: (proxy: Cluster["proxies"][number]) => void): string {
    const { proxies, workers } = this.#cluster;
    const which = this.#random.below(proxies.length);
    harm(proxies[which]!);
    return workers[which]?.name ?? `program ${which - workers.length + 1}`;
  }
}
