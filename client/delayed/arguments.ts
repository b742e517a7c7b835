/** The arguments of delayed functions: none may be a `Delayed`. What else cannot be sent is the encoding's to say. */

import { isPlainObject } from "./plain-object.js";
import { isDelayed } from "./surface.js";

/**
 * Refuses a `Delayed` among the arguments, or in an array or plain object among them. Deeper ones are
 * refused when the argument is encoded.
 *
 * @throws TypeError that names the function and the place, and says to await it first
 */
export function checkArguments(name: string, args: readonly unknown[]): void {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (isDelayed(arg)) throw refusal(name, `args[${index}]`, index);
    if (Array.isArray(arg)) {
      for (let item = 0; item < arg.length; item++)
        if (isDelayed(arg[item])) throw refusal(name, `args[${index}][${item}]`, index);
    } else if (isPlainObject(arg)) {
      for (const key of Object.keys(arg)) {
        const descriptor = Object.getOwnPropertyDescriptor(arg, key);
        if (isDelayed(descriptor?.value)) throw refusal(name, `args[${index}].${key}`, index);
      }
    }
  }
}

function refusal(name: string, path: string, index: number): TypeError {
  return new TypeError(
    `${name}: argument ${index + 1} (${path}) is a Delayed; await it first, as ${name}(await r): a delayed function takes plain values.`,
  );
}
