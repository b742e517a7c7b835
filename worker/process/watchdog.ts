/**
 * Ends the processes of all executors of this process when it dies without having done so: killed,
 * or out of memory. A small shell waits on a pipe from here, in a session of its own; when the pipe
 * ends without a word, it looks for our marks in /proc and ends what carries them.
 *
 * One for all agents of a process; none where there is no /proc. What a watchdog that was killed as
 * well has left is found by orphans.ts.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { ownMarks } from "./marker.js";

/**
 * `$1`: what our marks begin with. Programs get SIGTERM and 5 s, the launchers 2 s more: they remove their files.
 * A keeper gets 10 s: it has noticed by itself, and tears down.
 * Signals are ignored, since whoever ends all processes of a session does not mean the one that clears up.
 */
const SCRIPT = `trap '' HUP INT QUIT TERM
if read -r said; then exit; fi
i=0
while [ $i -lt 60 ]; do
  left=
  for f in $(grep -lsF -e "$1" /proc/[0-9]*/environ); do
    p=\${f#/proc/}
    left="$left \${p%/environ}"
  done
  if [ -z "$left" ]; then exit; fi
  for p in $left; do
    if [ $i -lt 35 ] && grep -qsF grain-launcher "/proc/$p/cmdline"; then continue; fi
    if [ $i -lt 50 ] && grep -qsF grain-keeper "/proc/$p/cmdline"; then continue; fi
    if [ $i -eq 0 ]; then kill -TERM "$p"; fi
    if [ $i -ge 25 ]; then kill -KILL "$p"; fi
  done
  i=$((i + 1))
  sleep 0.2 || sleep 1
done`;

let child: ChildProcess | undefined;
let users = 0;

/** Wants a watchdog; returns what gives it back, to be called when no executor is left. */
export function acquireWatchdog(): () => void {
  if (process.platform !== "linux") return () => {};
  users += 1;
  child ??= start();
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    users -= 1;
    if (users > 0) return;
    child?.stdin?.end("done\n");
    child = undefined;
  };
}

function start(): ChildProcess {
  const dog = spawn("/bin/sh", ["-c", SCRIPT, "grain-watchdog", ownMarks()], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    cwd: "/",
  });
  // Without it there is one safeguard less, and nothing to be done about it.
  dog.on("error", () => {});
  dog.stdin?.on("error", () => {});
  dog.unref();
  (dog.stdin as unknown as { unref(): void } | null)?.unref();
  return dog;
}
