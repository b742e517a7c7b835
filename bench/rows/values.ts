/** Large values there and back, against a bare gRPC hop. */

import { play, startCluster } from "../clusters.js";
import type { Lab } from "../lab.js";
import type { Row } from "../row.js";

interface Echoed {
  readonly mibPerS: number;
}

async function hopRate(lab: Lab, args: readonly number[]): Promise<number> {
  const server = lab.program("baseline/hop-server");
  const { address } = await server.told<{ address: string }>("listening");
  const { mibPerS } = await play<Echoed>(lab, "baseline/hop-client", { args: [address, ...args] });
  await server.end();
  return mibPerS;
}

function echo(mebibytes: number, inFlight: number, count: number, least: number): Row {
  const name = `echo-${mebibytes}`;
  return {
    name,
    lines: [
      {
        name,
        title: `echo of ${mebibytes} MiB${inFlight > 1 ? `, ${inFlight} in flight` : ""}`,
        unit: "MiB/s",
        digits: 0,
        bound: { least },
        ratio: { of: "bare gRPC hop", bound: { least: 1.2 } },
      },
    ],
    async prepare(lab) {
      const { head } = await startCluster(lab);
      return {
        async run() {
          const args = [mebibytes, inFlight, count];
          const baseline = await hopRate(lab, args);
          const { mibPerS } = await play<Echoed>(lab, "program/echo", { address: head.address, args });
          return { [name]: { value: mibPerS, baseline } };
        },
      };
    },
  };
}

export const valueRows: readonly Row[] = [echo(1, 8, 200, 400), echo(64, 1, 6, 250)];
