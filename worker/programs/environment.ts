/**
 * The variables of programs, as differences from what the launcher's shell passes on by itself.
 *
 * Most programs differ in a few variables of their task, so nothing here copies an
 * environment: reading all of `process.env` costs as much as the rest of a start on our side.
 */

/** Variables to set; undefined: to remove. */
export type Changes = ReadonlyMap<string, string | undefined>;

type Layer = Readonly<Record<string, string | undefined>>;

/**
 * How this process's environment, with a task's variables on top, differs from a base.
 *
 * @example
 * taskChanges(launcher.env, { OMP_NUM_THREADS: "4" })
 */
export function taskChanges(base: ReadonlyMap<string, string>, task: Layer): Changes {
  const changes = new Map<string, string | undefined>();
  // Once: to get the object alone takes as long as to read a variable.
  const { env } = process;
  let present = 0;
  // By names that have been used before: a variable is found by a new string of its name at twice the cost.
  for (const [name, before] of base) {
    const value = env[name];
    if (value !== undefined) present += 1;
    if (value !== before) changes.set(name, value);
  }
  // Not `Object.keys`, which asks for each variable once more.
  const names = Object.getOwnPropertyNames(env);
  if (names.length > present) {
    for (const name of names) if (!base.has(name)) changes.set(name, env[name]);
  }
  return put(changes, base, task);
}

/** The same with the variables of one program on top. */
export function withLayer(
  changes: Changes,
  base: ReadonlyMap<string, string>,
  layer: Layer | undefined,
): Changes {
  return layer === undefined ? changes : put(new Map(changes), base, layer);
}

function put(
  changes: Map<string, string | undefined>,
  base: ReadonlyMap<string, string>,
  layer: Layer,
): Changes {
  for (const name of Object.keys(layer)) {
    const value = layer[name];
    if (base.get(name) === value) changes.delete(name);
    else changes.set(name, value);
  }
  return changes;
}
