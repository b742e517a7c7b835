/** Logarithmic axes: where a value stands, and which values are marked. */

/** Maps values to positions. */
export interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** Powers of ten around what is shown. */
export function decades(values: readonly number[]): [number, number] {
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values)) - 1e-9);
  return [low, high > low ? high : low * 10];
}

export function logScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
  ticks?: readonly number[],
): Scale {
  const width = Math.log10(high / low);
  return {
    at: (value) => from + ((to - from) * Math.log10(value / low)) / width,
    ticks: ticks ?? powersOfTen(low, high),
  };
}

function powersOfTen(low: number, high: number): number[] {
  const powers: number[] = [];
  for (let power = low; power <= high * 1.001; power *= 10) powers.push(power);
  return powers;
}

/** 300000 is "300k". */
export function showCount(value: number): string {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))}M`;
  if (value >= 1_000) return `${Number((value / 1_000).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

/** 131072 is "128 KiB". */
export function showBytes(value: number): string {
  if (value >= 2 ** 20) return `${value / 2 ** 20} MiB`;
  if (value >= 2 ** 10) return `${value / 2 ** 10} KiB`;
  return `${value} B`;
}
