/** Local operators: no task, no head. */

import type { Row } from "../row.js";

const COUNT = 1_000_000;

const operators: Row = {
  name: "operators",
  lines: [
    {
      name: "operators",
      title: "1,000,000 chained op.add and accesses, built and evaluated",
      unit: "s",
      digits: 2,
      bound: { most: 1.5 },
    },
    {
      name: "operators-bytes",
      title: "memory of each of them",
      unit: "bytes",
      digits: 0,
      bound: { most: 300 },
    },
  ],
  async prepare(lab) {
    return {
      async run() {
        const program = lab.program("program/operators", { args: [COUNT], nodeFlags: ["--expose-gc"] });
        const { ms, bytes } = await program.told<{ ms: number; bytes: number }>("done");
        await program.ended();
        return { operators: { value: ms / 1000 }, "operators-bytes": { value: bytes } };
      },
    };
  },
};

export const operatorRows: readonly Row[] = [operators];
