/** Ids of cores and devices: lists such as "0-3,8", and choosing the first few. */

import { ResourceError } from "../errors.js";
import { show } from "./show.js";

/** Far above any machine; stops a slip of the finger from filling the memory. */
const MAX_IDS = 65_536;
const MAX_ID = 2 ** 32 - 1;

const LIST = /^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/;

/**
 * Checks and sorts ids.
 *
 * @throws ResourceError when one is not a whole number from 0 to 2^32 - 1 or appears twice
 */
export function checkIds(ids: readonly unknown[], field: string): number[] {
  if (ids.length > MAX_IDS)
    throw new ResourceError(`${field}: ${ids.length} ids are more than ${MAX_IDS}; give fewer.`);
  const checked = ids.map((id) => {
    if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id <= MAX_ID) return id;
    throw new ResourceError(`${field}: ${show(id)} is not an id; ids are whole numbers from 0.`);
  });
  checked.sort((a, b) => a - b);
  const twice = checked.find((id, index) => checked[index + 1] === id);
  if (twice !== undefined)
    throw new ResourceError(`${field}: id ${twice} is given twice; name each id once.`);
  return checked;
}

/**
 * Reads a list of ids.
 *
 * @param text e.g. "0-3,8"
 * @returns ascending
 * @throws ResourceError when it is no such list, or names an id twice
 */
export function parseIds(text: string, field: string): number[] {
  const compact = text.replace(/\s+/g, "");
  if (!LIST.test(compact))
    throw new ResourceError(`${field}: ${show(text)} is not a list of ids; write one such as "0-3,8".`);
  const ids: number[] = [];
  for (const range of compact.split(",")) {
    const [first = 0, last = first] = range.split("-").map(Number);
    if (last < first)
      throw new ResourceError(`${field}: the range ${range} runs backwards; write ${last}-${first}.`);
    if (ids.length + last - first >= MAX_IDS)
      throw new ResourceError(`${field}: ${show(text)} names more than ${MAX_IDS} ids; give fewer.`);
    for (let id = first; id <= last; id++) ids.push(id);
  }
  return checkIds(ids, field);
}

/**
 * Writes a list of ids, which `parseIds` reads back.
 *
 * @param ids ascending
 * @returns e.g. "0-3,8"; "" for none
 */
export function formatIds(ids: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const id of ids) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === id - 1) range[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}

/**
 * The first `count` ids of a machine. When it has fewer, all of them and then the ids
 * after its last: who asks for more than there is wants to oversubscribe.
 *
 * @param ids ascending
 * @throws ResourceError when `count` is not a whole number, 0 to 65536
 * @example
 * firstIds([4, 5, 6], 2, "cores") // [4, 5]
 * firstIds([4, 5, 6], 5, "cores") // [4, 5, 6, 7, 8]
 */
export function firstIds(ids: readonly number[], count: number, field: string): number[] {
  if (!Number.isInteger(count) || count < 0)
    throw new ResourceError(
      `${field}: ${count} is not a whole number of 0 or more; a worker owns whole ones.`,
    );
  if (count > MAX_IDS) throw new ResourceError(`${field}: ${count} is more than ${MAX_IDS}; give fewer.`);
  const first = ids.slice(0, count);
  for (let next = (ids.at(-1) ?? -1) + 1; first.length < count; next++) first.push(next);
  return first;
}
