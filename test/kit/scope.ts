/** A scope for tests of the delayed surface: runs the functions here, or leaves the ends of calls to the test. */

import { type Call, type Scope, type SpawnedCall, scopes } from "../../client/call.js";
import { Completion } from "../../client/completion.js";

/** A call that a FakeScope was given. */
export interface FakeCall extends SpawnedCall {
  readonly call: Call;
}

/** Options of {@link FakeScope}. */
export interface FakeScopeOptions {
  /** Calls end only when the test ends them, through their completion. Default: false. */
  readonly byHand?: boolean;
}

/** A scope without a run. */
export class FakeScope implements Scope {
  /** In the order of submission. */
  readonly calls: FakeCall[] = [];
  readonly #byHand: boolean;

  constructor({ byHand = false }: FakeScopeOptions = {}) {
    this.#byHand = byHand;
  }

  /** Runs a function inside the scope. */
  run<R>(fn: () => R): R {
    return scopes.run(this, fn);
  }

  spawn(call: Call): SpawnedCall {
    const completion = new Completion();
    const spawned: FakeCall = { number: this.calls.length + 1, completion, call };
    this.calls.push(spawned);
    if (!this.#byHand) void this.#execute(spawned);
    return spawned;
  }

  /** The call of that number, from 1. */
  call(number: number): FakeCall {
    const call = this.calls[number - 1];
    if (call === undefined) throw new Error(`there is no call #${number}; there are ${this.calls.length}`);
    return call;
  }

  async #execute({ call, completion }: FakeCall): Promise<void> {
    try {
      completion.fulfil(await call.definition.fn(...(call.args as never[])));
    } catch (error) {
      completion.reject(error);
    }
  }
}

/** Runs a function inside a scope that executes calls in this process. */
export function inScope<R>(fn: (scope: FakeScope) => R): R {
  const scope = new FakeScope();
  return scope.run(() => fn(scope));
}
