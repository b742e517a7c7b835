/** Reads a trace: checks each line, and says of the first that is wrong which one it is and why. */

import { createReadStream } from "node:fs";
import { ConfigError, messageOf } from "../../proto/errors.js";
import { parseRequest } from "../../proto/resource/parse-request.js";
import { TRACE_VERSION, type TraceBegun, type TraceLine } from "./line.js";

/** A trace, line by line. */
export interface Trace {
  readonly begun: TraceBegun;
  /** All but the first. */
  readonly lines: readonly TraceLine[];
  /** The last line was torn, as when the head was killed: it is left out. */
  readonly torn: boolean;
}

type CheckLine = (value: unknown) => { line: TraceLine } | { wrong: string };

/**
 * Reads a trace from a file.
 *
 * @throws ConfigError that names the file, the line and what is wrong with it
 * @example
 * const { lines } = await readTrace("head.trace");
 */
export async function readTrace(path: string): Promise<Trace> {
  try {
    return await parseTrace(pieces(path), path);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`The trace ${path} cannot be read (${messageOf(error)}).`, { cause: error });
  }
}

/** Opened only when it is read, so that a failure is met by the reader. */
async function* pieces(path: string): AsyncGenerator<string> {
  yield* createReadStream(path, { encoding: "utf8" });
}

/**
 * Reads a trace from text, in pieces of any size.
 *
 * @param name named in errors
 * @throws ConfigError that names the line and what is wrong with it
 */
export async function parseTrace(
  text: AsyncIterable<string> | Iterable<string>,
  name: string,
): Promise<Trace> {
  const check = await lineCheck();
  const parser = new Parser(name, check);
  let rest = "";
  for await (const piece of text) {
    const ends = (rest + piece).split("\n");
    rest = ends.pop()!;
    for (const line of ends) parser.take(line);
  }
  return parser.end(rest);
}

class Parser {
  readonly #name: string;
  readonly #check: CheckLine;
  readonly #lines: TraceLine[] = [];
  readonly #sessions = new Map<number, Set<number>>();
  readonly #workers = new Set<number>();
  #begun: TraceBegun | undefined;
  #number = 0;

  constructor(name: string, check: CheckLine) {
    this.#name = name;
    this.#check = check;
  }

  take(text: string): void {
    this.#number += 1;
    if (text.trim() === "") return;
    const line = this.#parse(text);
    if (this.#begun === undefined) {
      this.#begin(line);
      return;
    }
    this.#refer(line);
    this.#lines.push(line);
  }

  end(rest: string): Trace {
    let torn = false;
    if (rest.trim() !== "") {
      if (isJson(rest)) this.take(rest);
      else torn = true;
    }
    if (this.#begun === undefined) {
      throw new ConfigError(
        `${this.#name} is no trace: it is empty; record one with \`grain-head --trace FILE\`.`,
        { file: this.#name },
      );
    }
    return { begun: this.#begun, lines: this.#lines, torn };
  }

  #parse(text: string): TraceLine {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw this.#wrong(`it is not JSON (${messageOf(error)})`);
    }
    // Said before anything else, because another version may look any way.
    if (this.#begun === undefined) this.#checkFirst(value);
    const checked = this.#check(value);
    if ("wrong" in checked) throw this.#wrong(checked.wrong);
    return checked.line;
  }

  #checkFirst(value: unknown): void {
    const { type, version } = (value ?? {}) as { type?: unknown; version?: unknown };
    if (type !== "trace")
      throw this.#wrong('it is not the first line of a trace (`"type":"trace"` is expected)');
    if (version !== TRACE_VERSION)
      throw this.#wrong(
        `it is of version ${JSON.stringify(version)} of the format, and this is for version ${TRACE_VERSION}`,
      );
  }

  #begin(line: TraceLine): void {
    if (line.type === "trace") this.#begun = line;
  }

  /** Whatever a line speaks of must have been introduced. */
  #refer(line: TraceLine): void {
    switch (line.type) {
      case "trace":
        throw this.#wrong("a second trace begins here");
      case "worker":
        this.#workers.add(line.worker);
        return;
      case "session":
        this.#sessions.set(line.session, new Set());
        return;
      case "spec":
        this.#specsOf(line.session).add(line.spec);
        return this.#checkRequest(line.request);
      case "submit":
      case "end":
      case "fail":
        if (!this.#specsOf(line.session).has(line.spec))
          throw this.#wrong(`spec ${line.spec} of session ${line.session} has not been defined`);
        if (line.type !== "submit" && !this.#workers.has(line.worker))
          throw this.#wrong(`worker ${line.worker} has not joined`);
        return;
      case "workerLeft":
        if (!this.#workers.has(line.worker)) throw this.#wrong(`worker ${line.worker} has not joined`);
        return;
      default:
        return;
    }
  }

  #specsOf(session: number): Set<number> {
    const specs = this.#sessions.get(session);
    if (specs === undefined) throw this.#wrong(`session ${session} has not been opened`);
    return specs;
  }

  #checkRequest(request: string): void {
    try {
      parseRequest(request);
    } catch (error) {
      throw this.#wrong(`its request is not understood (${messageOf(error)})`);
    }
  }

  #wrong(what: string): ConfigError {
    return new ConfigError(`Line ${this.#number} of the trace ${this.#name} is wrong: ${what}.`, {
      file: this.#name,
      line: this.#number,
    });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What a line must look like. Loaded here: a head that only records needs none of it. */
async function lineCheck(): Promise<CheckLine> {
  const { z } = await import("zod");
  const number = z.number();
  const count = z.number().int().min(0);
  const at = { atMs: number };
  const pool = z.object({
    cores: count,
    gpus: count,
    memoryBytes: count,
    others: z.array(z.object({ kind: z.string(), amount: count })),
    tokens: z.array(z.string()),
    remainingMs: number.optional(),
  });
  const on = { ...at, session: count, spec: count, worker: count, alternative: count.optional() };
  const line = z.discriminatedUnion("type", [
    z.object({ type: z.literal("trace"), version: count, head: z.string(), startedAt: z.string() }),
    z.object({ type: z.literal("worker"), ...at, worker: count, name: z.string(), pool }),
    z.object({ type: z.literal("workerLeft"), ...at, worker: count, planned: z.boolean() }),
    z.object({
      type: z.literal("session"),
      ...at,
      session: count,
      name: z.string(),
      prioritized: z.boolean(),
      priority: number,
    }),
    z.object({
      type: z.literal("spec"),
      ...at,
      session: count,
      spec: count,
      request: z.string(),
      priority: number,
    }),
    z.object({ type: z.literal("submit"), ...at, session: count, spec: count, first: count, count }),
    z
      .object({
        type: z.literal("end"),
        ...on,
        tasks: z.array(count),
        attempts: z.array(count),
        runUs: z.array(number),
      })
      .refine(
        ({ tasks, attempts, runUs }) => attempts.length === tasks.length && runUs.length === tasks.length,
        { error: "tasks, attempts and runUs are not equally long" },
      ),
    z.object({
      type: z.literal("fail"),
      ...on,
      task: count,
      attempt: count,
      runUs: number,
      final: z.boolean(),
    }),
    z.object({ type: z.literal("conclude"), ...at, session: count, tasks: z.array(count), why: z.string() }),
    z.object({ type: z.literal("dropped"), lines: count }),
  ]);
  return (value) => {
    const parsed = line.safeParse(value);
    if (parsed.success) return { line: parsed.data };
    const issue = parsed.error.issues[0];
    const where = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
    return { wrong: `${where}${issue?.message ?? "it has another form"}` };
  };
}
