/** A session whose head says what cannot be: each call ends once, and the program hears of it by an error. */

import { HeadSession } from "../../client/session/session.js";
import { type ClientMessage, HeadToClient, Refused_Code } from "../../proto/grain.js";
import { definitionOf, FakeHead, remoteCall, settingsFor } from "../kit/fake-head.js";
import { Random } from "../sim/random.js";
import { bounded } from "./attack-head.js";
import { FedLink } from "./fed-link.js";
import { mutated, readable } from "./mutate.js";
import type { Recording } from "./record.js";

const BATCH = 6;
/** As many as were recorded, more or less. */
const CALLS = 54;

const turn = () => new Promise((resolve) => setImmediate(resolve));

const SESSION_OVER: HeadToClient = {
  body: {
    $case: "refused",
    refused: { code: Refused_Code.SESSION_OVER, message: "over", protocol: 1, version: "1" },
  },
};

type ClientLink = FedLink<ClientMessage, HeadToClient>;

/** Plays one seed. @returns what is wrong; undefined: nothing */
export async function attackClient(recording: Recording, seed: number): Promise<string | undefined> {
  const random = new Random(seed);
  const opened: ClientLink[] = [];
  const open = () => {
    const link: ClientLink = new FedLink();
    opened.push(link);
    return link;
  };
  const { blobs } = new FakeHead();
  let closing = false;
  const connection = {
    link: open(),
    reopen: async () => {
      const link = open();
      if (closing) setImmediate(() => link.feed([SESSION_OVER]));
      return link;
    },
    blobs,
    address: "fuzz:1",
    status: () => Promise.reject(new Error("no status")),
    close: async () => opened.at(-1)!.close(),
  };
  const session = new HeadSession({
    ...settingsFor(new FakeHead()),
    outputs: true,
    counts: true,
    open: async () => ({ connection, release: async () => {} }),
  });
  const ends = new Map<number, number>();
  const owner = {
    ended: ({ number }: { number: number }) => void ends.set(number, (ends.get(number) ?? 0) + 1),
  };
  const echo = definitionOf("echo", { module: "tasks.mjs" });
  const calls = Array.from({ length: CALLS }, (_, i) => session.submit(remoteCall(echo, i), owner));
  await turn();
  let last: HeadToClient[] = [];
  try {
    await feed(recording, random, opened, (batch) => {
      last = batch;
    });
  } catch (error) {
    return `${(error as Error).stack}\nafter ${JSON.stringify(last).slice(0, 2_000)}`;
  }
  closing = true;
  const closed = session.close().then(() => undefined);
  await turn();
  for (const link of opened) link.end({ type: "closed" });
  const late = await bounded(closed, "the session does not close");
  if (late !== undefined) return `${late}, after ${JSON.stringify(last).slice(0, 2_000)}`;
  const odd = opened.flatMap(({ sent }) => sent).find(isUnfounded);
  if (odd !== undefined) return `the client says ${JSON.stringify(odd).slice(0, 500)}`;
  for (const { number, completion } of calls)
    if (ends.get(number) !== 1 || completion.state.type === "pending")
      return `call ${number} ended ${ends.get(number) ?? 0} times and is ${completion.state.type}`;
  return undefined;
}

/** Whether it acknowledges what it has not submitted: whatever it is told, what it says is right. */
function isUnfounded({ body }: ClientMessage): boolean {
  return body?.$case === "ack" && body.ack.tasks.some((task) => task < 1 || task > CALLS);
}

/** The recorded streams, one after another, each on the next link that the session opens. */
async function feed(
  { fromHead, toHead }: Recording,
  random: Random,
  opened: ClientLink[],
  feeds: (batch: HeadToClient[]) => void,
): Promise<void> {
  const strangers = [...fromHead.worker.flat(), ...toHead.client.flat()];
  for (const [i, stream] of fromHead.client.entries()) {
    const link = opened[i];
    if (link === undefined) return;
    const { read, malformed } = readable(mutated(stream, HeadToClient, strangers, random), HeadToClient);
    while (read.length > 0 && !link.hasEnded) {
      const batch = read.splice(0, random.below(BATCH));
      feeds(batch);
      link.feed(batch);
      if (random.next() < 0.3) await turn();
    }
    link.end(malformed ? { type: "malformed", message: "no message" } : { type: "broken", message: "cut" });
    // It opens another, if it may.
    await turn();
    await turn();
  }
}
