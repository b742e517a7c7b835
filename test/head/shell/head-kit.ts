/** A head with scripted peers in memory; closed after the test. */

import { onTestFinished } from "vitest";
import { Head } from "../../../head/shell/head.js";
import type { HeadOptions } from "../../../head/shell/head-options.js";
import type { ClientMessage, HeadToClient, HeadToWorker, WorkerMessage } from "../../../proto/grain.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { ScriptedClient, ScriptedWorker } from "../../kit/peers.js";

/** A head and what connects to it. */
export interface TestHead {
  readonly head: Head;
  /** Lines of the head's log. */
  readonly lines: string[];
  client(): ScriptedClient;
  worker(): ScriptedWorker;
}

export function openHead(options: HeadOptions = {}): TestHead {
  const lines: string[] = [];
  const add = (line: string) => void lines.push(line);
  const head = new Head({ log: { info: add, warn: add }, ...options });
  onTestFinished(() => head.close());
  return {
    head,
    lines,
    client() {
      const [mine, heads] = memoryLink<ClientMessage, HeadToClient>();
      head.acceptClient(heads);
      return new ScriptedClient(mine);
    },
    worker() {
      const [mine, heads] = memoryLink<WorkerMessage, HeadToWorker>();
      head.acceptWorker(heads);
      return new ScriptedWorker(mine);
    },
  };
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);
