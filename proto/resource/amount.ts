/**
 * Amounts: whole numbers for everything that is counted, never floats, so that
 * taking and giving back is exact.
 *
 * Countable kinds (cores, gpus, capacity, user-defined) are in ten-thousandths of
 * a unit, memory is in bytes. Which amounts make sense together is demand's.
 */

import { ResourceError } from "../errors.js";
import { show } from "./show.js";

/** How many parts one unit of a countable kind has: 15_000 is 1.5 cores. */
export const SCALE = 10_000;

const GIGABYTE = 1024 ** 3;

/** Largest first. */
const MEMORY_UNITS = [
  ["P", 1024 ** 5],
  ["T", 1024 ** 4],
  ["G", GIGABYTE],
  ["M", 1024 ** 2],
  ["K", 1024],
] as const;

const MEMORY = /^(\d+(?:\.\d*)?|\.\d+)\s*(?:([KMGTP])(?:i?B)?|(B))?$/i;

/**
 * Turns what a user wrote into an amount.
 *
 * @param kind "memory": see {@link toBytes}; any other kind is counted, in units
 * @param value in units, down to 1/10000
 * @param field named in errors. Default: the kind
 * @returns ten-thousandths, or bytes; a safe integer, 0 or more
 * @throws ResourceError when it is no number, negative, finer than 1/10000 or too large
 * @example
 * toAmount("cores", 1.5)    // 15_000
 * toAmount("memory", "8G")  // 8_589_934_592
 */
export function toAmount(kind: string, value: unknown, field: string = kind): number {
  if (kind === "memory") return toBytes(value, field);
  if (typeof value !== "number" || Number.isNaN(value))
    throw new ResourceError(`${field}: ${show(value)} is not a number; give one such as 2 or 0.5.`);
  if (value < 0) throw new ResourceError(`${field}: ${value} is negative; give 0 or more.`);
  const exact = value * SCALE;
  const amount = Math.round(exact);
  if (!Number.isSafeInteger(amount)) throw new ResourceError(`${field}: ${value} is too large; give less.`);
  // What floating point adds (0.1 + 0.2) is forgiven; a finer request (1/3) is not silently changed.
  if (Math.abs(exact - amount) > 1e-6 + exact * 1e-15) {
    const rounded = Math.max(amount, 1) / SCALE;
    throw new ResourceError(`${field}: ${value} is finer than 1/${SCALE}; round it, e.g. to ${rounded}.`);
  }
  return amount;
}

/**
 * Turns a size of memory into bytes. Numbers, and texts without a unit, are
 * gigabytes; `K M G T P` (or KB, KiB, …) are powers of 1024, in either case; `B` is bytes.
 *
 * @param field named in errors. Default: "memory"
 * @returns whole bytes (the nearest), 0 only for 0
 * @throws ResourceError when it is no size, is negative, less than a byte or too large
 * @example
 * toBytes(16)     // 16 · 1024³
 * toBytes("512M") // 512 · 1024²
 */
export function toBytes(value: unknown, field = "memory"): number {
  const exact = exactBytes(value, field);
  const bytes = Math.round(exact);
  if (!Number.isSafeInteger(bytes))
    throw new ResourceError(`${field}: ${show(value)} is too large; give less.`);
  if (bytes === 0 && exact > 0)
    throw new ResourceError(`${field}: ${show(value)} is less than a byte; numbers are gigabytes, e.g. 0.5.`);
  return bytes;
}

function exactBytes(value: unknown, field: string): number {
  if (typeof value === "number" && !Number.isNaN(value)) {
    if (value < 0) throw new ResourceError(`${field}: ${value} is negative; give 0 or more gigabytes.`);
    return value * GIGABYTE;
  }
  const match = typeof value === "string" ? MEMORY.exec(value.trim()) : null;
  if (match === null) {
    const expected = 'give gigabytes, e.g. 16, or a text such as "16G", "512M" or "1.5T"';
    throw new ResourceError(`${field}: ${show(value)} is not a size of memory; ${expected}.`);
  }
  if (match[3] !== undefined) return Number(match[1]);
  const letter = match[2]?.toUpperCase() ?? "G";
  const unit = MEMORY_UNITS.find(([name]) => name === letter);
  return Number(match[1]) * (unit?.[1] ?? GIGABYTE);
}

/**
 * Writes a size of memory in the shortest way, with at most three decimals, from which
 * {@link toBytes} reads back the same bytes.
 *
 * @example
 * formatMemory(1.5 * 1024 ** 3) // "1.5G"
 */
export function formatMemory(bytes: number): string {
  let shortest = `${bytes}B`;
  for (const [letter, unit] of MEMORY_UNITS) {
    if (bytes < unit) continue;
    for (let decimals = 0; decimals <= 3; decimals++) {
      const digits = (bytes / unit).toFixed(decimals);
      if (digits.length + 1 < shortest.length && Math.round(Number(digits) * unit) === bytes)
        shortest = `${digits}${letter}`;
    }
  }
  return shortest;
}

/**
 * Writes sizes of memory for people, all in one unit (that of the largest), with at
 * most two decimals. Rounded down, so that asking for what is shown fits.
 *
 * @returns e.g. "15.48G"; of several, "3.2/15.48G"
 */
export function formatMemoryShort(...sizes: readonly number[]): string {
  const largest = Math.max(...sizes);
  const [letter, unit] = MEMORY_UNITS.find(([, size]) => largest >= size) ?? ["B", 1];
  return `${sizes.map((bytes) => Math.floor((bytes / unit) * 100) / 100).join("/")}${letter}`;
}

/**
 * Writes an amount with its kind, exactly.
 *
 * @param amount ten-thousandths; for "memory" bytes
 * @example
 * formatAmount("cores", 15_000)    // "1.5 cores"
 * formatAmount("gpus", 10_000)     // "1 gpu"
 * formatAmount("memory", 1024 ** 3) // "1G memory"
 */
export function formatAmount(kind: string, amount: number): string {
  if (kind === "memory") return `${formatMemory(amount)} memory`;
  if (amount === SCALE && (kind === "cores" || kind === "gpus")) return `1 ${kind.slice(0, -1)}`;
  return `${amount / SCALE} ${kind}`;
}
