/**
 * When what has come up is to be dealt with: together, but not late.
 *
 * Node reads its sockets, then runs what `setImmediate` was given. Work put off until then sees
 * everything that had arrived, but what it writes to an HTTP/2 stream leaves one round of the loop
 * later. So the first thing of a turn is dealt with at once; only what comes up after that in the
 * same turn is gathered. Where that happened, turns are busy: then all is gathered for a while.
 */

/** So many turns everything is gathered after one in which more came up. */
const BUSY_TURNS = 16;

/** What follows it is a microtask. `queueMicrotask` costs several times as much: it makes a resource for each. */
const settled = Promise.resolve();

/** Runs one piece of work, at most twice a turn of the event loop, when it is due. */
export class Turn {
  readonly #run: () => void;
  #due = false;
  #inTurn = false;
  #prompted = false;
  #next = false;
  #busyTurns = 0;
  readonly #promptly = () => this.#runIfDue();
  readonly #finally = () => this.#end();

  /** @param run what is to be done when something has come up; throws nothing */
  constructor(run: () => void) {
    this.#run = run;
  }

  /** Something has come up: it is dealt with after what runs at this moment, or at the end of the turn. */
  schedule(): void {
    this.scheduleLate();
    if (this.#prompted || this.#busyTurns > 0) return;
    this.#prompted = true;
    void settled.then(this.#promptly);
  }

  /** Something has come up that can wait for the end of the turn. */
  scheduleLate(): void {
    this.#due = true;
    if (this.#inTurn) return;
    this.#inTurn = true;
    setImmediate(this.#finally);
  }

  /** What is left is dealt with in the next turn, after what arrives until then. */
  scheduleNext(): void {
    if (this.#inTurn) this.#next = true;
    else this.scheduleLate();
  }

  #end(): void {
    if (this.#busyTurns > 0) this.#busyTurns -= 1;
    else if (this.#due && this.#prompted) this.#busyTurns = BUSY_TURNS;
    this.#inTurn = false;
    this.#prompted = false;
    const next = this.#next;
    this.#next = false;
    this.#runIfDue();
    if (next) this.scheduleLate();
  }

  #runIfDue(): void {
    if (!this.#due) return;
    this.#due = false;
    this.#run();
  }
}
