/** What a head has recorded: two tasks at a time of four on one worker. */

export const LINES = [
  { type: "trace", version: 1, head: "1.0.0", startedAt: "2026-01-01T00:00:00.000Z" },
  {
    type: "worker",
    atMs: 0,
    worker: 1,
    name: "one",
    pool: { cores: 4, gpus: 0, memoryBytes: 16 * 1024 ** 3, others: [], tokens: [] },
  },
  { type: "session", atMs: 10, session: 1, name: "ann", prioritized: false, priority: 0 },
  { type: "spec", atMs: 10, session: 1, spec: 1, request: "2 cores", priority: 0 },
  { type: "submit", atMs: 1_000, session: 1, spec: 1, first: 1, count: 4 },
  end(11_000, [1, 2]),
  end(21_000, [3, 4]),
];

function end(atMs: number, tasks: number[]) {
  const runUs = tasks.map(() => 10_000_000);
  return { type: "end", atMs, session: 1, spec: 1, worker: 1, tasks, attempts: tasks.map(() => 1), runUs };
}

/** As the file holds it. */
export const TRACE = LINES.map((line) => `${JSON.stringify(line)}\n`).join("");
