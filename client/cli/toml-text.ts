/** Values as TOML has them. */

const BARE = /^[\w-]+$/;

/**
 * Writes a value.
 *
 * @param value what a TOML file can hold: texts, numbers, booleans, lists, tables
 * @example
 * tomlText({ Token: { token: "has-gpu" } }) // '{ Token = { token = "has-gpu" } }'
 */
export function tomlText(value: unknown): string {
  if (typeof value === "string") return value.includes("\n") ? longText(value) : JSON.stringify(value);
  if (typeof value === "number") return number(value);
  if (Array.isArray(value)) return `[${value.map(tomlText).join(", ")}]`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object" || value === null) return String(value);
  const pairs = Object.entries(value).map(([key, each]) => `${keyText(key)} = ${tomlText(each)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

function keyText(key: string): string {
  return BARE.test(key) ? key : JSON.stringify(key);
}

function number(value: number): string {
  return Number.isFinite(value)
    ? String(value)
    : String(value).replace("Infinity", "inf").replace("NaN", "nan");
}

function longText(value: string): string {
  const lines = value.split("\n").map((line) => JSON.stringify(line).slice(1, -1).replaceAll('\\"', '"'));
  // Three quotes would end it.
  return `"""\n${lines.join("\n").replaceAll('"""', '""\\"')}"""`;
}
