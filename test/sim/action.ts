/** What happens to a simulated cluster from outside: work, workers that come and go, and faults. */

import type { Pool } from "../../proto/resource/pool.js";
import type { Cluster } from "./cluster.js";
import type { Member } from "./member.js";

/** `pick` and `picks` are of the workers that there are then. */
export type Action =
  | { readonly type: "submit"; readonly session: number; readonly spec: number; readonly count: number }
  | { readonly type: "join"; readonly pool: Pool; readonly linkMs: number }
  | { readonly type: "lose" | "leave"; readonly pick: number }
  | { readonly type: "press" | "duplicate"; readonly pick: number; readonly forMs: number }
  | { readonly type: "restart"; readonly pick: number; readonly afterMs: number }
  | { readonly type: "cancel"; readonly session: number; readonly tasks: readonly number[] }
  | { readonly type: "cut"; readonly pick: number; readonly ms: number }
  | { readonly type: "cutClient"; readonly session: number; readonly ms: number }
  | Partition
  | Delay
  | { readonly type: "slow"; readonly pick: number; readonly times: number; readonly forMs: number }
  | { readonly type: "killHead"; readonly downMs: number; readonly clientsMs: number }
  | { readonly type: "close"; readonly session: number };

/** Some cannot reach the head. */
interface Partition {
  readonly type: "partition";
  readonly picks: readonly number[];
  readonly sessions: readonly number[];
  readonly ms: number;
}

/** What one says and is told takes longer than what others do. */
interface Delay {
  readonly type: "delay";
  readonly of: "worker" | "client";
  readonly pick: number;
  readonly byMs: number;
  readonly forMs: number;
}

/** Lets it happen now. */
export function perform(cluster: Cluster, action: Action): void {
  const { clients } = cluster;
  switch (action.type) {
    case "submit":
      clients.submit(action.session, action.spec, action.count);
      return;
    case "join":
      cluster.join(action.pool, action.linkMs);
      return;
    case "killHead":
      return cluster.killHead(action.downMs, action.clientsMs);
    case "cutClient":
      return clients.cut(action.session, action.ms);
    case "partition": {
      const cut = new Set(action.picks.map((pick) => picked(cluster, pick)));
      for (const worker of cut) if (worker !== undefined) cluster.cut(worker, action.ms);
      for (const session of action.sessions) clients.cut(session, action.ms);
      return;
    }
    case "delay":
      return delay(cluster, action);
    case "cancel":
      return clients.cancel(action.session, action.tasks);
    case "close":
      return clients.close(action.session);
    default: {
      const number = picked(cluster, action.pick);
      if (number !== undefined) performOn(cluster, number, cluster.members.get(number)!, action);
    }
  }
}

type Picking = Exclude<Extract<Action, { readonly pick: number }>, Delay>;

function performOn(cluster: Cluster, number: number, member: Member, action: Picking): void {
  switch (action.type) {
    case "lose":
      return cluster.lose(number);
    case "leave":
      return cluster.leave(number);
    case "press":
      return cluster.press(number, action.forMs);
    case "restart":
      cluster.lose(number);
      return cluster.after(action.afterMs, () => cluster.join(member.pool, member.linkMs));
    case "cut":
      return cluster.cut(number, action.ms);
    case "slow": {
      member.slowness = action.times;
      return cluster.after(action.forMs, () => {
        member.slowness = 1;
      });
    }
    case "duplicate": {
      const usually = member.repeats;
      member.repeats = 1;
      return cluster.after(action.forMs, () => {
        member.repeats = usually;
      });
    }
    default:
      action satisfies never;
  }
}

function picked(cluster: Cluster, pick: number): number | undefined {
  const workers = [...cluster.members.keys()];
  return workers[pick % workers.length];
}

function delay(cluster: Cluster, { of, pick, byMs, forMs }: Delay): void {
  const sessions = cluster.clients.sessions;
  const number = of === "worker" ? picked(cluster, pick) : sessions[pick % sessions.length];
  const ways = of === "worker" ? ["up", "down"] : ["from client", "to client"];
  for (const way of ways) cluster.network.delay(`${way} ${number}`, byMs, forMs);
}
