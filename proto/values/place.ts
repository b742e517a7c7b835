/** Where inside a value something is, and how that is written for people: `args[1].items[3]`. */

/** One step down from a container. */
export type Step =
  | { readonly type: "property"; readonly key: string }
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "mapValue"; readonly key: unknown; readonly index: number }
  | { readonly type: "mapKey"; readonly index: number }
  | { readonly type: "setItem"; readonly index: number };

/** A place as a chain of steps, from the inside out. */
export interface Place {
  /** undefined: the root. */
  readonly parent: Place | undefined;
  /** Of the root: not looked at. */
  readonly step: Step;
  /** Number of steps from the root. */
  readonly depth: number;
}

/** The place of the whole value. */
export const ROOT: Place = { parent: undefined, step: { type: "index", index: 0 }, depth: 0 };

/** The place one step down. */
export function below(parent: Place, step: Step): Place {
  return { parent, step, depth: parent.depth + 1 };
}

const SHOWN_FIRST = 8;
const SHOWN_LAST = 3;
const NAME = /^[A-Za-z_$][\w$]*$/;

/**
 * Writes a place as code that would lead there. The middle of a very long one is left out.
 *
 * @param root what the whole value is called, e.g. "args"
 */
export function formatPlace(place: Place, root: string): string {
  const steps: Step[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) steps.push(at.step);
  steps.reverse();
  if (steps.length <= SHOWN_FIRST + SHOWN_LAST) return steps.reduce(formatStep, root);
  const first = steps.slice(0, SHOWN_FIRST).reduce(formatStep, root);
  return steps.slice(-SHOWN_LAST).reduce(formatStep, `${first}…`);
}

function formatStep(path: string, step: Step): string {
  switch (step.type) {
    case "property":
      return NAME.test(step.key) ? `${path}.${step.key}` : `${path}[${JSON.stringify(step.key)}]`;
    case "index":
      return `${path}[${step.index}]`;
    case "mapValue": {
      const key = formatKey(step.key);
      return key === undefined ? `[...${path}.values()][${step.index}]` : `${path}.get(${key})`;
    }
    case "mapKey":
      return `[...${path}.keys()][${step.index}]`;
    case "setItem":
      return `[...${path}][${step.index}]`;
    default:
      return step satisfies never;
  }
}

function formatKey(key: unknown): string | undefined {
  switch (typeof key) {
    case "string":
      return JSON.stringify(key);
    case "bigint":
      return `${key}n`;
    case "number":
    case "boolean":
    case "undefined":
      return Object.is(key, -0) ? "-0" : String(key);
    default:
      return key === null ? "null" : undefined;
  }
}
