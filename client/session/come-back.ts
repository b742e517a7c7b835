/** How a session goes on after its stream was lost: opens another and introduces itself as who it was. */

import {
  type ClientMessage,
  type HeadToClient,
  type OpenSession,
  Refused_Code,
  type Welcome,
} from "../../proto/grain.js";
import type { Connection, Link, LinkHandler } from "../../proto/link/link.js";
import { type Attempt, type Outcome, type Patience, persist } from "../../proto/link/reopen.js";
import { refusal } from "./head-error.js";

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
}

/** Tries until the head goes on with the session, does not know it, or it is too late. */
export function comeBack(to: Return, patience: Patience): Promise<Outcome<true>> {
  return persist(() => attempt(to, patience.signal), patience);
}

async function attempt(to: Return, signal: AbortSignal): Promise<Attempt<true>> {
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
    const settle = (tried: Attempt<true>) => {
      clearTimeout(timer);
      resolve(tried);
    };
    const first = (batch: HeadToClient[]) => {
      const { body } = batch[0]!;
      if (body?.$case === "refused") {
        const error = refusal(body.refused, connection.address);
        const passes = body.refused.code === Refused_Code.DRAINING;
        settle(passes ? { type: "failed", reason: error.message } : { type: "over", error });
      } else if (body?.$case === "welcome") {
        isBack = true;
        settle({ type: "done", value: true });
        to.welcomed(link, body.welcome);
        if (batch.length > 1) handler.messages(batch.slice(1));
      }
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
