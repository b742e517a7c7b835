/** Results that nobody reads for a while: `pending MIB COUNT`. Each is checked by all of its bytes when it is read at last. */

import { cores, delayed, run, token } from "grain-scheduler";
import { numberAt, ready, tell } from "../tell.js";

/** At hardly any place those of another task. */
function numberOf(task: number, place: number): number {
  return (Math.imul(task, 0x9e3779b1) + place) >>> 0;
}

const numbers = delayed(function numbers(task: number, mebibytes: number): Uint32Array {
  return new Uint32Array(mebibytes * 1024 * 256).map((_, place) => numberOf(task, place));
}).with(cores(1), token("pending"));

await run(
  async () => {
    const [mebibytes, count] = [numberAt(0), numberAt(1)];
    await numbers(0, 1);
    await ready();
    let right = 0;
    const check = async (task: number) => {
      const value = await numbers(task, mebibytes);
      if (
        value.length === mebibytes * 1024 * 256 &&
        value.every((found, place) => found === numberOf(task, place))
      )
        right += 1;
    };
    const checks = Array.from({ length: count }, (_, i) => check(i + 1));
    await Promise.all(checks);
    tell("done", { right });
  },
  { progress: false, name: "pending" },
);
