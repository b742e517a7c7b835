/**
 * Large values in both directions at once, over connections with little room: as between machines that are
 * far apart. Linux has such connections in a network namespace with limits of its own.
 */

import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { ROOT } from "../../kit/daemons.js";

const SMALL =
  'ip link set lo up && echo "4096 16384 65536" > /proc/sys/net/ipv4/tcp_wmem && echo "4096 65536 65536" > /proc/sys/net/ipv4/tcp_rmem';
const within = (then: string) => ["-n", "sh", "-c", `${SMALL} && ${then}`];
const isPossible = spawnSync("unshare", within("true")).status === 0;

it.runIf(isPossible)("neither way waits for the other where there is little room between them", async () => {
  const program = `exec '${process.execPath}' --import tsx '${ROOT}test/head/shell/both-ways-program.ts'`;
  const { stdout, stderr } = await promisify(execFile)("unshare", within(program), { cwd: ROOT });
  expect(stdout, stderr).toMatch(/^(\d+) of \1 bytes\n$/);
});
