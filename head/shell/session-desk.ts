/** What administrators ask and order of one session: its functions, what failed last, why the rest waits, its end. */

import type {
  CancelAnswer,
  CancelQuery,
  SessionDetail,
  SessionDetail_FunctionInfo,
  SessionExplanation,
} from "../../proto/grain.js";
import type { CoreView, FunctionView } from "../core/view.js";
import { cancelTasks } from "./cancelling.js";
import { explanationMessage } from "./explain.js";
import type { Loop } from "./loop.js";
import type { Registry } from "./registry.js";
import type { Session } from "./session.js";
import { sessionInfo } from "./status.js";

/** Answers for single sessions. Who may ask is decided before. */
export class SessionDesk {
  constructor(
    private readonly view: CoreView,
    private readonly registry: Registry,
    private readonly loop: Loop,
    private readonly nowMs: () => number,
  ) {}

  /** A session in detail. */
  detail(number: number): SessionDetail {
    const session = this.registry.sessions.get(number);
    if (session === undefined) return { session: undefined, functions: [], failures: [], errors: true };
    const nowMs = this.nowMs();
    return {
      session: sessionInfo(this.view, session, nowMs),
      functions: this.view.functions(number).map((seen) => functionInfo(session, seen)),
      failures: session.failures.list((spec) => session.functionOf(spec), nowMs),
      errors: true,
    };
  }

  /** Where the longest waiting task of each demand of a session is, and why it is not on a worker. */
  explain(number: number): SessionExplanation {
    if (!this.registry.sessions.has(number)) return { tasks: [], known: false };
    const nowMs = this.nowMs();
    const tasks = this.view
      .oldestWaiting(number)
      .map((task) => explanationMessage(this.view, this.registry, number, task, nowMs));
    return { tasks, known: true };
  }

  /** Ends a task, or all of a session: somebody other than its program wants that. */
  cancel(query: CancelQuery): Promise<CancelAnswer> {
    return cancelTasks(this.loop, this.view, query);
  }
}

function functionInfo(session: Session, seen: FunctionView): SessionDetail_FunctionInfo {
  const { spec, meanUs, ...rest } = seen;
  return {
    ...rest,
    function: session.functionOf(spec),
    ...(meanUs === undefined ? {} : { meanMs: meanUs / 1_000 }),
  };
}
