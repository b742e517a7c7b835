/** The operators of `calc` expressions: JavaScript's own, on values. */

/** A part of an expression, as a function of the interpolated values. */
export type Evaluator = (values: readonly unknown[]) => unknown;

type Binary = (a: never, b: never) => unknown;

const UNARY: Readonly<Record<string, (a: never) => unknown>> = {
  "+": (a: number) => +a,
  "-": (a: number) => -a,
  "!": (a: unknown) => !a,
  "~": (a: number) => ~a,
};

const BINARY: Readonly<Record<string, Binary>> = {
  "+": (a: number, b: number) => a + b,
  "-": (a: number, b: number) => a - b,
  "*": (a: number, b: number) => a * b,
  "/": (a: number, b: number) => a / b,
  "%": (a: number, b: number) => a % b,
  "**": (a: number, b: number) => a ** b,
  "&": (a: number, b: number) => a & b,
  "|": (a: number, b: number) => a | b,
  "^": (a: number, b: number) => a ^ b,
  "<<": (a: number, b: number) => a << b,
  ">>": (a: number, b: number) => a >> b,
  ">>>": (a: number, b: number) => a >>> b,
  "===": (a: unknown, b: unknown) => a === b,
  "!==": (a: unknown, b: unknown) => a !== b,
  // biome-ignore lint/suspicious/noDoubleEquals: the user wrote ==.
  "==": (a: unknown, b: unknown) => a == b,
  // biome-ignore lint/suspicious/noDoubleEquals: the user wrote !=.
  "!=": (a: unknown, b: unknown) => a != b,
  "<": (a: number, b: number) => a < b,
  "<=": (a: number, b: number) => a <= b,
  ">": (a: number, b: number) => a > b,
  ">=": (a: number, b: number) => a >= b,
};

function logical(operator: "||" | "&&" | "??"): (left: Evaluator, right: Evaluator) => Evaluator {
  switch (operator) {
    case "&&":
      return (left, right) => (values) => left(values) && right(values);
    case "||":
      return (left, right) => (values) => left(values) || right(values);
    case "??":
      return (left, right) => (values) => left(values) ?? right(values);
    default:
      return operator satisfies never;
  }
}

/** What evaluates each operator; undefined for those that are not allowed. */
export const evaluators = {
  unary(operator: string): ((argument: Evaluator) => Evaluator) | undefined {
    const apply = Object.hasOwn(UNARY, operator) ? UNARY[operator] : undefined;
    return apply && ((argument) => (values) => apply(argument(values) as never));
  },
  binary(operator: string): ((left: Evaluator, right: Evaluator) => Evaluator) | undefined {
    const apply = Object.hasOwn(BINARY, operator) ? BINARY[operator] : undefined;
    return apply && ((left, right) => (values) => apply(left(values) as never, right(values) as never));
  },
  logical,
  conditional: (test: Evaluator, consequent: Evaluator, alternate: Evaluator): Evaluator => {
    return (values) => (test(values) ? consequent(values) : alternate(values));
  },
};

const REFUSED = new Set(["constructor", "__proto__", "prototype"]);

/** Why a member cannot be read in an expression; undefined: it can. */
export function refuseMember(name: string): string | undefined {
  return REFUSED.has(name) ? `the member ${name} is not allowed; read it with lift` : undefined;
}

/** Reads a member; of an undefined or null object a TypeError. */
export function memberOf(object: Evaluator, key: Evaluator): Evaluator {
  return (values) => {
    const receiver = object(values) as Record<string, unknown> | null | undefined;
    const name = toName(key(values));
    if (receiver === undefined || receiver === null)
      throw new TypeError(`calc: cannot read ${JSON.stringify(name)} of ${receiver}.`);
    return receiver[name];
  };
}

/** Converted once, so that what is checked is what is read. */
function toName(key: unknown): string {
  if (typeof key !== "string" && typeof key !== "number" && typeof key !== "bigint")
    throw new TypeError(
      `calc: a member's name must be a string or a number, not ${key === null ? "null" : typeof key}.`,
    );
  const name = String(key);
  const refusal = refuseMember(name);
  if (refusal !== undefined) throw new TypeError(`calc: ${refusal}.`);
  return name;
}
