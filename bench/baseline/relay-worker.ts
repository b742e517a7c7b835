/** The bare relay's worker: runs each call where it arrives. */

import { pack, unpack } from "msgpackr";
import { type Batch, Gathering, openStream, type Result } from "../wire.js";

const functions: ((...args: unknown[]) => unknown)[] = [() => undefined];

const stream = openStream(process.argv[2]!, "worker");
const out = new Gathering<Result>((results) => stream.write({ results }));
stream.on("data", ({ calls }: Batch) => {
  for (const call of calls ?? []) {
    const value = functions[call.function]!(...(unpack(call.args) as unknown[]));
    out.push({ id: call.id, value: pack(value) });
  }
});
// The relay has ended.
stream.on("error", () => process.exit(0));
// Its stream reaches the relay with the headers.
stream.write({});
