/** What is known of an entry of the configuration, beside its name. */

import type { Kind } from "./kind.js";

/** An entry. */
export interface Entry<T> {
  readonly kind: Kind<T>;
  /** For the documentation: what it sets, one line. */
  readonly about: string;
  /** What applies without it, as it would be written in the file. */
  readonly initial?: unknown;
  /** What applies without it, in words, where that is no value of the file. */
  readonly without?: string | undefined;
  /** The variable that goes before the file. */
  readonly variable?: string | undefined;
  /** Why a value has no effect here; undefined: it has. */
  readonly useless?: ((value: unknown) => string | undefined) | undefined;
}

/** What is told of an entry beside its kind. */
interface Notes {
  readonly without?: string;
  readonly variable?: string;
  readonly useless?: (value: unknown) => string | undefined;
}

/** An entry that may be absent. */
export function entry<T>(kind: Kind<T>, about: string, notes: Notes = {}): Entry<T | undefined> {
  return { kind, about, ...notes };
}

/**
 * An entry that always has a value.
 *
 * @param initial as it would be written in the file
 */
export function initially<T>(kind: Kind<T>, initial: unknown, about: string): Entry<T> {
  return { kind, about, initial };
}
