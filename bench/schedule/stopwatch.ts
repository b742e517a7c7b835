/**
 * Time that was worked, not waited for the processor: the lesser of wall time and
 * processor time. So that what else runs on the machine is not measured too.
 */
export class Stopwatch {
  #wallMs = performance.now();
  #cpu = process.cpuUsage();

  /** Milliseconds since it was made or last read. */
  lap(): number {
    const wallMs = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    const lapMs = Math.min(wallMs - this.#wallMs, (user + system) / 1_000);
    this.#wallMs = wallMs;
    this.#cpu = process.cpuUsage();
    return lapMs;
  }
}
