/**
 * Reads the expressions of `calc` and makes functions of them.
 *
 * Only operators, literals and members get through; everything else is refused here,
 * by kind of syntax, so that nothing but those can ever run.
 */

import { createRequire } from "node:module";
import type { Expression, PrivateIdentifier, Super } from "acorn";
import { type Evaluator, evaluators, memberOf, refuseMember } from "./calc-evaluate.js";

/** A placeholder and `${0}`, as messages show it, are equally long, so that columns agree. */
const PLACEHOLDER = /_\$\d+_/;
const PLACEHOLDERS = /_\$(\d+)_/g;

/** A placeholder as users wrote it, by number. */
const showPlaceholder = (_text: string, index: string) => `\${${index}}`;

/** A parsed expression, as a function of the interpolated values. */
export type Program = Evaluator;

const load = createRequire(import.meta.url);

/** The parser: few programs need it, and no executor, so it is loaded with the first expression. */
function parser(): typeof import("acorn") {
  return load("acorn") as typeof import("acorn");
}

type Node = Expression | PrivateIdentifier | Super;

class Refusal extends Error {
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

/**
 * Parses an expression.
 *
 * @param strings the texts between the interpolated values
 * @throws SyntaxError that shows the expression with a caret
 */
export function parseProgram(strings: readonly string[]): Program {
  const written = strings.find((text) => PLACEHOLDER.test(text));
  const source = strings.reduce((text, part, index) => `${text}_$${index - 1}_${part}`);
  try {
    const { parseExpressionAt, tokenizer, tokTypes } = parser();
    if (written !== undefined) throw new Refusal("names like _$0_ are reserved", source.search(PLACEHOLDER));
    // Parentheses are kept: without them the end of the outermost pair would not be known.
    const expression = parseExpressionAt(source, 0, { ecmaVersion: 2022, preserveParens: true });
    const rest = tokenizer(source.slice(expression.end), { ecmaVersion: 2022 }).getToken();
    if (rest.type !== tokTypes.eof)
      throw new Refusal("something is left over after the expression", expression.end + rest.start);
    return compile(expression);
  } catch (error) {
    throw explain(error, source);
  }
}

function explain(error: unknown, source: string): unknown {
  if (error instanceof Refusal) return syntaxError(error.message, source, error.position);
  if (!(error instanceof SyntaxError)) return error;
  const position = (error as SyntaxError & { readonly pos?: number }).pos ?? 0;
  const message = error.message.replace(/ \(\d+:\d+\)$/, "");
  return syntaxError(message.charAt(0).toLowerCase() + message.slice(1), source, position);
}

/** Shows the line of the expression that the position is in, and a caret below. */
function syntaxError(message: string, source: string, position: number): SyntaxError {
  const before = source.slice(0, position);
  const start = before.lastIndexOf("\n") + 1;
  const end = source.indexOf("\n", position);
  const line = source.slice(start, end < 0 ? undefined : end).replace(PLACEHOLDERS, showPlaceholder);
  const indent = before.slice(start).replace(/[^\t]/g, " ");
  return new SyntaxError(`calc: ${message.replace(PLACEHOLDERS, showPlaceholder)}\n  ${line}\n  ${indent}^`);
}

function refuse(node: { readonly start: number }, what: string): never {
  throw new Refusal(
    `${what} not allowed: only operators, literals, members and interpolated values are`,
    node.start,
  );
}

function compile(node: Node): Evaluator {
  switch (node.type) {
    case "Literal":
      return compileLiteral(node);
    case "ParenthesizedExpression":
      return compile(node.expression);
    case "Identifier":
      return compileIdentifier(node.name, node.start);
    case "UnaryExpression": {
      const apply = evaluators.unary(node.operator);
      if (apply === undefined) return refuse(node, `the operator ${node.operator} is`);
      return apply(compile(node.argument));
    }
    case "BinaryExpression": {
      const apply = evaluators.binary(node.operator);
      if (apply === undefined) return refuse(node, `the operator ${node.operator} is`);
      return apply(compile(node.left), compile(node.right));
    }
    case "LogicalExpression":
      return evaluators.logical(node.operator)(compile(node.left), compile(node.right));
    case "ConditionalExpression":
      return evaluators.conditional(compile(node.test), compile(node.consequent), compile(node.alternate));
    case "MemberExpression":
      return memberOf(
        compile(node.object),
        node.computed ? compile(node.property) : compileName(node.property),
      );
    default:
      return refuse(node, describeSyntax(node.type));
  }
}

function compileLiteral(node: Extract<Node, { readonly type: "Literal" }>): Evaluator {
  const value: unknown = node.value;
  if (node.regex !== undefined) return refuse(node, "a regular expression is");
  if (typeof value === "string" && PLACEHOLDER.test(value))
    throw new Refusal("a value cannot be interpolated inside a string; join it with +", node.start);
  return () => value;
}

const CONSTANTS: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
};

function compileIdentifier(name: string, start: number): Evaluator {
  const match = /^_\$(\d+)_$/.exec(name);
  if (match !== null) {
    const index = Number(match[1]);
    return (values) => values[index];
  }
  if (Object.hasOwn(CONSTANTS, name)) {
    const value = CONSTANTS[name];
    return () => value;
  }
  if (PLACEHOLDER.test(name)) throw new Refusal("an operator is missing beside an interpolated value", start);
  throw new Refusal(`${name} is not known here; interpolate it, as \${${name}}`, start);
}

function compileName(node: Node): Evaluator {
  if (node.type !== "Identifier") return refuse(node, "a private name is");
  const { name, start } = node;
  if (PLACEHOLDER.test(name))
    throw new Refusal("a member's name cannot be interpolated after a dot; write it in brackets", start);
  const refusal = refuseMember(name);
  if (refusal !== undefined) throw new Refusal(refusal, start);
  return () => name;
}

function describeSyntax(type: string): string {
  switch (type) {
    case "CallExpression":
    case "NewExpression":
      return "a call is";
    case "AssignmentExpression":
    case "UpdateExpression":
      return "an assignment is";
    case "ChainExpression":
      return "?. is";
    case "ThisExpression":
      return "this is";
    case "ArrowFunctionExpression":
    case "FunctionExpression":
    case "ClassExpression":
      return "a function is";
    case "TemplateLiteral":
    case "TaggedTemplateExpression":
      return "a template is";
    case "SequenceExpression":
      return "a comma is";
    default:
      return `${type
        .replace(/Expression$/, "")
        .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
        .toLowerCase()} is`;
  }
}
