/** The `grain` command inside the test: what it prints, and its exit code. */

import { vi } from "vitest";
import { main } from "../../../client/cli/main.js";

/** What a command said. */
export interface Spoken {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command. */
export async function grain(...args: string[]): Promise<Spoken> {
  const said = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      said[name] += text;
      return true;
    }),
  );
  try {
    return { code: await main(args), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
