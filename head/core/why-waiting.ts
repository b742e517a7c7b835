/** Why the tasks of a class wait, in a word or two, for tables. In full: explain.ts. */

import { type Alternative, lookAt, type Obstacle } from "./obstacle.js";
import type { State } from "./state.js";
import type { TaskClass } from "./task-class.js";

/**
 * What keeps a class from the workers now.
 *
 * @returns e.g. "cores", "token fast", "limit db", "no workers"; "never fits": no connected worker could ever run
 *   it; "its turn": there is room, and it is about to start, or others go first; "new worker": none
 *   that is connected could, one that is started on demand could
 */
export function whyWaiting(state: Readonly<State>, cls: TaskClass): string {
  if (state.workers.size === 0) return "no workers";
  const alternatives = cls.shapes.map((shape) => lookAt(state, cls, shape));
  if (alternatives.some(isOpen)) return "its turn";
  const possible = alternatives.find(({ never }) => never === undefined);
  if (possible?.able === 0 && state.template !== undefined) return "new worker";
  const first = possible?.obstacles[0];
  return first === undefined ? "never fits" : word(first);
}

/** Whether workers have room, and nothing of the whole cluster speaks against it. */
export function isOpen({ room, obstacles }: Alternative): boolean {
  return room.length > 0 && !obstacles.some(({ type }) => type === "limit" || type === "nodes");
}

function word(obstacle: Obstacle): string {
  switch (obstacle.type) {
    case "short":
      return obstacle.kind;
    case "token":
      return `token ${obstacle.token}`;
    case "limit":
      return `limit ${obstacle.name}`;
    case "walltime":
    case "reserved":
    case "busy":
    case "nodes":
      return obstacle.type;
    case "leaving":
      return "draining";
    case "suspect":
      return "cut off";
    case "pressed":
      return "pressed";
    default:
      return obstacle satisfies never;
  }
}
