/** How long until something works: embedded, a head, the first task of a new bundle. */

import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noopRate, startCluster } from "../clusters.js";
import type { Lab } from "../lab.js";
import type { Row } from "../row.js";

const line = { unit: "ms", digits: 0 } as const;

async function told(lab: Lab, name: string, address?: string): Promise<number> {
  const program = lab.program(name, address === undefined ? {} : { address });
  const { ms } = await program.told<{ ms: number }>("done");
  await program.ended();
  return ms;
}

/** A copy of the program with a bundle that no worker has seen. */
function freshBundle(lab: Lab): string {
  const name = `program/first-bundle-${randomUUID()}`;
  const source = readFileSync(join(lab.programs, "program/first-bundle.mjs"), "utf8");
  writeFileSync(join(lab.programs, `${name}.mjs`), source.replace("the salt", name));
  return name;
}

const start: Row = {
  name: "start",
  lines: [
    {
      ...line,
      name: "start-embedded",
      title: "embedded: import and first task's result",
      bound: { most: 250 },
    },
    { ...line, name: "start-head", title: "grain-head: from its start to listening", bound: { most: 200 } },
    {
      ...line,
      name: "start-bundle",
      title: "first task of a new bundle on a warm worker",
      bound: { most: 100 },
    },
  ],
  async prepare(lab) {
    const { head } = await startCluster(lab);
    await noopRate(lab, head.address, 1_000);
    return {
      async run() {
        const embedded = await told(lab, "program/first-embedded");
        const startedAt = performance.now();
        const other = await lab.head();
        const listening = performance.now() - startedAt;
        await other.running.end();
        const bundle = await told(lab, freshBundle(lab), head.address);
        return {
          "start-embedded": { value: embedded },
          "start-head": { value: listening },
          "start-bundle": { value: bundle },
        };
      },
    };
  },
};

export const startRows: readonly Row[] = [start];
