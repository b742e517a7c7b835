/** The specs that the head has sent, with where their modules are: what an executor must be told of them. */

import { messageOf } from "../../proto/errors.js";
import { FailureKind, type Spec } from "../../proto/grain.js";
import type { DefinePlan } from "../executor/message.js";
import { keyOf } from "./core/state.js";
import type { Plan, Task } from "./core/task.js";
import type { Lack, ModuleFile } from "./supply.js";

interface Entry {
  readonly session: number;
  readonly spec: Spec;
  readonly outputs: boolean;
  readonly file: ModuleFile;
  /** Once it is here. */
  path: string | undefined;
}

/** All specs of all sessions. */
export class SpecTable {
  readonly #entries = new Map<number, Entry>();

  define(session: number, spec: Spec, outputs: boolean, file: ModuleFile): void {
    const path = file.type === "here" ? file.path : undefined;
    const entry: Entry = { session, spec, outputs, file, path };
    this.#entries.set(keyOf(session, spec.spec), entry);
    if (file.type !== "coming") return;
    file.path.then(
      (arrived) => {
        entry.path = arrived;
      },
      () => {}, // Told to each task that needs it, see `ready`.
    );
  }

  /** Resolves when a spec's module is on this machine; rejects with a `Lack`. */
  async ready(session: number, spec: number): Promise<void> {
    const entry = this.#entries.get(keyOf(session, spec));
    if (entry === undefined) throw lack("its session has ended");
    const { file } = entry;
    if (file.type === "unknown") throw lack(file.message);
    if (file.type === "here") return;
    try {
      entry.path = await file.path;
    } catch (error) {
      throw lack(`its module could not be fetched: ${messageOf(error)}`);
    }
  }

  /** Whether the client wants what a task prints. */
  wantsOutput(task: Task): boolean {
    return this.#entries.get(keyOf(task.session, task.plan.spec.spec))?.outputs ?? false;
  }

  /** What an executor must know of a plan. */
  describe(plan: Plan): DefinePlan {
    const { session, spec: number } = plan.spec;
    const entry = this.#entries.get(keyOf(session, number));
    if (entry?.path === undefined) throw new Error(`The module of spec ${session}.${number} is not here.`);
    const { module, function: name } = entry.spec;
    return {
      type: "plan",
      plan: plan.id,
      session,
      module: entry.path,
      moduleName: entry.file.type === "here" ? `module "${module}"` : "its module",
      function: name,
      name: entry.spec.name,
      walltime: plan.class.demand.walltime,
      pin: entry.spec.pin,
    };
  }

  forget(session: number): void {
    for (const [key, entry] of this.#entries) if (entry.session === session) this.#entries.delete(key);
  }
}

function lack(message: string): Lack {
  return { kind: FailureKind.LOAD_FAILED, message };
}
