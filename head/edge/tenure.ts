/** A head's time with an edge file: says where it listens, keeps saying so, and notices when another has taken over. */

import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { type EdgeAddress, parseAddress } from "../../proto/address.js";
import { type EdgeRecord, RENEW_MS, readRecord } from "../../proto/edge/record.js";
import { ConfigError, messageOf } from "../../proto/errors.js";
import { thisProcess } from "../../proto/process-name.js";
import { VERSION } from "../../proto/version.js";
import { isBefore, newId, takeTurn, writeRecord } from "./claim.js";
import { anywhere, reachableAt } from "./interfaces.js";

/** What a head that may have an edge file is told. */
export interface EdgeOptions {
  readonly insecure: boolean;
  /** The head's access directory; empty: none. */
  readonly access: string;
  readonly warn: (text: string) => void;
  /** When it resolves, waiting for clarity is over. */
  readonly stopped?: Promise<unknown>;
}

/** How it came out. */
export type Entry =
  | { readonly type: "head"; readonly tenure: Tenure; readonly listen: readonly string[] }
  /** Another head has the file, and lives. */
  | { readonly type: "elsewhere"; readonly message: string };

/**
 * Takes the edge file, if there is one among the addresses, before the head listens.
 *
 * @param listen of which one may be `edge:///path`
 * @throws ConfigError when there are several, or it cannot be written
 */
export async function enterEdge(listen: readonly string[], options: EdgeOptions): Promise<Entry> {
  const { insecure, access, warn, stopped } = options;
  const parsed = listen.map((text) => parseAddress(text));
  const edges = parsed.filter((address): address is EdgeAddress => address.type === "edge");
  if (edges.length > 1) throw new ConfigError("A head has one edge file; name one.");
  const [edge] = edges;
  if (edge === undefined) return { type: "head", tenure: new Tenure(undefined), listen };
  const sockets = listen.filter((_, index) => parsed[index]!.type !== "edge");
  const own: EdgeRecord = {
    id: newId(),
    generation: 0,
    beat: 0,
    addresses: [],
    process: thisProcess(),
    host: hostname(),
    version: VERSION,
    access,
  };
  const waiting = new AbortController();
  void stopped?.then(() => waiting.abort());
  const turn = await takeTurn(edge.path, own, waiting.signal);
  if (turn.type === "stopped")
    return {
      type: "elsewhere",
      message: `told to end before it was clear whether a head of ${edge.path} lives`,
    };
  if (turn.type === "theirs") return { type: "elsewhere", message: elsewhere(edge.path, turn.record) };
  return {
    type: "head",
    tenure: new Tenure({ path: edge.path, record: turn.record, turn: turn.turn, warn }),
    listen: sockets.length > 0 ? sockets : [anywhere(insecure)],
  };
}

interface Held {
  readonly path: string;
  readonly record: EdgeRecord;
  readonly turn: string;
  readonly warn: (text: string) => void;
}

/** The time that a head has an edge file. Of a head without one nothing happens here. */
export class Tenure {
  /** Resolves to why, when another head has taken over. */
  readonly over: Promise<string>;
  readonly #held: Held | undefined;
  #record: EdgeRecord | undefined;
  #ended: (why: string) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #isClosed = false;
  #failing = false;

  constructor(held: Held | undefined) {
    this.#held = held;
    this.#record = held?.record;
    this.over = new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  /**
   * Says where the head listens, from now on.
   *
   * @param bound with real ports
   */
  async publish(bound: readonly string[]): Promise<void> {
    if (this.#held === undefined || this.#record === undefined) return;
    const { path, turn } = this.#held;
    this.#record = { ...this.#record, addresses: reachableAt(bound) };
    await writeRecord(path, this.#record);
    await this.#removeTurns(path, turn);
    const renew = () => {
      this.#renewing = this.#renew(path).finally(() => {
        if (!this.#isClosed) this.#timer = setTimeout(renew, RENEW_MS).unref();
      });
    };
    this.#timer = setTimeout(renew, RENEW_MS).unref();
  }

  /** Takes the entry away, if it is this head's; nothing is written after that. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#renewing;
    if (this.#held === undefined) return;
    const { path, turn, record } = this.#held;
    try {
      if ((await readRecord(path))?.id === record.id) await rm(path, { force: true });
      if ((await readRecord(turn))?.id === record.id) await rm(turn, { force: true });
    } catch (error) {
      this.#held.warn(`the edge file could not be removed: ${messageOf(error)}`);
    }
  }

  /** Its own, and those of heads that died in their turn before it. */
  async #removeTurns(path: string, turn: string): Promise<void> {
    await rm(turn, { force: true });
    const last = this.#held!.record.generation;
    for (let generation = last - 1; generation > 0; generation -= 1) {
      const earlier = `${path}.${generation}`;
      if ((await readRecord(earlier)) === undefined) return;
      await rm(earlier, { force: true });
    }
  }

  async #renew(path: string): Promise<void> {
    const own = this.#record!;
    try {
      const found = await readRecord(path);
      if (found !== undefined && found.id !== own.id && !isBefore(found, own)) {
        this.#isClosed = true;
        this.#ended(`another head has taken over ${path} (on ${found.host}, pid ${found.process.pid})`);
        return;
      }
      this.#record = { ...own, beat: own.beat + 1 };
      await writeRecord(path, this.#record);
      if (this.#failing) this.#held!.warn(`the edge file ${path} is written again`);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        this.#held!.warn(`the edge file cannot be written; trying again: ${messageOf(error)}`);
      this.#failing = true;
    }
  }
}

function elsewhere(path: string, { host, process: owner, addresses }: EdgeRecord): string {
  const where = addresses.length === 0 ? "" : `, listening on ${addresses.join(", ")}`;
  return `a head of ${path} runs already, on ${host} (pid ${owner.pid})${where}`;
}
