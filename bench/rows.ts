/** All rows, in the order of the table. */

import type { Row } from "./row.js";
import { crowdRows } from "./rows/crowd.js";
import { curves } from "./rows/curves.js";
import { idleRows } from "./rows/idle.js";
import { latencyRows } from "./rows/latency.js";
import { memoryRows } from "./rows/memory.js";
import { noopRows } from "./rows/noop.js";
import { operatorRows } from "./rows/operators.js";
import { pendingRows } from "./rows/pending.js";
import { programRows } from "./rows/programs.js";
import { startRows } from "./rows/start.js";
import { valueRows } from "./rows/values.js";

/** Measured unless `--only` says otherwise. */
export const ROWS: readonly Row[] = [
  ...noopRows,
  ...latencyRows,
  ...valueRows,
  ...programRows,
  ...memoryRows,
  ...crowdRows,
  ...operatorRows,
  ...startRows,
  ...idleRows,
];

/** Measured only when named: they take long. */
export const EXTRA_ROWS: readonly Row[] = [curves, ...pendingRows];
