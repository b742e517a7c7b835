/** Watches descriptors and memory of processes that live through everything: neither may grow. */

import { readdirSync } from "node:fs";
import { residentMiB } from "../../bench/usage.js";

interface Sample {
  readonly descriptors: number;
  readonly memoryMiB: number;
}

/** What connections that come and go, and garbage that is not collected yet, may make of a difference. */
const SLACK: Sample = { descriptors: 24, memoryMiB: 96 };
/** With fewer there is no early and late. */
const MIN_SAMPLES = 9;

/** Samples of several processes. */
export class Growth {
  readonly #samples = new Map<string, Sample[]>();

  /** Looks at a process of this name; one that has ended is left out. */
  look(name: string, pid: number): void {
    const samples = this.#samples.get(name) ?? [];
    this.#samples.set(name, samples);
    try {
      const descriptors = readdirSync(`/proc/${pid}/fd`).length;
      const memoryMiB = residentMiB(pid);
      if (Number.isFinite(memoryMiB)) samples.push({ descriptors, memoryMiB });
    } catch {
      // It has ended, or there is no /proc here.
    }
  }

  /** One line for each process that grew: the least of its last third is above the most of its first. */
  complaints(): string[] {
    return [...this.#samples].flatMap(([name, samples]) => {
      if (samples.length < MIN_SAMPLES) return [];
      return (["descriptors", "memoryMiB"] as const).flatMap((what) => {
        const { early, late } = ends(samples, what);
        return late > early + SLACK[what]
          ? [`${name} grew: ${what} from at most ${Math.round(early)} to at least ${Math.round(late)}`]
          : [];
      });
    });
  }

  /** How it went, for people. */
  toString(): string {
    return [...this.#samples]
      .filter(([, samples]) => samples.length >= MIN_SAMPLES)
      .map(([name, samples]) => {
        const fds = ends(samples, "descriptors");
        const memory = ends(samples, "memoryMiB");
        return `${name}: ${fds.early} → ${fds.late} descriptors, ${Math.round(memory.early)} → ${Math.round(memory.late)} MiB`;
      })
      .join("\n");
  }
}

/** The most of the first third and the least of the last. */
function ends(samples: readonly Sample[], what: keyof Sample): { early: number; late: number } {
  const third = Math.floor(samples.length / 3);
  const of = (part: readonly Sample[]) => part.map((sample) => sample[what]);
  return { early: Math.max(...of(samples.slice(0, third))), late: Math.min(...of(samples.slice(-third))) };
}
