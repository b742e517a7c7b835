/** What tests read in the documentation: its code, commands, links and flags. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./daemons.js";

/** A fenced block. */
export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** The language and code of the block after it, if only a line or two stand between. */
  readonly next: { readonly language: string; readonly code: string } | undefined;
}

/** The documents, by their path in the repository. */
export function documents(): string[] {
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  return ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", ...docs.sort()];
}

/** A document's text. */
export function read(document: string): string {
  return readFileSync(join(ROOT, document), "utf8");
}

/** All fenced blocks of a document. */
export function codeBlocks(text: string): CodeBlock[] {
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map((match) => ({
    language: match[1]!,
    code: match[2]!,
    start: match.index,
    end: match.index + match[0].length,
  }));
  return blocks.map(({ language, code, end }, index) => {
    const next = blocks[index + 1];
    const isNear = next !== undefined && text.slice(end, next.start).trim().split("\n").length <= 2;
    return { language, code, next: isNear ? next : undefined };
  });
}

/** A TypeScript block that is a whole program: it imports the package and runs something. */
export function isProgram({ language, code }: CodeBlock): boolean {
  return (
    language === "ts" &&
    code.includes('from "grain-scheduler"') &&
    /^(await|const).*\b(run|connect)\(/m.test(code)
  );
}

/** The README's program, and what the README says it prints. */
export function readmeProgram(): { readonly code: string; readonly prints: string } {
  const text = read("README.md");
  const [program] = codeBlocks(text).filter(isProgram);
  const prints = /^prints `([^`]+)`/m.exec(text)?.[1];
  if (program === undefined || prints === undefined) throw new Error("the README has lost its program");
  return { code: program.code, prints: `${prints}\n` };
}

/** A document's blocks that are files: those that begin with their name, e.g. "// context.ts". */
export function filesIn(document: string): ReadonlyMap<string, string> {
  const named = codeBlocks(read(document)).flatMap(({ code }) => {
    const name = /^\/\/ ([\w-]+\.ts)\n/.exec(code)?.[1];
    return name === undefined ? [] : [[name, code] as const];
  });
  return new Map(named);
}

/** Of a document's commands: what `grain run FILE` is said to print. */
export function printedBy(document: string, file: string): string {
  const said = new RegExp(`grain run ${file} +# (.*)$`, "m").exec(read(document))?.[1];
  if (said === undefined) throw new Error(`${document} does not say what ${file} prints`);
  return `${said}\n`;
}
