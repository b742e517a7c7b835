/**
 * Three calls from their submission to their end, without a head, before a program's first.
 *
 * The engine takes a field that never changed for a constant, and when it does change takes back all code that
 * relied on it: what a program's first loop of calls was compiled into would be lost when the first of them ends,
 * and its next loop begin anew (100,000 calls after 20,000: 80 ms instead of 60). What has changed once is no constant.
 */

import type { FunctionDefinition } from "./call.js";
import { SOURCE } from "./delayed/evaluate.js";
import { DEFAULTS } from "./delayed/options.js";
import { makeDelayed } from "./delayed/surface.js";
import { each } from "./each.js";
import { RunScope, type ScopeSession } from "./scope.js";
import { SessionState } from "./session/state.js";

const NO_ARGUMENTS = { byteLength: 0, parts: [] };

const definition: FunctionDefinition = {
  name: "rehearsal",
  fn: () => {},
  module: "",
  place: "",
  topLevel: true,
  options: DEFAULTS.call,
};

/** Makes the calls. They leave nothing behind. @returns their results, for tests */
export function rehearse(): Promise<unknown> {
  const state = new SessionState();
  const spec = state.specOf(definition, { alternatives: [] });
  const session: ScopeSession = {
    nextLocalNumber: () => 1,
    submit(_call, owner) {
      const call = state.start(spec, owner);
      state.send(call, NO_ARGUMENTS);
      return call;
    },
    cancel() {},
    print() {},
    printed() {},
  };
  const scope = new RunScope(session);
  const submit = () => {
    const { number, completion } = scope.spawn({ definition, request: spec.request, args: [] });
    return makeDelayed(SOURCE, completion, definition.name, number, { flags: 0, length: -1 });
  };
  // Before the head knows the function, and after that.
  const early = [submit(), submit()];
  state.prepared(spec, "");
  const ended = each([...early, submit()]);
  while (state.next() !== undefined);
  state.results({ tasks: [1, 2, 3], sizes: [], values: new Uint8Array(0), blobs: [] });
  return ended;
}
