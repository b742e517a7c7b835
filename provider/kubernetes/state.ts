/** How a pod stands, as the state of a job. */

import type { V1ContainerState, V1ContainerStatus, V1Pod, V1PodStatus } from "@kubernetes/client-node";
import type { JobState } from "../provider.js";
import { CONTAINER } from "./pod.js";

/** Reasons that only say that all is well. */
const PLAIN = new Set(["Completed", "Error", "ContainersNotReady"]);
/** Who has taken a pod away for others' sake: no failure of its own. */
const TAKEN = new Set(["PreemptionByScheduler", "EvictionByEvictionAPI", "DeletionByTaintManager"]);
/** Exit codes above are signals, as shells tell them. */
const SIGNALS_FROM = 128;
const MOST_LETTERS = 300;

/**
 * The state of a worker's pod.
 *
 * @example
 * stateOf(pod) // { type: "queued", reason: "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu." }
 */
export function stateOf({ metadata, spec, status = {} }: V1Pod): JobState {
  const over = status.phase === "Succeeded" || status.phase === "Failed";
  const container = containerOf(status);
  // A template may have others beside it, which go on.
  if (over || container?.state?.terminated !== undefined) return overOf(status, container);
  switch (status.phase) {
    case "Running":
      return { type: "running", host: spec?.nodeName ?? "" };
    case undefined:
    case "Pending":
      if (metadata?.deletionTimestamp !== undefined) return { type: "ended", reason: "it was deleted" };
      return { type: "queued", reason: waitingFor(status, container) };
    default:
      return { type: "unknown" };
  }
}

function containerOf({ containerStatuses = [] }: V1PodStatus): V1ContainerStatus | undefined {
  return containerStatuses.find(({ name }) => name === CONTAINER) ?? containerStatuses[0];
}

function waitingFor(status: V1PodStatus, container: V1ContainerStatus | undefined): string {
  const held = status.conditions?.find((each) => each.type === "PodScheduled" && each.status === "False");
  if (held !== undefined) return joined(held.reason, held.message);
  const initial = status.initContainerStatuses?.find(({ state }) => state?.waiting !== undefined);
  const waiting = (initial ?? container)?.state?.waiting;
  return joined(waiting?.reason, waiting?.message);
}

function overOf(status: V1PodStatus, container: V1ContainerStatus | undefined): JobState {
  const ended = container?.state?.terminated;
  const taken = status.conditions?.find(
    ({ type, status: is, reason = "" }) => type === "DisruptionTarget" && is === "True" && TAKEN.has(reason),
  );
  if (taken !== undefined) return { type: "ended", reason: joined(taken.reason, taken.message) };
  if (status.reason === "DeadlineExceeded") return { type: "ended", reason: "out of walltime" };
  // Evicted, NodeLost, OutOfcpu, …
  const reason = status.reason === undefined ? undefined : joined(status.reason, status.message);
  if (ended === undefined)
    return status.phase === "Succeeded"
      ? { type: "ended", reason: "" }
      : { type: "failed", reason: reason ?? "Kubernetes does not say why" };
  if (ended.exitCode === 0 && reason === undefined) return { type: "ended", reason: "" };
  return { type: "failed", reason: reason ?? whyEnded(ended), ...exitOf(ended) };
}

type Terminated = NonNullable<V1ContainerState["terminated"]>;

function whyEnded({ reason = "", message = "" }: Terminated): string {
  if (reason === "OOMKilled") return "OOMKilled: it took more than the memory of its container";
  const last = message.trimEnd().split("\n").at(-1)?.trim() ?? "";
  if (!PLAIN.has(reason)) return joined(reason, message);
  return last === "" ? "its process failed" : shortened(last);
}

function exitOf({ exitCode, signal }: Terminated): { exitCode?: number; signal?: number } {
  if (signal !== undefined && signal > 0) return { signal };
  return exitCode > SIGNALS_FROM ? { signal: exitCode - SIGNALS_FROM } : { exitCode };
}

function joined(reason = "", message = ""): string {
  const said = message.trim().replaceAll(/\s+/g, " ");
  if (PLAIN.has(reason) || reason === "") return shortened(said);
  return shortened(said === "" ? reason : `${reason}: ${said}`);
}

function shortened(text: string): string {
  return text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text;
}
