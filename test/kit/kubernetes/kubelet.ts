/**
 * Stands in for a node of a cluster: runs the container of each pod as a real process of this machine, with its
 * variables, its command as Kubernetes expands it, SIGTERM and SIGKILL. Nothing is mounted: paths of
 * volumes in the command stand for directories of the test.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiServer } from "./api-server.js";
import type { Container, EnvVar, Pod } from "./objects.js";

/** Makes amounts numbers: "8Gi", "4". */
const QUANTITY = /^(\d+)(Ki|Mi|Gi)?$/;
const POWERS: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };
/** As much of the end of a log is put into a status. */
const MESSAGE_BYTES = 2_048;

/** A node. */
export class Kubelet {
  /** Secrets by name, with their keys; a pod waits for what is not there. */
  readonly secrets = new Map<string, Readonly<Record<string, string>>>();
  /** Signals that were sent, as "pod SIGTERM". */
  readonly signals: string[] = [];
  /** Set: no pod is started, for this reason. */
  refuse: string | undefined;
  readonly #api: ApiServer;
  readonly #directory: string;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #running = new Map<string, { child: ChildProcess; killer?: NodeJS.Timeout }>();

  /** @param env of all containers, below their own */
  constructor(api: ApiServer, directory: string, env: Readonly<Record<string, string | undefined>>) {
    this.#api = api;
    this.#directory = directory;
    this.#env = env;
    api.onCreated = (pod) => this.#start(pod);
    api.onDeleted = (pod) => this.#end(pod);
  }

  /** What a pod's container has said. */
  log(name: string): string {
    return readFileSync(join(this.#directory, name, "log"), "utf8");
  }

  /** Processes that run. */
  get running(): string[] {
    return [...this.#running.keys()];
  }

  #start(pod: Pod): void {
    const { name } = pod.metadata;
    if (this.refuse !== undefined) {
      const condition = {
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message: this.refuse,
      };
      pod.status = { phase: "Pending", conditions: [condition] };
      return;
    }
    const container = pod.spec.containers[0]!;
    const directory = join(this.#directory, name);
    mkdirSync(join(directory, "tmp"), { recursive: true });
    const mounts = this.#mount(pod, container, directory);
    const values = variablesOf(pod, container);
    const inside = (text: string) =>
      [...mounts].reduce((all, [path, place]) => all.replaceAll(path, place), expand(text, values));
    const [program = "", ...args] = [...(container.command ?? []), ...(container.args ?? [])].map(inside);
    const log = openSync(join(directory, "log"), "a");
    const child = spawn(program, args, {
      cwd: directory,
      env: { ...this.#env, TMPDIR: join(directory, "tmp"), ...Object.fromEntries(values) },
      stdio: ["ignore", log, log],
    });
    pod.spec.nodeName = "node1";
    pod.status = statusOf("Running", container, { running: {} });
    this.#running.set(name, { child });
    child.once("exit", (code, signal) => {
      clearTimeout(this.#running.get(name)?.killer);
      this.#running.delete(name);
      const exitCode = code ?? 128 + (signal === "SIGKILL" ? 9 : 15);
      const terminated = {
        exitCode,
        reason: exitCode === 0 ? "Completed" : "Error",
        ...(exitCode === 0 ? {} : { message: this.log(name).slice(-MESSAGE_BYTES) }),
      };
      pod.status = statusOf(exitCode === 0 ? "Succeeded" : "Failed", container, { terminated });
      if (pod.metadata.deletionTimestamp !== undefined) this.#api.remove(pod);
    });
  }

  /** Directories of the test in the place of what is mounted. */
  #mount(pod: Pod, { volumeMounts = [] }: Container, directory: string): Map<string, string> {
    const mounts = new Map<string, string>();
    for (const { name, mountPath } of volumeMounts) {
      const volume = pod.spec.volumes?.find((each) => each.name === name);
      const secret = this.secrets.get(volume?.secret?.secretName ?? "");
      if (volume?.secret === undefined) continue;
      const place = join(directory, name);
      mkdirSync(place, { recursive: true });
      for (const { key, path } of volume.secret.items ?? []) {
        const content = secret?.[key];
        if (content === undefined) throw new Error(`there is no ${key} in ${volume.secret.secretName}`);
        // As the kubelet writes them; refused as credentials in that form.
        writeFileSync(join(place, path), content);
        chmodSync(join(place, path), 0o644);
      }
      mounts.set(mountPath, place);
    }
    return mounts;
  }

  #end(pod: Pod): void {
    const { name, deletionGracePeriodSeconds = 30 } = pod.metadata;
    const running = this.#running.get(name);
    if (running === undefined) return this.#api.remove(pod);
    this.#send(name, "SIGTERM");
    running.killer = setTimeout(() => this.#send(name, "SIGKILL"), deletionGracePeriodSeconds * 1_000);
  }

  #send(name: string, signal: NodeJS.Signals): void {
    this.signals.push(`${name} ${signal}`);
    this.#running.get(name)?.child.kill(signal);
  }
}

function statusOf(phase: string, { name, image = "" }: Container, state: object): Pod["status"] {
  const ready = phase === "Running";
  return {
    phase,
    containerStatuses: [{ name, image, imageID: "", ready, restartCount: 0, state }],
  };
}

function variablesOf(pod: Pod, container: Container): Map<string, string> {
  const values = new Map<string, string>();
  for (const variable of container.env ?? [])
    values.set(variable.name, valueIn(variable, pod, container, values));
  return values;
}

function valueIn(
  { value, valueFrom }: EnvVar,
  pod: Pod,
  container: Container,
  known: Map<string, string>,
): string {
  const path = valueFrom?.fieldRef?.fieldPath;
  if (path === "metadata.name") return pod.metadata.name;
  if (path !== undefined) throw new Error(`no test needs ${path}`);
  const [kind, resource = ""] = valueFrom?.resourceFieldRef?.resource.split(".") ?? [];
  if (kind === undefined) return expand(value ?? "", known);
  const amount = container.resources?.[kind as "limits" | "requests"]?.[resource] ?? "0";
  const [, digits = "0", unit] = QUANTITY.exec(amount) ?? [];
  return String(Number(digits) * (unit === undefined ? 1 : POWERS[unit]!));
}

/** `$(NAME)` is replaced where there is such a variable, and `$$` is a dollar: as Kubernetes' expand.go does. */
export function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))/g, (whole, after: string, name: string) =>
    after === "$" ? "$" : (values.get(name) ?? whole),
  );
}
