/** Explanations as the Admin service gives them: the core's, with the names of functions. */

import type {
  Explanation_Alternative,
  Explanation_Obstacle,
  Explanation_Reservation,
  Explanation as Message,
} from "../../proto/grain.js";
import type { Explanation, QueuedTask } from "../core/explain.js";
import { explanationText, type NameOf } from "../core/explain-text.js";
import type { Alternative, Obstacle, Reserved } from "../core/obstacle.js";
import type { CoreView } from "../core/view.js";
import type { Registry } from "./registry.js";

/** Where a task is and, while it is queued, why it is not on a worker. */
export function explanationMessage(
  view: CoreView,
  registry: Registry,
  session: number,
  task: number,
  nowMs: number,
): Message {
  const nameOf: NameOf = (number, spec) => registry.sessions.get(number)?.functionOf(spec) ?? "";
  const explanation = view.explain(session, task, nowMs);
  const message: Message = {
    text: explanationText(explanation, nameOf),
    session,
    task,
    state: explanation.type,
    function: "",
    attempt: 0,
    workers: [],
    connected: 0,
    alternatives: [],
    reservation: undefined,
    urgent: [],
    before: 0,
    sessions: [],
  };
  if (explanation.type === "unknown") return message;
  message.function = nameOf(session, explanation.spec);
  message.attempt = explanation.attempt;
  return {
    ...message,
    ...(explanation.type === "queued" ? waiting(explanation, nameOf) : placed(explanation)),
  };
}

type Placed = Exclude<Explanation, { type: "unknown" | "queued" }>;

function placed(explanation: Placed): Partial<Message> {
  switch (explanation.type) {
    case "ahead":
      return { workers: [explanation.worker] };
    case "running":
      return { workers: [...explanation.workers], sinceMs: explanation.runningMs };
    case "delayed":
      return {};
    case "stopping":
      return { workers: [...explanation.workers] };
    default:
      return explanation satisfies never;
  }
}

function waiting(queued: QueuedTask, nameOf: NameOf): Partial<Message> {
  return {
    sinceMs: queued.waitingMs,
    connected: queued.workers,
    alternatives: queued.alternatives.map((alternative) => alternativeMessage(alternative, nameOf)),
    reservation: queued.reserved && reservationMessage(queued.reserved, nameOf),
    urgent: queued.urgent.map((urgent) => ({ ...urgent })),
    before: queued.before,
    sessions: queued.sessions.map((session) => ({ ...session })),
  };
}

function alternativeMessage(alternative: Alternative, nameOf: NameOf): Explanation_Alternative {
  const { demand, never, able, room, moreRoom, obstacles } = alternative;
  return {
    demand,
    never: [...(never?.reasons ?? [])],
    closest: never?.closest ?? "",
    able,
    room: [...room],
    moreRoom,
    obstacles: obstacles.map((obstacle) => obstacleMessage(obstacle, nameOf)),
  };
}

function obstacleMessage(obstacle: Obstacle, nameOf: NameOf): Explanation_Obstacle {
  const { type } = obstacle;
  const message: Explanation_Obstacle = {
    type,
    name: "",
    workers: "workers" in obstacle ? obstacle.workers.map((on) => ({ ...on })) : [],
    others: "others" in obstacle ? obstacle.others : 0,
    needed: 0,
    there: 0,
    able: 0,
    reservation: undefined,
  };
  switch (obstacle.type) {
    case "short":
      return { ...message, name: obstacle.kind };
    case "token":
      return { ...message, name: obstacle.token };
    case "reserved":
      return { ...message, reservation: reservationMessage(obstacle.reserved, nameOf) };
    case "limit":
      return { ...message, name: obstacle.name, needed: obstacle.count, there: obstacle.inUse };
    case "nodes":
      return { ...message, needed: obstacle.needed, there: obstacle.idle, able: obstacle.able };
    case "walltime":
    case "leaving":
    case "suspect":
    case "pressed":
    case "busy":
      return message;
    default:
      return obstacle satisfies never;
  }
}

function reservationMessage(reserved: Reserved, nameOf: NameOf): Explanation_Reservation {
  const { session, spec, workers, expectedMs } = reserved;
  return { session, function: nameOf(session, spec), workers: [...workers], expectedMs };
}
