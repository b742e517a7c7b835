/** Pods in every state, as the API tells of them. */

/** How a pod's container stands, and the pod. */
export function podWith(
  status: object,
  more: { readonly metadata?: object; readonly spec?: object } = {},
): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "w1", ...more.metadata },
    spec: { nodeName: "node1", containers: [{ name: "worker", image: "grain" }], ...more.spec },
    status,
  };
}

/** The status of a container. */
export function container(state: object, name = "worker"): object {
  return { name, image: "grain", imageID: "", ready: false, restartCount: 0, state };
}
