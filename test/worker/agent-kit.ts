/** Agents with real executors, and a head that does what a test says; ended after each test. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect } from "vitest";
import type { Pool } from "../../proto/resource/pool.js";
import { type Agent, type AgentOptions, startAgent } from "../../worker/agent/agent.js";
import { poolOf } from "./agent/world.js";
import { FakeHead, type Outcome } from "./fake-head.js";

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
/** The modules that are here. */
export const IMPORTS = ["tasks.mjs", "broken.mjs", "main.mjs", "unruly.mjs"].map(fixture);

const agents: { agent: Agent; directory: string }[] = [];

/** Starts an agent with the fixtures' modules. */
export function start(
  pool: Pool = poolOf(2, 8),
  head = new FakeHead(),
  more: Partial<AgentOptions> = {},
): { head: FakeHead; agent: Agent } {
  const directory = mkdtempSync(join(tmpdir(), "grain-worker-test-"));
  const agent = startAgent({
    connection: head.connection,
    name: "w1",
    pool,
    imports: IMPORTS,
    cacheDir: join(directory, "bundles"),
    ...more,
  });
  agents.push({ agent, directory });
  return { head, agent };
}

/** Whether there is such a process. One that nobody has collected yet has ended all the same. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

afterEach(async () => {
  for (const { agent, directory } of agents.splice(0)) {
    const pids = agent.status().executors;
    await agent.close();
    expect(pids.filter(lives)).toEqual([]);
    rmSync(directory, { recursive: true });
  }
});

/** The value of a task that has one. */
export function valueIn(outcome: Outcome): unknown {
  expect(outcome.type).toBe("value");
  return outcome.type === "value" ? outcome.value : undefined;
}

/** The failure of a task that failed. */
export function failureIn(outcome: Outcome) {
  if (outcome.type !== "failure") throw new Error(`It did not fail: ${JSON.stringify(outcome)}`);
  return outcome.failure;
}
