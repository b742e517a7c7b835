/** The errors for what cannot be sent: each names the place, the thing and the way out. */

import { SerializationError } from "../errors.js";
import { formatPlace, type Place } from "./place.js";

/** What cannot be sent. */
export type Refusal =
  | { readonly type: "function"; readonly name: string }
  | { readonly type: "symbol" }
  | { readonly type: "promise" }
  | { readonly type: "weak"; readonly className: string }
  | { readonly type: "stream"; readonly className: string }
  | { readonly type: "proxy" }
  | { readonly type: "sharedMemory" }
  | { readonly type: "detached" }
  | { readonly type: "platform"; readonly className: string }
  | { readonly type: "methods"; readonly className: string; readonly methods: readonly string[] }
  | { readonly type: "causedByItself" }
  | { readonly type: "tooDeep"; readonly levels: number };

const SHOWN_METHODS = 3;

/**
 * Makes the error for something that cannot be sent.
 *
 * @param place where it was found
 * @param root what the whole value is called, e.g. "args"
 */
export function refusalError(refusal: Refusal, place: Place, root: string): SerializationError {
  const path = formatPlace(place, root);
  return new SerializationError(`${path} ${describe(refusal)}`, { path });
}

function describe(refusal: Refusal): string {
  switch (refusal.type) {
    case "function": {
      const name = refusal.name === "" ? "" : ` (${refusal.name})`;
      return `is a function${name}, and functions cannot be sent: pass plain data, and define the function at the top level of the task's module.`;
    }
    case "symbol":
      return "is a symbol, and symbols cannot be sent: pass a string.";
    case "promise":
      return "is a promise, which cannot be sent: await it first and pass its value.";
    case "weak":
      return `is a ${refusal.className}, which cannot be sent: pass a Map, a Set or the object itself.`;
    case "stream":
      return `is a stream (${refusal.className}), which cannot be sent: read it first and pass its data, or pass the file's name.`;
    case "proxy":
      return "is a Proxy, which cannot be sent: pass a plain copy, such as { ...it }.";
    case "sharedMemory":
      return "is shared memory, which other processes cannot share: pass a copy, such as new Uint8Array(it).slice().";
    case "detached":
      return "is a detached ArrayBuffer, whose memory has been transferred elsewhere: pass it before it is transferred, or pass a copy.";
    case "platform":
      return `is a ${refusal.className}, which belongs to this process and cannot be sent: pass plain data.`;
    case "methods":
      return `is an instance of class ${refusal.className}, whose methods (${listMethods(refusal.methods)}) would be lost: pass plain data, and make the instance inside the task.`;
    case "causedByItself":
      return "is an error that is its own cause, which cannot be sent: pass it without that cause.";
    case "tooDeep":
      return `is nested more than ${refusal.levels} levels deep, which cannot be sent: pass a flatter structure, such as an array whose items refer to each other by index.`;
    default:
      return refusal satisfies never;
  }
}

function listMethods(methods: readonly string[]): string {
  if (methods.length <= SHOWN_METHODS) return methods.join(", ");
  return `${methods.slice(0, SHOWN_METHODS).join(", ")} and ${methods.length - SHOWN_METHODS} more`;
}
