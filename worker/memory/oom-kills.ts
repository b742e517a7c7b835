/** Whether the kernel has ended processes for want of memory: it does so with SIGKILL and tells nobody why. */

import { type Cgroup, cgroups, readText } from "../detect.js";

/** Counts of the kernel's kills, of this process's control groups and of the machine. */
export class OomKills {
  readonly #root: string;
  readonly #groups: readonly Cgroup[];
  #count: number;

  /** @param root where `/proc` and `/sys` are */
  constructor(root = "/") {
    this.#root = root;
    this.#groups = cgroups(root);
    this.#count = this.#read();
  }

  /** Whether there was one since this was asked last. */
  happened(): boolean {
    const before = this.#count;
    this.#count = this.#read();
    return this.#count > before;
  }

  #read(): number {
    let count = Number(/^oom_kill (\d+)/m.exec(readText(this.#root, "proc/vmstat") ?? "")?.[1] ?? 0);
    for (const { root, path } of this.#groups) {
      const text =
        readText(root, `${path}/memory.events`) ?? readText(root, `${path}/memory.oom_control`) ?? "";
      count += Number(/^oom_kill (\d+)/m.exec(text)?.[1] ?? 0);
    }
    return count;
  }
}
