/**
 * Calls whose results may be stored: each asks the head first, and is submitted only if its result is not there.
 *
 *   waiting (its spec is not registered) ──▶ asked ──recalled──▶ ended
 *                                              └──missing──▶ submitted, with its key
 *
 * Questions are not counted: on another stream those are asked again that were not answered. No I/O.
 */

import type { ClientMessage } from "../../proto/grain.js";
import type { Encoded } from "../../proto/values/value.js";
import type { CallOwner, RemoteCall } from "./call.js";

/** Questions of one message. */
const MAX_ASKS = 4_096;

/** A call that is not submitted yet. */
export interface Pending {
  readonly call: RemoteCall;
  /** Copied: what the caller changes after the call does not change them. */
  readonly args: Encoded;
  asked: boolean;
}

/** The calls of a session that wait for the answer. */
export class Recalls {
  readonly #pending = new Map<number, Pending>();
  #unasked = new Set<Pending>();
  #byteLength = 0;
  #waived: number[] = [];

  /** Of arguments that wait. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Takes a call with a key. */
  add(call: RemoteCall, args: Encoded): void {
    const parts = args.parts.map((part) => new Uint8Array(part));
    const pending = { call, args: { byteLength: args.byteLength, parts }, asked: false };
    this.#pending.set(call.number, pending);
    this.#unasked.add(pending);
    this.#byteLength += args.byteLength;
  }

  /** Takes a call out, by its number; undefined: it has ended. */
  take(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    if (pending === undefined) return undefined;
    this.#unasked.delete(pending);
    this.#byteLength -= pending.args.byteLength;
    return pending;
  }

  /** The head said that a call is to be submitted which has ended: somebody else may compute the result. */
  waive(number: number): void {
    this.#waived.push(number);
  }

  /** Takes out those of an owner, or all. The head is told not to answer. */
  withdraw(owner?: CallOwner): RemoteCall[] {
    const withdrawn: RemoteCall[] = [];
    for (const { call, asked } of [...this.#pending.values()]) {
      if (owner !== undefined && call.owner !== owner) continue;
      this.take(call.number);
      if (asked) this.#waived.push(call.number);
      withdrawn.push(call);
    }
    return withdrawn;
  }

  /** Those of a spec are not to be asked for: it cannot be registered. */
  withdrawSpec(spec: RemoteCall["spec"]): RemoteCall[] {
    const calls = [...this.#pending.values()].map(({ call }) => call).filter((call) => call.spec === spec);
    for (const { number } of calls) this.take(number);
    return calls;
  }

  /** There is another stream, on which nothing was asked. */
  askAgain(): void {
    this.#waived = [];
    this.#unasked = new Set(this.#pending.values());
    for (const pending of this.#unasked) pending.asked = false;
  }

  /** Those of registered specs, if nothing can be asked: they are submitted. */
  takeReady(): Pending[] {
    const ready = [...this.#unasked].filter(isReady);
    for (const { call } of ready) this.take(call.number);
    return ready;
  }

  /** What there is to say, now that the specs have been said. */
  messages(): ClientMessage[] {
    const messages: ClientMessage[] = [];
    const bySpec = new Map<number, Pending[]>();
    for (const pending of this.#unasked) {
      if (!isReady(pending)) continue;
      const { number } = pending.call.spec;
      const group = bySpec.get(number);
      if (group === undefined) bySpec.set(number, [pending]);
      else group.push(pending);
    }
    for (const [spec, group] of bySpec) {
      for (let at = 0; at < group.length; at += MAX_ASKS)
        messages.push(this.#ask(spec, group.slice(at, at + MAX_ASKS)));
    }
    if (this.#waived.length > 0) messages.push({ body: { $case: "waive", waive: { tasks: this.#waived } } });
    this.#waived = [];
    return messages;
  }

  #ask(spec: number, group: readonly Pending[]): ClientMessage {
    for (const pending of group) {
      pending.asked = true;
      this.#unasked.delete(pending);
    }
    const ids = group.map(({ call }) => call.number);
    const keys = Buffer.concat(group.map(({ call }) => call.key!));
    return { body: { $case: "recall", recall: { spec, ids, keys } } };
  }
}

function isReady({ call }: Pending): boolean {
  return call.spec.stage.type === "registered";
}
