/** What pods say of themselves, as states of jobs. */

import { describe, expect, it } from "vitest";
import { stateOf } from "../../provider/kubernetes/state.js";
import type { JobState } from "../../provider/provider.js";
import { container, podWith } from "../kit/kubernetes/pods.js";
import { problemsWith } from "../kit/kubernetes/schema.js";

const waiting = (reason: string, message?: string) => ({
  phase: "Pending",
  containerStatuses: [container({ waiting: { reason, ...(message === undefined ? {} : { message }) } })],
});
const terminated = (
  exitCode: number,
  more: object = {},
  phase = exitCode === 0 ? "Succeeded" : "Failed",
) => ({
  phase,
  containerStatuses: [container({ terminated: { exitCode, reason: "Error", ...more } })],
});
const target = (reason: string) => [
  { type: "DisruptionTarget", status: "True", reason, message: "made room" },
];

describe("the state of a pod", () => {
  it.each<[string, object, JobState, object?]>([
    ["just created", { phase: "Pending" }, { type: "queued", reason: "" }],
    [
      "that no node has room for",
      {
        phase: "Pending",
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
            message: "0/3 nodes are available: 3 Insufficient cpu.",
          },
        ],
      },
      { type: "queued", reason: "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu." },
    ],
    [
      "that is held back by a gate",
      {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
      },
      { type: "queued", reason: "SchedulingGated" },
    ],
    ["being set up", waiting("ContainerCreating"), { type: "queued", reason: "ContainerCreating" }],
    [
      "whose image is not there",
      waiting("ImagePullBackOff", 'Back-off pulling image "grain:1"'),
      { type: "queued", reason: 'ImagePullBackOff: Back-off pulling image "grain:1"' },
    ],
    [
      "whose init container waits",
      {
        phase: "Pending",
        initContainerStatuses: [container({ waiting: { reason: "ErrImagePull" } }, "init")],
        containerStatuses: [container({ waiting: { reason: "PodInitializing" } })],
      },
      { type: "queued", reason: "ErrImagePull" },
    ],
    [
      "deleted before it ran",
      { phase: "Pending" },
      { type: "ended", reason: "it was deleted" },
      { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } },
    ],
    [
      "that runs",
      { phase: "Running", containerStatuses: [container({ running: {} })] },
      { type: "running", host: "node1" },
    ],
    [
      "that still ends",
      { phase: "Running", containerStatuses: [container({ running: {} })] },
      { type: "running", host: "node1" },
      { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } },
    ],
    [
      "whose worker has left, and something beside it goes on",
      {
        phase: "Running",
        containerStatuses: [container({ running: {} }, "log"), container({ terminated: { exitCode: 0 } })],
      },
      { type: "ended", reason: "" },
    ],
    ["that has left", terminated(0, { reason: "Completed" }), { type: "ended", reason: "" }],
    [
      "that failed, with the end of its log",
      terminated(2, { message: "starting\ngrain-worker: No head is named.\n" }),
      { type: "failed", reason: "grain-worker: No head is named.", exitCode: 2 },
    ],
    [
      "that failed without a word",
      terminated(3),
      { type: "failed", reason: "its process failed", exitCode: 3 },
    ],
    [
      "that was out of memory",
      terminated(137, { reason: "OOMKilled" }),
      { type: "failed", reason: "OOMKilled: it took more than the memory of its container", signal: 9 },
    ],
    ["that was killed", terminated(139), { type: "failed", reason: "its process failed", signal: 11 }],
    [
      "whose program is not in the image",
      terminated(128, { reason: "StartError", message: "exec: /bin/bash: no such file" }),
      { type: "failed", reason: "StartError: exec: /bin/bash: no such file", exitCode: 128 },
    ],
    [
      "that was evicted",
      { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory. " },
      { type: "failed", reason: "Evicted: The node was low on resource: memory." },
    ],
    [
      "that did not fit after all",
      { phase: "Failed", reason: "OutOfcpu", message: "Node didn't have enough resource: cpu" },
      { type: "failed", reason: "OutOfcpu: Node didn't have enough resource: cpu" },
    ],
    [
      "out of walltime",
      { ...terminated(143), reason: "DeadlineExceeded", message: "Pod was active too long" },
      { type: "ended", reason: "out of walltime" },
    ],
    [
      "preempted",
      { ...terminated(143), conditions: target("PreemptionByScheduler") },
      { type: "ended", reason: "PreemptionByScheduler: made room" },
    ],
    [
      "drained with its node",
      { ...terminated(143), conditions: target("EvictionByEvictionAPI") },
      { type: "ended", reason: "EvictionByEvictionAPI: made room" },
    ],
    [
      "failed, and nobody knows why",
      { phase: "Failed" },
      { type: "failed", reason: "Kubernetes does not say why" },
    ],
    ["on a node that does not answer", { phase: "Unknown" }, { type: "unknown" }],
  ])("%s", async (_, status, state, more = {}) => {
    const pod = podWith(status, more);
    expect(await problemsWith(pod)).toEqual([]);
    expect(stateOf(pod)).toEqual(state);
  });

  it("says no more than fits a line", () => {
    const state = stateOf(podWith(waiting("ErrImagePull", "x ".repeat(1_000))));
    expect(state).toMatchObject({ reason: expect.stringMatching(/^ErrImagePull: x x .*…$/) });
    expect((state as { reason: string }).reason).toHaveLength(300);
  });
});
