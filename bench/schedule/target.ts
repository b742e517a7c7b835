/** What a measurement is held to. */
export interface Target {
  readonly name: string;
  readonly is: number;
  readonly least?: number;
  readonly most?: number;
  readonly unit: string;
}

/** Whether it is met. */
export function isMet({ is, least, most }: Target): boolean {
  return (least === undefined || is >= least) && (most === undefined || is <= most);
}

/** One line a target. */
export function showTargets(targets: readonly Target[]): string {
  const width = Math.max(...targets.map(({ name }) => name.length));
  return targets
    .map((target) => {
      const text = (n: number) => n.toLocaleString("en-US", { maximumFractionDigits: 3 });
      const wanted =
        target.most === undefined ? `at least ${text(target.least ?? 0)}` : `at most ${text(target.most)}`;
      const measured = text(target.is);
      return `  ${isMet(target) ? "pass" : "FAIL"}  ${target.name.padEnd(width)} ${measured.padStart(10)} ${target.unit === "" ? "" : `${target.unit} `}(${wanted})\n`;
    })
    .join("");
}
