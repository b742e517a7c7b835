/**
 * Names inside resources: kinds that users define, and labels (tokens, limits,
 * walltime groups).
 *
 * A kind is written after a number ("2 licenses") and so is one word; a label may
 * be any short text.
 */

import { ResourceError } from "../errors.js";
import { show, synonymOf } from "./show.js";

/** Names with a meaning of their own, and how to ask for each. */
const BUILT_IN: ReadonlyMap<string, string> = new Map([
  ["cores", "cores(2)"],
  ["memory", 'memory("8G")'],
  ["gpus", "gpus(1)"],
  ["capacity", "capacity(1)"],
  ["node", "node(4, 8)"],
  ["nodes", "nodes(2)"],
  ["wtime", 'wtime("1:00:00")'],
  ["token", 'token("has-gpu")'],
  ["limit", 'limit("license", 4)'],
]);

const MAX_LENGTH = 256;
const KIND = /^\p{L}[\p{L}\p{N}_.:/@+-]*$/u;
/** Such a label needs no quotes. */
const PLAIN_LABEL = /^[\p{L}\p{N}_.:/@+-]+$/u;
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** Kinds that are amounts and yet not the user's own. */
const AMOUNT_KINDS: ReadonlySet<string> = new Set(["cores", "memory", "gpus", "capacity"]);

/**
 * Checks the name of a user-defined kind: a letter, then letters, digits and `_ . : / @ + -`.
 *
 * @throws ResourceError when it is not of this form, or is a built-in kind (also under another
 * usual name, such as "cpus"), with the call to write instead
 */
export function checkOwnKind(kind: unknown, field: string): string {
  checkForm(kind, field);
  const builtIn = BUILT_IN.has(kind.toLowerCase()) ? kind.toLowerCase() : synonymOf(kind);
  if (builtIn !== undefined)
    throw new ResourceError(`${field}: ${show(kind)} is built in; use ${BUILT_IN.get(builtIn)} for it.`);
  return kind;
}

/** Checks the kind of an amount, built-in or user-defined. */
export function checkKind(kind: unknown, field: string): string {
  if (typeof kind === "string" && AMOUNT_KINDS.has(kind)) return kind;
  return checkOwnKind(kind, field);
}

function checkForm(kind: unknown, field: string): asserts kind is string {
  if (typeof kind === "string" && kind.length <= MAX_LENGTH && KIND.test(kind)) return;
  const form = "a kind is a letter followed by letters, digits or _ . : / @ + -";
  throw new ResourceError(`${field}: ${show(kind)} cannot name a resource; ${form}.`);
}

/**
 * Checks a label: 1 to 256 characters, none of them a control character.
 *
 * @throws ResourceError otherwise
 */
export function checkLabel(label: unknown, field: string): string {
  if (typeof label === "string" && label !== "" && label.length <= MAX_LENGTH && !UNPRINTABLE.test(label))
    return label;
  throw new ResourceError(
    `${field}: ${show(label)} is not a name; give a text of 1 to ${MAX_LENGTH} characters.`,
  );
}

/** Writes a label, quoted where it is not one word. */
export function formatLabel(label: string): string {
  return PLAIN_LABEL.test(label) ? label : JSON.stringify(label);
}
