/** The file that `grain init` writes: the entries that matter to a system, each with what it is for. */

import { hostname } from "node:os";
import { entryOf, type Key, type SYSTEM_NAMES } from "../../proto/config/entries.js";
import { tomlText } from "./toml-text.js";

/** What a file can be written for. */
export type StarterSystem = (typeof SYSTEM_NAMES)[number];

/** An entry with a value to begin with; one that is not set is written as a comment. */
interface Line {
  readonly key: Key;
  readonly example: unknown;
  readonly isSet: boolean;
}

const set = (key: Key, example: unknown): Line => ({ key, example, isSet: true });
const unset = (key: Key, example: unknown): Line => ({ key, example, isSet: false });

/** What is to be replaced in a file that was written here. */
export const PLACEHOLDER = /<(account|context|host|namespace|partition|pool|project|queue|registry|user)>/;

const HEAD: readonly Line[] = [
  unset("head.listen", "127.0.0.1:7700"),
  unset("head.log_file", "head-{{HHMMSS}}.log"),
  unset("head.idle_quit", "30m"),
];

/** The head runs where the file is written, and is reached from other machines. */
const REACHABLE: readonly Line[] = [
  set("address", `${hostname()}:7700`),
  set("head.listen", "0.0.0.0:7700"),
  ...HEAD.filter(({ key }) => key !== "head.listen"),
];

const JOB: readonly Line[] = [
  unset("worker.log_file", "logs/{{NAME}}.log"),
  unset("worker.drain_deadline", "10m"),
  unset("worker.res", { capacity: 8, token: "fast-disk" }),
];

const SCALE: readonly Line[] = [unset("scale.min", 0), unset("scale.max", 20), unset("scale.idle", "5m")];

function batch(queue: string, extraArgument: string): Line[] {
  return [
    ...REACHABLE,
    ...JOB,
    set("script.walltime", "1:00:00"),
    set("script.cores", 4),
    set("script.memory", 8),
    unset("script.queue", queue),
    unset("script.extra_args", [extraArgument]),
    unset("script.setup_cleanup", "module load nodejs\nmkdir -p $TMPDIR/work\ndefer rm -rf $TMPDIR/work\n"),
    ...SCALE,
  ];
}

const LINES: Readonly<Record<StarterSystem, readonly Line[]>> = {
  local: [unset("address", "127.0.0.1:7700"), ...HEAD, ...JOB],
  slurm: batch("<partition>", "--account=<account>"),
  pbs: batch("<queue>", "-A <account>"),
  lsf: batch("<queue>", "-P <project>"),
  sge: [...batch("<queue>", "-P <project>"), unset("sge.parallel_environment", "smp")],
  ssh: [...REACHABLE, ...JOB, set("ssh.hosts", ["<host>", "<user>@<host>"]), unset("ssh.directory", "work")],
  kubernetes: [
    // Reached through "kubectl port-forward service/grain-head 7700"; workers know it by its Service.
    set("address", "127.0.0.1:7700"),
    unset("access", "grain.pem"),
    ...JOB.filter(({ key }) => key !== "worker.log_file"),
    set("worker.dial", "grain-head:7700"),
    set("script.cores", 4),
    set("script.memory", 8),
    set("kubernetes.image", "<registry>/grain:latest"),
    set("kubernetes.namespace", "grain"),
    unset("kubernetes.context", "<context>"),
    unset("kubernetes.access_secret", "grain-worker"),
    unset("kubernetes.template", "worker-pod.yaml"),
    unset("kubernetes.node_selector", { pool: "<pool>" }),
    unset("kubernetes.tolerations", ["gpu=yes:NoSchedule"]),
    unset("kubernetes.grace", "5m"),
    ...SCALE,
  ],
};

/**
 * Writes a file to start from.
 *
 * @example
 * starterText("slurm") // '# Configuration of Grain. …'
 */
export function starterText(system: StarterSystem): string {
  const parts = [
    '# Configuration of Grain. "grain config show" says what it comes to, with',
    "# --all also what else there is. Entries behind a # are not set.",
    "",
    `# ${entryOf("system").about}`,
    `system = ${tomlText(system)}`,
  ];
  let table = "";
  for (const { key, example, isSet } of LINES[system]) {
    const at = key.lastIndexOf(".");
    const own = key.slice(0, Math.max(0, at));
    if (own !== table) parts.push("", `[${own}]`);
    else if (table === "") parts.push("");
    table = own;
    const { about, without } = entryOf(key);
    parts.push(...wrapped(without === undefined ? about : `${about} (default: ${without})`));
    const lines = `${key.slice(at + 1)} = ${tomlText(example)}`.split("\n");
    parts.push(...lines.map((line) => (isSet ? line : `#${line}`)));
  }
  return `${parts.join("\n")}\n`;
}

const WIDTH = 80;

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
