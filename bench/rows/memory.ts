/** Memory of head and client with a million tasks queued. */

import { connectAdmin } from "../../proto/link/grpc/connect.js";
import type { Row } from "../row.js";
import { residentMiB } from "../usage.js";

const QUEUED = 1_000_000;

async function queuedAt(address: string): Promise<void> {
  const admin = await connectAdmin(address, { giveUpMs: 10_000 });
  try {
    for (;;) {
      const { sessions } = await admin.status();
      if (sessions.some(({ queued }) => queued === QUEUED)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    admin.close();
  }
}

const memory: Row = {
  name: "memory",
  lines: [
    {
      name: "memory-head",
      title: "1,000,000 queued no-op tasks: head",
      unit: "MiB",
      digits: 0,
      bound: { most: 700 },
    },
    {
      name: "memory-client",
      title: "1,000,000 queued no-op tasks: client",
      unit: "MiB",
      digits: 0,
      bound: { most: 1.2 * 1024 },
    },
  ],
  async prepare(lab) {
    return {
      async run() {
        const head = await lab.head();
        const client = lab.program("program/queue", { address: head.address, args: [QUEUED] });
        await client.told("submitted");
        await queuedAt(head.address);
        const figures = {
          "memory-head": { value: residentMiB(head.pid) },
          "memory-client": { value: residentMiB(client.pid) },
        };
        await client.end("SIGKILL");
        await head.running.end("SIGKILL");
        return figures;
      },
    };
  },
};

export const memoryRows: readonly Row[] = [memory];
