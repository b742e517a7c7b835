/**
 * The launcher's shell code: POSIX, for dash, bash and busybox.
 *
 * A launcher shell keeps *lanes*, shells that run one program at a time, each in
 * a process group of its own together with its program: dash gives programs no
 * groups without a terminal, and `setsid` for each would halve the rate. The launcher
 * makes lanes when asked (a line of numbers on its standard input) and reports on its standard output:
 *
 *   l N  lane N's FIFOs exist: c.N commands, o.N output, e.N errors, p.N process ids, d.N what the lane tells
 *   f N  they could not be made
 *
 * A lane tells on d.N, which has a writer as long as it lives:
 *
 *   r PID     it is ready; PID is its group
 *   x STATUS  its program has ended; 128 + n: by signal n
 *
 * The process id of a program, after the program's number in its lane, goes to p.N when it starts, which wakes nobody:
 * most programs end before anybody asks.
 *
 * Invariant: a lane that is told no more (end of file on c.N, as when the process
 * that owns it has died) ends its group, leftovers included; and the launcher, told no more or "quit",
 * removes the directory and ends when its lanes have. Told no more, it ends their programs first:
 * SIGTERM, 5 s, SIGKILL.
 *
 * Without bash the launcher has no job control: lanes get their groups from `setsid`, and
 * programs start with SIGINT and SIGQUIT ignored, as POSIX has it for background commands.
 *
 * Names of variables are long, because the programs' variables are in the same shell.
 */

/** The launcher. `$1`: its directory, `$2`: the shell that lanes are. */
export const LAUNCHER = `umask 077
exec 3>&1 >/dev/null
trap : PIPE
set -m
case $- in
*m*) __grain_setsid= ;;
*) __grain_setsid=$(command -v setsid) ;;
esac
__grain_groups=
while read -r __grain_asked; do
  __grain_left=
  for __grain_n in $__grain_groups; do
    if kill -0 "$__grain_n"; then __grain_left="$__grain_left $__grain_n"; fi
  done
  __grain_groups=$__grain_left
  if [ "$__grain_asked" = quit ]; then
    # A lane whose FIFO nobody has opened yet waits for that, and only this ends it; the others pay no heed.
    for __grain_n in $__grain_groups; do kill -TERM "$__grain_n"; done
    wait
    rm -rf "$1"
    exit
  fi
  set -- "$1" "$2"
  for __grain_n in $__grain_asked; do
    for __grain_kind in c o e p d; do set -- "$@" "$1/$__grain_kind.$__grain_n"; done
  done
  if (shift 2; exec mkfifo "$@"); then
    for __grain_n in $__grain_asked; do
      $__grain_setsid "$2" -s <"$1/c.$__grain_n" &
      __grain_groups="$__grain_groups $!"
      echo "l $__grain_n" >&3
    done
  else
    for __grain_n in $__grain_asked; do echo "f $__grain_n" >&3; done
  fi
done
for __grain_n in $__grain_groups; do kill -TERM "-$__grain_n"; done
__grain_i=0
while [ $__grain_i -lt 100 ]; do
  __grain_left=
  for __grain_n in $__grain_groups; do
    if kill -0 "$__grain_n"; then __grain_left="$__grain_left $__grain_n"; fi
  done
  __grain_groups=$__grain_left
  if [ -z "$__grain_groups" ]; then break; fi
  sleep 0.05 || sleep 1
  __grain_i=$((__grain_i + 1))
done
for __grain_n in $__grain_groups; do kill -KILL "-$__grain_n"; done
rm -rf "$1"
`;

/** Where a lane's FIFOs are. */
export interface LaneFiles {
  readonly control: string;
  readonly output: string;
  readonly errors: string;
  readonly pids: string;
  readonly told: string;
}

/**
 * What a lane is told first. Afterwards `$1` and `$2` are its FIFOs for output and errors; `p NUMBER DIR` begins a program
 * (in a subshell, which finds its own id by entering /proc/self) and `e` reports its end.
 *
 * @example
 * laneScript({ control: "/dev/shm/x/c.3", … })
 */
export function laneScript(files: LaneFiles): string {
  // What ends a program must not end its lane. A trap that does something is not inherited; an ignored signal would be.
  return `for __grain_n in HUP INT QUIT USR1 USR2 ALRM TERM PIPE XCPU XFSZ VTALRM PROF; do trap : $__grain_n; done
trap 'kill -KILL 0' EXIT
exec 3>&- 4>${quote(files.pids)} 5>${quote(files.told)}
p() {
if cd -P /proc/self; then echo "$1 \${PWD##*/}" >&4; else echo "$1 $$" >&4; fi
cd -- "$2" || exit 126
unset OLDPWD
}
e() { echo "x $?" >&5; }
set -- ${quote(files.output)} ${quote(files.errors)}
echo "r $$" >&5
`;
}

/**
 * A text as one word of shell code, whatever it contains.
 *
 * @example
 * quote("it's") // 'it'\\''s'
 */
export function quote(text: string): string {
  return text.includes("'") ? `'${text.replaceAll("'", "'\\''")}'` : `'${text}'`;
}
