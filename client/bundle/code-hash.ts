/**
 * The hash of one function's code: of the statement of a bundle that makes it, and of all that those use by
 * name, however far away. What else the program does may change without changing it.
 *
 * Statements that declare nothing (`table.set(1, 2)`) count when they use a name that the function uses too,
 * except those that start the program: calls of `run` and `connect`.
 */

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import type { AnyNode, CallExpression, Program } from "acorn";

const load = createRequire(import.meta.url);
const PACKAGE = "grain-scheduler";

type Statement = Program["body"][number];

/** A top-level statement. */
interface Part {
  readonly text: string;
  readonly declares: readonly string[];
  /** All names in it, its own and others'. */
  readonly names: ReadonlySet<string>;
  /** It starts the program. */
  readonly starts: boolean;
}

/**
 * Hashes the code of a function.
 *
 * @param bundle the text of a bundle
 * @param name the function's, as `delayed` has it
 * @returns 32 bytes; of all of the bundle when the statement that makes the function cannot be told
 */
export function codeHash(bundle: string, name: string): Uint8Array {
  // Where the module was is no part of what it does.
  const text = bundle.replace(/\n\/\/# sourceMappingURL=[^\n]*\s*$/, "\n");
  const { parse } = load("acorn") as typeof import("acorn");
  const program = parse(text, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
  const packages = packagesIn(program, text);
  const made = program.body.filter((statement) => makes(statement, packages, name));
  const hash = createHash("sha256").update(name).update("\0");
  if (made.length !== 1) return hash.update(text).digest();
  const parts = program.body.map((statement) => partOf(statement, text, packages));
  const used = closure(parts, parts[program.body.indexOf(made[0]!)]!, packages);
  for (const part of parts) if (used.has(part)) hash.update(part.text).update("\0");
  return hash.digest();
}

function closure(parts: readonly Part[], from: Part, packages: ReadonlySet<string>): Set<Part> {
  const used = new Set<Part>();
  const names = new Set<string>();
  const take = (part: Part) => {
    used.add(part);
    for (const name of part.names) names.add(name);
  };
  take(from);
  // That a bare statement shares the name of a global, of esbuild's helpers or of the package says nothing.
  const declared = new Set(parts.flatMap((part) => part.declares).filter((one) => !one.startsWith("__")));
  for (const one of packages) declared.delete(one);
  for (let before = 0; before !== used.size; ) {
    before = used.size;
    for (const part of parts) {
      if (used.has(part) || part.starts) continue;
      if (
        part.declares.length > 0
          ? part.declares.some((name) => names.has(name))
          : changes(part, names, declared)
      )
        take(part);
    }
  }
  return used;
}

function changes({ names }: Part, used: ReadonlySet<string>, declared: ReadonlySet<string>): boolean {
  for (const name of names) if (declared.has(name) && used.has(name)) return true;
  return false;
}

function partOf(statement: Statement, text: string, packages: ReadonlySet<string>): Part {
  const names = new Set<string>();
  let begins = false;
  walk(statement, (node) => {
    if (node.type === "Identifier") names.add(node.name);
    if (node.type !== "CallExpression") return;
    const called = calledOf(node, packages);
    if (called === "run" || called === "connect") begins = true;
  });
  const bare = statement.type === "ExpressionStatement";
  return { text: textOf(statement, text), declares: declaredBy(statement), names, starts: bare && begins };
}

function declaredBy(statement: Statement): string[] {
  switch (statement.type) {
    case "VariableDeclaration":
      return statement.declarations.flatMap(({ id }) => namesIn(id));
    case "FunctionDeclaration":
    case "ClassDeclaration":
      return namesIn(statement.id);
    case "ImportDeclaration":
      return statement.specifiers.map(({ local }) => local.name);
    case "ExportNamedDeclaration":
      return statement.declaration ? declaredBy(statement.declaration) : [""];
    case "ExportDefaultDeclaration":
    case "ExportAllDeclaration":
      // It declares, though nothing that could be used here.
      return [""];
    default:
      return [];
  }
}

function namesIn(pattern: AnyNode | null): string[] {
  const names: string[] = [];
  if (pattern !== null) walk(pattern, (node) => node.type === "Identifier" && names.push(node.name));
  return names;
}

/** The variables that hold the package: `var import_grain_scheduler = __toESM(require__())`. */
function packagesIn({ body }: Program, text: string): Set<string> {
  const packages = new Set<string>();
  const own = body.filter((statement) => textOf(statement, text).includes(`Symbol.for("${PACKAGE}")`));
  const loaders = own.flatMap(declaredBy);
  for (const statement of body) {
    if (own.includes(statement) || statement.type !== "VariableDeclaration") continue;
    const code = textOf(statement, text);
    if (loaders.some((loader) => code.includes(`${loader}()`)))
      for (const name of declaredBy(statement)) packages.add(name);
  }
  return packages;
}

/** The name of what of the package is called: `(0, import_grain_scheduler.run)(…)`; undefined: nothing of it. */
function calledOf({ callee }: CallExpression, packages: ReadonlySet<string>): string | undefined {
  const called = callee.type === "SequenceExpression" ? callee.expressions.at(-1)! : callee;
  if (called.type !== "MemberExpression" || called.property.type !== "Identifier") return undefined;
  const { object } = called;
  return object.type === "Identifier" && packages.has(object.name) ? called.property.name : undefined;
}

function textOf({ start, end }: Statement, text: string): string {
  return text.slice(start, end);
}

/** Whether it has a call of `delayed` for a function of this name. */
function makes(statement: Statement, packages: ReadonlySet<string>, name: string): boolean {
  let found = false;
  walk(statement, (node) => {
    if (node.type !== "CallExpression" || calledOf(node, packages) !== "delayed") return;
    const [fn, options] = node.arguments;
    const given = options === undefined ? undefined : nameOption(options);
    // esbuild wraps functions to keep their names: __name(function energy() {…}, "energy").
    const texts = new Set<string>();
    if (given !== undefined) texts.add(given);
    else if (fn?.type === "Identifier") texts.add(fn.name);
    else if (fn?.type === "FunctionExpression" && fn.id) texts.add(fn.id.name);
    else if (fn?.type === "CallExpression" && fn.arguments[1]?.type === "Literal")
      texts.add(String(fn.arguments[1].value));
    if (texts.has(name)) found = true;
  });
  return found;
}

function nameOption(options: AnyNode): string | undefined {
  if (options.type !== "ObjectExpression") return undefined;
  for (const property of options.properties) {
    if (property.type !== "Property" || property.key.type !== "Identifier") continue;
    if (property.key.name === "name" && property.value.type === "Literal")
      return String(property.value.value);
  }
  return undefined;
}

function walk(node: AnyNode, see: (node: AnyNode) => void): void {
  see(node);
  for (const [key, value] of Object.entries(node)) {
    // The names of properties are no names of the module's.
    if ((key === "property" || key === "key") && "computed" in node && !node.computed) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === "object" && child !== null && typeof (child as AnyNode).type === "string")
        walk(child as AnyNode, see);
    }
  }
}
