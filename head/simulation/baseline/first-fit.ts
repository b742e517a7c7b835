/**
 * Baseline: first fit. In the order of one line, each task that fits somewhere starts on the first
 * worker with room; what fits nowhere is passed over, and never waited for. (Tasks of one
 * queue ask for the same, so when one fits nowhere the others behind it need not be tried.)
 */

import { Bookkeeping } from "./bookkeeping.js";
import { earliest } from "./fifo.js";

export class FirstFit extends Bookkeeping {
  protected plan(): void {
    const open = new Set(this.waiting());
    for (;;) {
      const first = earliest(open);
      if (first === undefined) return;
      if (!this.start(first)) open.delete(first);
    }
  }
}
