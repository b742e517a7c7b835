/** When a simulated head plans: everything of one turn once, a moment later. */

/** Far more slices than any plan of so small a cluster has. */
const MOST_SLICES = 200;

/** What is planned. */
export interface PlannerHost {
  after(ms: number, action: () => void): void;
  /** How long after what asks for it. */
  delayMs(): number;
  plan(): void;
}

export class Planner {
  readonly #host: PlannerHost;
  #due = false;
  #slices = 0;

  constructor(host: PlannerHost) {
    this.#host = host;
  }

  /** Something has changed. */
  ask(): void {
    if (this.#due) return;
    this.#due = true;
    this.#host.after(this.#host.delayMs(), () => {
      this.#due = false;
      this.#host.plan();
    });
  }

  /** Only a part of a plan was made. */
  goOn(): void {
    this.#slices += 1;
    if (this.#slices > MOST_SLICES) throw new Error("a plan never completes");
    this.ask();
  }

  /** A plan is complete, or another head begins. */
  complete(): void {
    this.#slices = 0;
  }
}
