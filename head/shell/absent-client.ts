/** Stands in for the stream of a client that has not come back since the head was restarted. */

import type { HeadToClient } from "../../proto/grain.js";
import type { ClientEnd } from "./registry.js";

/** Keeps what the client is to be told. */
export class AbsentClient implements ClientEnd {
  /** How its tasks ended, in order. */
  readonly messages: HeadToClient[] = [];

  send(message: HeadToClient): void {
    const type = message.body?.$case;
    if (type === "results" || type === "failure") this.messages.push(message);
  }

  refuse(): void {}

  sessionEnded(): void {}
}
