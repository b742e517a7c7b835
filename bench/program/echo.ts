/** Values there and back: `echo MIB IN_FLIGHT COUNT`. Each byte is counted once. */

import { cores, delayed, each, run } from "grain-scheduler";
import { numberAt, ready, tell } from "../tell.js";

const echo = delayed(function echo(value: Uint8Array): Uint8Array {
  return value;
}).with(cores(1));

async function passAll(mebibytes: number, inFlight: number, more: () => boolean): Promise<number> {
  const values = Array.from({ length: inFlight }, (_, i) =>
    new Uint8Array(mebibytes * 1024 * 1024).fill(i + 1),
  );
  let passed = 0;
  const view = (value: Uint8Array) => new DataView(value.buffer);
  await Promise.all(
    values.map(async (value) => {
      while (more()) {
        passed += 1;
        // Different each time, or only the first would be sent.
        view(value).setUint32(0, passed);
        const sent = passed;
        const back = await echo(value);
        if (back.byteLength !== value.byteLength || view(back.slice(0, 8)).getUint32(0) !== sent)
          throw new Error("a value came back changed");
      }
    }),
  );
  return passed;
}

await run(
  async () => {
    const [mebibytes, inFlight, count] = [numberAt(0), numberAt(1), numberAt(2)];
    await each([echo(new Uint8Array(1)), echo(new Uint8Array(2))]);
    await ready();
    let left = count;
    const startedAt = performance.now();
    const passed = await passAll(mebibytes, inFlight, () => left-- > 0);
    tell("done", { mibPerS: (passed * mebibytes * 1000) / (performance.now() - startedAt) });
  },
  { progress: false },
);
