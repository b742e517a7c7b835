/** The first task of a bundle that the worker has never seen: tells the milliseconds from its call to its result. */

import { connect, cores, delayed } from "grain-scheduler";
import { tell } from "../tell.js";

// Replaced in each copy of this program.
const SALT = "the salt";

const answer = delayed(function answer(): string {
  return SALT;
}).with(cores(1));

const session = await connect();
try {
  await session.status();
  await session.run(async () => {
    const startedAt = performance.now();
    if ((await answer()) !== SALT) throw new Error("the result is another");
    tell("done", { ms: performance.now() - startedAt });
  });
} finally {
  await session.close();
}
