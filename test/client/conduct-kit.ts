/** A scope with a scripted head, and calls as the delayed surface makes them. */

import { type Call, type CallOptions, type SpawnedCall, scopes } from "../../client/call.js";
import { conduct, toMains } from "../../client/conduct.js";
import { RunScope, type ScopeSession } from "../../client/scope.js";
import { HeadSession } from "../../client/session/session.js";
import { coresRequest, definitionOf, FakeHead, type FakeHeadOptions, settingsFor } from "../kit/fake-head.js";

type Fn = (...args: never[]) => unknown;

/** Calls a function the way the delayed surface does, as a promise made on demand. */
export function spawn(call: Call): SpawnedCall {
  return scopes.getStore()!.spawn(call);
}

export function awaited({ completion }: SpawnedCall): Promise<unknown> {
  return new Promise((resolve, reject) => {
    completion.watch(() => {
      const { state } = completion;
      if (state.type === "fulfilled") resolve(state.value);
      if (state.type === "rejected") reject(state.error);
    });
  });
}

export const local = (fn: Fn, options: Partial<CallOptions> = {}): SpawnedCall =>
  spawn({ definition: definitionOf(fn.name || "local", { fn, options }), request: undefined, args: [] });

export const remote = (...args: unknown[]): SpawnedCall =>
  spawn({ definition: definitionOf("remote"), request: coresRequest(1), args });

export class World {
  readonly head: FakeHead;
  readonly printed: string[] = [];
  readonly scope: RunScope;
  readonly host: ScopeSession;
  readonly #session: HeadSession;
  #lastLocal = 0;

  constructor(options: FakeHeadOptions = {}) {
    this.head = new FakeHead(options);
    this.#session = new HeadSession(settingsFor(this.head));
    this.host = {
      nextLocalNumber: () => ++this.#lastLocal,
      submit: (call, owner) => this.#session.submit(call, owner),
      cancel: (owner) => this.#session.cancel(owner),
      print: (name, number, text) => void this.printed.push(`${name}#${number} ${Buffer.from(text)}`),
      printed: () => {},
    };
    this.scope = new RunScope(this.host);
  }

  async run(main: unknown, ...signals: AbortSignal[]): Promise<unknown> {
    try {
      return await conduct(this.scope, toMains(main), signals);
    } finally {
      await this.#session.close();
    }
  }
}

export const answering: FakeHeadOptions = {
  onTask: (task, head) => head.finish([task.number, head.argsOf(task)[0]]),
};
