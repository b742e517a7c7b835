/** A session with a scripted head. */

import type { SpawnedCall } from "../../../client/call.js";
import type { Completion } from "../../../client/completion.js";
import type { CallOwner } from "../../../client/session/call.js";
import { HeadSession } from "../../../client/session/session.js";
import { FakeHead, type FakeHeadOptions, settingsFor } from "../../kit/fake-head.js";
export class Owner implements CallOwner {
  readonly numbers: number[] = [];
  ended(call: SpawnedCall): void {
    this.numbers.push(call.number);
  }
}

export function setUp(options: FakeHeadOptions = {}, settings: Parameters<typeof settingsFor>[1] = {}) {
  const head = new FakeHead(options);
  const session = new HeadSession(settingsFor(head, settings));
  return { head, session, owner: new Owner() };
}

export function resultOf(completion: Completion): Promise<unknown> {
  return new Promise((resolve, reject) => {
    completion.watch(() => {
      const { state } = completion;
      if (state.type === "fulfilled") resolve(state.value);
      else if (state.type === "rejected") reject(state.error);
    });
  });
}
