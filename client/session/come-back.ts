/** How a session goes on after its stream was lost: opens another and introduces itself as who it was. */

import type { GrainError } from "../../proto/errors.js";
import {
  type ClientMessage,
  type HeadToClient,
  type OpenSession,
  Refused_Code,
  type Welcome,
} from "../../proto/grain.js";
import type { Connection, Link, LinkHandler } from "../../proto/link/link.js";
import { type Attempt, type Patience, persist } from "../../proto/link/reopen.js";
import { cutOffTooLong, refusal } from "./head-error.js";

/** A connection that is lost for longer than this is spoken of. */
const WARN_AFTER_MS = 5_000;
/** How long a head may take to answer. */
const ANSWER_MS = 5_000;

type ClientLink = Link<ClientMessage, HeadToClient>;

/** What is needed to come back. */
export interface Return {
  readonly connection: Connection<ClientMessage, HeadToClient>;
  /** What the session introduces itself with now. */
  open(): OpenSession;
  /** The head goes on with the session; called before anything else of the stream is handled. */
  welcomed(link: ClientLink, welcome: Welcome): void;
  /** Hears the stream from then on. */
  readonly handler: LinkHandler<HeadToClient>;
  /** Tells a person who has to wait. */
  say(text: string): void;
}

/**
 * Tries until the head goes on with the session, does not know it, or it is too late.
 *
 * @returns undefined when the session goes on; otherwise what makes the error, of the number of unfinished calls
 */
export async function comeBack(
  to: Return,
  patience: Patience,
): Promise<((unfinished: number) => GrainError) | undefined> {
  const { address } = to.connection;
  let said = false;
  const warning = setTimeout(() => {
    said = true;
    to.say(`lost the connection to the head at ${address}; trying again`);
  }, WARN_AFTER_MS);
  warning.unref();
  const outcome = await persist(() => attempt(to, patience.signal), patience);
  clearTimeout(warning);
  switch (outcome.type) {
    case "done":
      if (said) to.say(`the connection to the head at ${address} is back`);
      return undefined;
    case "over":
      return () => outcome.error;
    case "gaveUp":
      return (unfinished) => cutOffTooLong(address, patience.giveUpMs, unfinished);
    default:
      return outcome satisfies never;
  }
}

async function attempt(to: Return, signal: AbortSignal): Promise<Attempt<true, GrainError>> {
  const { connection, handler } = to;
  let link: ClientLink;
  try {
    link = await connection.reopen!(signal);
  } catch (error) {
    return { type: "failed", reason: (error as Error).message };
  }
  return new Promise((resolve) => {
    let isBack = false;
    const timer = setTimeout(() => link.destroy("the head did not answer in time"), ANSWER_MS);
    const settle = (tried: Attempt<true, GrainError>) => {
      clearTimeout(timer);
      resolve(tried);
    };
    const first = (batch: HeadToClient[]) => {
      const body = batch[0]?.body;
      if (body?.$case === "refused") {
        const error = refusal(body.refused, connection.address);
        const passes = body.refused.code === Refused_Code.DRAINING;
        settle(passes ? { type: "failed", reason: error.message } : { type: "over", error });
      } else if (body?.$case === "welcome") {
        isBack = true;
        settle({ type: "done", value: true });
        to.welcomed(link, body.welcome);
        if (batch.length > 1) handler.messages(batch.slice(1));
      } else if (body !== undefined) link.destroy(`"${body.$case}" came before "welcome"`);
    };
    link.receive({
      messages: (batch) => (isBack ? handler.messages(batch) : first(batch)),
      ended: (end) => {
        if (isBack) return handler.ended(end);
        settle({ type: "failed", reason: end.type === "closed" ? "the head closed it" : end.message });
      },
    });
    link.send({ body: { $case: "open", open: to.open() } });
    link.flush();
  });
}
