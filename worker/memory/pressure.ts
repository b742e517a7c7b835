/** Whether this machine, or the control group that this process is in, is about to run out of memory. */

import { type Cgroup, cgroups, readText } from "../detect.js";

/** Less than this share left is a shortage… */
const SHORT_SHARE = 0.05;
/** …which is over when more than this is left. */
const ENOUGH_SHARE = 0.08;
/** On large machines no more than this has to be left. */
const PLENTY_BYTES = 4 * 1024 ** 3;
/** cgroup v1 says so much when there is no limit. */
const NO_LIMIT_BYTES = 2 ** 60;

/** So much can be had of so much. */
interface Room {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Looks at the memory of this machine. */
export class Pressure {
  readonly #root: string;
  readonly #groups: readonly Cgroup[];
  #isShort = false;

  /** @param root where `/proc` and `/sys` are */
  constructor(root = "/") {
    this.#root = root;
    this.#groups = cgroups(root);
  }

  /** Whether memory is short now; once it was, only when there is clearly enough again it is not. */
  look(): boolean {
    const share = this.#isShort ? ENOUGH_SHARE : SHORT_SHARE;
    const rooms = [machineRoom(this.#root), ...this.#groups.map(groupRoom)];
    this.#isShort = rooms.some((room) => room !== undefined && isShort(room, share));
    return this.#isShort;
  }
}

/** What a shortage means to somebody. */
export interface PressureHandler {
  /** It has begun, or is over. */
  changed(isShort: boolean): void;
  /** It goes on. */
  lasts(): void;
}

/** Memory is looked at no more often. */
const PERIOD_MS = 1_000;

/** Looks for a shortage when it is convenient. */
export class PressureWatch {
  readonly #isShort: () => boolean;
  readonly #handler: PressureHandler;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #wasShort = false;

  /** @param isShort asked once a second at most */
  constructor(isShort: () => boolean, handler: PressureHandler) {
    this.#isShort = isShort;
    this.#handler = handler;
  }

  /** Looks, unless that was done just now. */
  look(): void {
    const now = performance.now();
    if (now - this.#lookedAtMs < PERIOD_MS) return;
    this.#lookedAtMs = now;
    const isShort = this.#isShort();
    if (isShort !== this.#wasShort) {
      this.#wasShort = isShort;
      this.#handler.changed(isShort);
    } else if (isShort) {
      this.#handler.lasts();
    }
  }
}

function isShort({ freeBytes, totalBytes }: Room, share: number): boolean {
  return freeBytes < Math.min(totalBytes * share, (PLENTY_BYTES * share) / SHORT_SHARE);
}

function machineRoom(root: string): Room | undefined {
  const text = readText(root, "proc/meminfo") ?? "";
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
  const freeBytes = kilobytes("MemAvailable") * 1024;
  const totalBytes = kilobytes("MemTotal") * 1024;
  return Number.isNaN(freeBytes + totalBytes) ? undefined : { freeBytes, totalBytes };
}

/** What the kernel can take back from the group's cache of files counts as free. */
function groupRoom({ root, path }: Cgroup): Room | undefined {
  const number = (...names: string[]) => {
    for (const name of names) {
      const text = readText(root, `${path}/${name}`);
      if (text !== undefined) return Number(text.trim());
    }
    return Number.NaN;
  };
  const totalBytes = number("memory.max", "memory.limit_in_bytes");
  const usedBytes = number("memory.current", "memory.usage_in_bytes");
  if (!(totalBytes > 0 && totalBytes < NO_LIMIT_BYTES) || Number.isNaN(usedBytes)) return undefined;
  const stat = readText(root, `${path}/memory.stat`) ?? "";
  const names = /^total_inactive_file /m.test(stat) ? "total_(?:in)?active_file" : "(?:in)?active_file";
  let cacheBytes = 0;
  for (const [, bytes] of stat.matchAll(new RegExp(`^${names} (\\d+)`, "gm"))) cacheBytes += Number(bytes);
  return { freeBytes: totalBytes - usedBytes + cacheBytes, totalBytes };
}
